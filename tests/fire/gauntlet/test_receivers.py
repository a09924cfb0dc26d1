"""The receivers of the gauntlet: each misbehaves as it says, and writes down everything it gets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from clearway.crypto import signing
from clearway.egress import EgressPolicy, WebhookSender
from clearway.egress.result import SendError, SendResult
from clearway.settings import Settings
from tests.fire.gauntlet.plan import Endpoint
from tests.fire.gauntlet.receivers import BY_NAME, PATH, Receiver, receiver_of

SECRET = signing.new_secret()
BODY = json.dumps({"id": "evt_1"}).encode()
Open = Callable[..., Awaitable[Receiver]]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Open receivers, and close them after the test."""
    receivers = []

    async def open_one(kind: str, **terms: Any) -> Receiver:
        receiver = receiver_of(Endpoint(0, kind, 0, ("*",), (1,), terms))
        await receiver.open()
        receiver.register("whe_1", SECRET)
        receivers.append(receiver)
        return receiver

    yield open_one
    for receiver in receivers:
        await receiver.close()


async def send(receiver: Receiver, *, secret: str = SECRET) -> SendResult:
    """Send one webhook as the product does."""
    settings = Settings(_env_file=None, webhook_allowed_networks=("127.0.0.0/8",), webhook_timeout_s=1.0)
    headers = signing.sign([secret], "evt_1", datetime.now(UTC), BODY)
    return await WebhookSender(EgressPolicy.from_settings(settings)).send(receiver.url, headers, BODY)


async def test_the_two_last_secrets_verify(opened: Open) -> None:
    """A webhook may be under way while the secret changes; one that was two changes ago signs nothing any more."""
    receiver = await opened("honest")
    second, third = signing.new_secret(), signing.new_secret()
    receiver.learn(second)
    receiver.learn(third)
    for secret in (third, second, SECRET):
        await send(receiver, secret=secret)
    assert [arrival.verified for arrival in receiver.arrivals] == [True, True, False]


@pytest.mark.parametrize(
    ("kind", "terms", "error", "status"),
    [
        ("honest", {}, None, 200),
        ("failing", {"bad": None}, SendError.HTTP_STATUS, 500),
        ("hanging", {"bad": None}, SendError.TIMEOUT, None),
        ("dripping", {"bad": None}, SendError.TIMEOUT, None),
        ("redirecting", {"bad": None}, SendError.REDIRECT, 302),
        ("flooding", {}, None, 200),
        ("gone", {}, None, 200),
    ],
)
async def test_a_receiver_misbehaves_and_writes_down_what_came(
    opened: Open, kind: str, terms: dict[str, Any], error: SendError | None, status: int | None
) -> None:
    """For every misbehaviour, the receiver logs id, bytes and signature of what it got."""
    receiver = await opened(kind, **terms)
    result = await send(receiver)
    assert (result.error_code, result.status) == (error, status)
    (arrival,) = receiver.arrivals
    assert (arrival.webhook_id, arrival.path, arrival.verified) == ("evt_1", PATH, True)
    assert arrival.digest == hashlib.sha256(BODY).hexdigest()
    assert receiver.failure is None


def test_every_kind_is_tried_here() -> None:
    """A kind that joins has its test."""
    assert set(BY_NAME) == {"honest", "failing", "hanging", "dripping", "redirecting", "flooding", "gone"}


@pytest.mark.parametrize("kind", ["failing", "hanging", "dripping", "redirecting"])
async def test_a_receiver_that_sulks_for_a_while_takes_it_in_the_end(opened: Open, kind: str) -> None:
    """With `bad` 1, the second attempt of the same webhook is taken."""
    receiver = await opened(kind, bad=1)
    assert not (await send(receiver)).succeeded
    assert (await send(receiver)).succeeded


async def test_a_receiver_that_is_gone_says_so(opened: Open) -> None:
    """After a few it answers 410."""
    receiver = await opened("gone")
    assert [(await send(receiver)).status for _ in range(5)] == [200, 200, 200, 410, 410]


async def test_a_receiver_that_was_away_comes_back_on_its_port(opened: Open) -> None:
    """While it is away nothing can be connected to; afterwards everything is as it was."""
    receiver = await opened("honest")
    await receiver.close()
    assert (await send(receiver)).error_code is SendError.CONNECT_FAILED
    await receiver.away(0)
    assert (await send(receiver)).succeeded


async def test_a_forged_webhook_is_noticed(opened: Open) -> None:
    """A signature with another secret is written down as what it is."""
    receiver = await opened("honest")
    await send(receiver, secret=signing.new_secret())
    assert [arrival.verified for arrival in receiver.arrivals] == [False]


async def test_who_asks_for_another_path_is_noticed(opened: Open) -> None:
    """A redirect that was followed would lead there."""
    receiver = await opened("redirecting", bad=None)
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.post(receiver.url.replace(PATH, "/trap"), content=b"{}")
    assert [arrival.path for arrival in receiver.arrivals] == ["/trap"]
