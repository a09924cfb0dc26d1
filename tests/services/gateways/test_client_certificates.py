"""A custom gateway that wants a client certificate: its stand-in is served over TLS, to known clients only."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from clearway.domain.gateway import GatewayConfig, GatewayKind
from clearway.domain.merchant import Mode
from clearway.gateways.contract import OutcomeKind, Preparing
from clearway.gateways.custom.kind import CUSTOM
from clearway.gateways.kinds import Ingredients
from clearway.settings import Settings
from clearway.simulator.app import create_app
from clearway.simulator.settings import SimulatorSettings
from tests.services.gateways.asking import order
from tests.services.gateways.document_bench import content_of
from tests.services.gateways.hosted_shop import BACK
from tests.services.gateways.running import free_listener, serving
from tests.support.authority import Authority, Identity


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """Trust an authority as this machine trusts the public ones."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


@pytest.fixture
async def address(authority: Authority, tmp_path: Path) -> AsyncIterator[str]:
    """Serve FastShift's stand-in to clients with a certificate of the authority."""
    listener, url = free_listener()
    own = authority.issue("localhost")
    settings = SimulatorSettings(
        _env_file=None,
        simulator_state=tmp_path / "sim.sqlite3",
        simulator_public_url=url,
        simulator_webhook_url="http://127.0.0.1:9/nobody",
        test_mode=True,
    )
    tls = {
        "ssl_certfile": own.certificate,
        "ssl_keyfile": own.key,
        "ssl_ca_certs": str(authority.file),
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
    }
    async with serving(create_app(settings), listener, **tls):
        yield f"{url.replace('http://127.0.0.1', 'https://localhost')}/fastshift"


async def outcome_with(address: str, identity: Identity | None) -> OutcomeKind:
    """Register a payment with a client certificate, or without one."""
    document: dict[str, Any] = content_of("fastshift")
    credentials = {"token": "token_shop1"}
    if identity is not None:
        document["client_certificate"] = {"certificate": "certificate", "key": "private_key"}
        document["credentials"] |= {name: {"description": "PEM."} for name in ("certificate", "private_key")}
        credentials |= {"certificate": identity.certificate.read_text(), "private_key": identity.key.read_text()}
    entered = CUSTOM.settings.model_validate({"document": document, "addresses": {"api": address}})
    opened = CUSTOM.credentials.model_validate(credentials)
    assert await CUSTOM.problems(opened, entered) == []
    config = GatewayConfig("gw_1", "mer_1", Mode.TEST, GatewayKind.CUSTOM, "Bank", True, 1, {}, (), version=1)
    installation = Settings(_env_file=None, webhook_allowed_networks="127.0.0.0/8,::1/128")
    gateway = CUSTOM.build(Ingredients(config, opened, entered, installation, ssl.create_default_context()))
    assert isinstance(gateway, Preparing)
    try:
        return (
            await gateway.prepare(order("MTLS", "wallet", amount_minor=1_000, currency="AMD", return_url=BACK))
        ).kind
    finally:
        await gateway.aclose()


async def test_the_entered_certificate_is_shown(address: str, authority: Authority) -> None:
    """With the certificate and key of the credentials, the gateway takes the request."""
    assert await outcome_with(address, authority.issue("shop")) is OutcomeKind.PREPARED


async def test_without_it_the_gateway_hears_nothing(address: str, tmp_path: Path) -> None:
    """No certificate, or one of another authority: there is no answer, and nobody takes that for an outcome."""
    assert await outcome_with(address, None) is OutcomeKind.UNKNOWN
    strangers = Authority(tmp_path, "strangers")
    assert await outcome_with(address, strangers.issue("shop")) is OutcomeKind.UNKNOWN
