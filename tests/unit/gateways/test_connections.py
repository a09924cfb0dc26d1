"""Connectors are kept by configuration and version: few readings, one connector a version, none of a deleted row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from clearway.crypto.encryption import Cipher
from clearway.domain.gateway import GatewayConfig, GatewayKind, credentials_context
from clearway.domain.merchant import Mode
from clearway.gateways import connections
from clearway.gateways.connections import GatewayBrokenError, GatewayConnections, GatewayMissingError
from clearway.settings import DEVELOPMENT_SECRET_KEYS, Settings

CONFIG = GatewayConfig("gw_1", "mer_1", Mode.TEST, GatewayKind.SIMULATOR, "One", True, 100, {}, (), 1)


class Rows:
    """The rows of a database that counts how often it is asked, and may be away."""

    def __init__(self) -> None:
        self.row: GatewayConfig | None = CONFIG
        self.away = False
        self.asked = 0

    async def find(self, gateway_id: str) -> GatewayConfig | None:
        """Return the row."""
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise OSError(f"{gateway_id} cannot be read")
        return self.row

    async def find_all(self, merchant_id: str) -> tuple[GatewayConfig, ...]:
        """Return the rows of a merchant."""
        assert merchant_id == CONFIG.merchant_id
        self.asked += 1
        return () if self.row is None else (self.row,)


@pytest.fixture
def rows() -> Rows:
    """Keep one row."""
    return Rows()


@pytest.fixture
async def kept(rows: Rows) -> AsyncIterator[GatewayConnections]:
    """Keep connectors of it."""
    made = GatewayConnections(Settings(_env_file=None), rows.find, rows.find_all)
    yield made
    await made.aclose()


async def test_a_row_is_read_once_for_many_payments(kept: GatewayConnections, rows: Rows) -> None:
    """At once and after one another: one reading and one connector, of a configuration and of a merchant's."""
    found = await asyncio.gather(*(kept.get("gw_1") for _ in range(10)))
    found.append(await kept.get("gw_1"))
    assert rows.asked == 1
    assert len({id(each.gateway) for each in found}) == 1
    for _ in range(10):
        assert await kept.of_merchant("mer_1") == (CONFIG,)
    assert rows.asked == 2


async def test_a_change_makes_a_new_connector(
    kept: GatewayConnections, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the row is read again: the same version keeps its connector, another version has its own."""
    monkeypatch.setattr(connections, "FRESH_S", 0.0)
    first = await kept.get("gw_1")
    same = await kept.get("gw_1")
    rows.row = replace(CONFIG, version=2, enabled=False)
    changed = await kept.get("gw_1")
    assert same.gateway is first.gateway
    assert changed.gateway is not first.gateway
    assert changed.config.enabled is False


async def test_the_process_that_changes_a_row_forgets_it_at_once(kept: GatewayConnections, rows: Rows) -> None:
    """It need not wait until what it knows is old."""
    await kept.get("gw_1")
    await kept.of_merchant("mer_1")
    rows.row = replace(CONFIG, version=2, name="Renamed")
    kept.forget(CONFIG)
    assert (await kept.get("gw_1")).config.name == "Renamed"
    assert (await kept.of_merchant("mer_1"))[0].name == "Renamed"


async def test_without_the_database_the_last_connector_serves_on(
    kept: GatewayConnections, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known goes on; what was never read fails with the database's own error."""
    monkeypatch.setattr(connections, "FRESH_S", 0.0)
    first = await kept.get("gw_1")
    rows.away = True
    assert (await kept.get("gw_1")).gateway is first.gateway
    with pytest.raises(OSError, match="gw_2"):
        await kept.get("gw_2")


async def test_a_deleted_configuration_has_no_connector(
    kept: GatewayConnections, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the one that was in use."""
    monkeypatch.setattr(connections, "FRESH_S", 0.0)
    await kept.get("gw_1")
    rows.row = None
    with pytest.raises(GatewayMissingError):
        await kept.get("gw_1")


@pytest.mark.parametrize(
    "sealed",
    ["not a token", Cipher.from_settings(DEVELOPMENT_SECRET_KEYS).encrypt("{}", credentials_context("gw_2"))],
    ids=["altered", "of another row"],
)
async def test_credentials_that_cannot_be_read_are_no_connector(
    kept: GatewayConnections, rows: Rows, sealed: str
) -> None:
    """An altered ciphertext and one of another row do not open."""
    rows.row = replace(CONFIG, sealed_credentials=sealed)
    with pytest.raises(GatewayBrokenError):
        await kept.get("gw_1")


async def test_no_error_repeats_a_credential(kept: GatewayConnections, rows: Rows) -> None:
    """Credentials that do not fit their form are named by the error and not shown by it."""
    token = Cipher.from_settings(DEVELOPMENT_SECRET_KEYS).encrypt(
        '{"webhook_secrt": "planted"}', credentials_context("gw_1")
    )
    rows.row = replace(CONFIG, sealed_credentials=token)
    with pytest.raises(GatewayBrokenError) as caught:
        await kept.get("gw_1")
    assert "planted" not in str(caught.value)
