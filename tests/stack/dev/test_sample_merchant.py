"""The sample merchant verifies what a merchant should verify, and misbehaves only on request."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from standardwebhooks import Webhook

from clearway.sample_merchant.receiver import DEVELOPMENT_SECRET, SECRETS_MAX, create_app

EVENT = {"id": "evt_1", "type": "payment.success", "timestamp": "2026-01-01T00:00:00Z", "data": {"note": "<b>₹</b>"}}


def talking_to(app: FastAPI) -> httpx.AsyncClient:
    """Return a client of this merchant."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://merchant")


@pytest.fixture
async def merchant() -> AsyncIterator[httpx.AsyncClient]:
    """Talk to a merchant with an empty inbox."""
    async with talking_to(create_app()) as client:
        yield client


def signed(body: bytes, *, secret: str = DEVELOPMENT_SECRET) -> dict[str, str]:
    """Sign a body as our deliveries are signed, by the public package and the bare HMAC."""
    now = datetime.now(UTC)
    return {
        "X-Webhook-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", now, body.decode()),
    }


async def deliver(merchant: httpx.AsyncClient, **changed: str) -> int:
    """Deliver a signed event with some headers changed; returns the status."""
    body = json.dumps(EVENT).encode()
    response = await merchant.post("/webhooks", content=body, headers={**signed(body), **changed})
    return response.status_code


async def inbox(merchant: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Everything the merchant kept."""
    items: list[dict[str, Any]] = (await merchant.get("/received")).json()
    return items


async def test_a_signed_event_is_accepted_and_shown(merchant: httpx.AsyncClient) -> None:
    """Both signatures hold, and the JSON that the page shows has it."""
    assert await deliver(merchant) == 200
    (item,) = await inbox(merchant)
    assert (item["event_id"], item["signature_ok"], item["standard_ok"]) == ("evt_1", True, True)
    assert item["type"] == "payment.success"


async def test_every_answer_has_the_security_headers(merchant: httpx.AsyncClient) -> None:
    """The page, its parts, the JSON and the errors are not sniffed or framed."""
    for path in ("/", "/inbox", "/shop.js", "/received", "/none"):
        headers = (await merchant.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["content-security-policy"], path


async def test_the_page_runs_nothing_but_its_own_script(merchant: httpx.AsyncClient) -> None:
    """What arrives is put in as text, under a policy that would not run it either."""
    page = await merchant.get("/inbox")
    script = (await merchant.get("/inbox.js")).text
    assert "script" not in page.headers["content-security-policy"]
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "<script src=" in page.text
    assert "innerHTML" not in script
    assert (await merchant.get("/inbox.css")).status_code == 200
    assert (await merchant.get("/inbox.py")).status_code == 422


@pytest.mark.parametrize(
    ("header", "value", "verdicts"),
    [
        ("X-Webhook-Signature", "0" * 64, (False, True)),
        ("X-Webhook-Signature", "ü", (False, True)),
        ("webhook-signature", "v1,AAAA", (True, False)),
        ("webhook-timestamp", "1", (True, False)),
        ("webhook-id", "msg_2", (True, False)),
    ],
)
async def test_a_wrong_signature_is_refused_and_named(
    merchant: httpx.AsyncClient, header: str, value: str, verdicts: tuple[bool, bool]
) -> None:
    """Either signature alone is enough to refuse."""
    body = json.dumps(EVENT).encode()
    headers = {**{name.lower(): text for name, text in signed(body).items()}, header.lower(): value}
    raw = [(name.encode(), text.encode()) for name, text in headers.items()]
    assert (await merchant.post("/webhooks", content=body, headers=raw)).status_code == 400
    (item,) = await inbox(merchant)
    assert (item["signature_ok"], item["standard_ok"]) == verdicts


async def test_another_secret_and_no_signature_are_refused(merchant: httpx.AsyncClient) -> None:
    """A webhook with another secret or without a signature is refused."""
    body = json.dumps(EVENT).encode()
    stranger = signed(body, secret="whsec_c3RyYW5nZXItc3RyYW5nZXItc3RyYW5nZXI=")
    assert (await merchant.post("/webhooks", content=body, headers=stranger)).status_code == 400
    assert (await merchant.post("/webhooks", content=b"not json")).status_code == 400


async def test_the_secret_of_another_endpoint_can_be_added(merchant: httpx.AsyncClient) -> None:
    """The API's answer to a registration can be added as it is; then both endpoints verify."""
    secret = "whsec_c3RyYW5nZXItc3RyYW5nZXItc3RyYW5nZXI="
    answer = {"id": "whe_1", "object": "webhook_endpoint", "secret": secret}
    assert (await merchant.post("/secrets", json=answer)).status_code == 204
    body = json.dumps(EVENT).encode()
    for known in (secret, DEVELOPMENT_SECRET):
        assert (await merchant.post("/webhooks", content=body, headers=signed(body, secret=known))).status_code == 200
    assert (await merchant.post("/secrets", json={"secret": "short"})).status_code == 422


async def test_secrets_outlive_a_restart(tmp_path: Path) -> None:
    """An endpoint outlives a restart of the stack, so its secret does too, and the seeded one is never pushed out."""
    file = tmp_path / "secrets"
    learned = [f"whsec_{base64.b64encode(bytes([number]) * 24).decode()}" for number in range(SECRETS_MAX + 1)]
    async with talking_to(create_app(secrets_file=file)) as merchant:
        for secret in learned:
            assert (await merchant.post("/secrets", json={"secret": secret})).status_code == 204
    assert file.stat().st_mode & 0o777 == 0o600
    body = json.dumps(EVENT).encode()
    async with talking_to(create_app(secrets_file=file)) as merchant:
        answers = {
            secret: (await merchant.post("/webhooks", content=body, headers=signed(body, secret=secret))).status_code
            for secret in (*learned, DEVELOPMENT_SECRET)
        }
    assert [secret for secret, status in answers.items() if status != 200] == learned[:1]


async def test_behaviour_can_be_switched_for_a_number_of_attempts(merchant: httpx.AsyncClient) -> None:
    """A demonstration of retries needs a merchant that fails twice and then recovers."""
    await merchant.post("/behaviour", json={"mode": "fail", "status": 503, "times": 2})
    assert [await deliver(merchant) for _ in range(3)] == [503, 503, 200]
    assert (await merchant.post("/behaviour", json={"mode": "explode"})).status_code == 422
    await merchant.delete("/received")
    assert await inbox(merchant) == []
