"""The worker is killed in the middle of everything, started again, and nothing is lost or done twice.

The fixture does it all at once, because a call whose worker died is given up only after its timeout (10 s for the
gateway, 15 s of silence for a delivery), and the tests then check the result of each.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.stack.e2e.conftest import RECOVERY_S, Site
from tests.stack.e2e.merchant import Merchant, eventually, held_back

pytestmark = pytest.mark.timeout(400)

SEEDS = (1, 2, 3)
AFTER_201_S = 0.5
"""Within this time after its 201 a payment goes from recorded over asked to decided, so kills find it anywhere."""
NOTICED_WITHIN = timedelta(seconds=60)
"""The silence of the dead worker, the start of the next, and room for a busy machine; without heartbeats it is 90 s."""
IN_FLIGHT, NO_ANSWER, CAPTURED, REFUNDED, TOLD = 11_001, 11_002, 11_003, 11_004, 11_005
"""Amounts, by which the gateway's faults know their payments."""


@dataclass
class Aftermath:
    """The stack after the kills, and what each kill met."""

    site: Site
    kills: int = 0
    fresh: list[dict[str, Any]] = field(default_factory=list)
    """Payments whose worker died soon after their 201."""
    in_flight: dict[str, Any] = field(default_factory=dict)
    no_answer: dict[str, Any] = field(default_factory=dict)
    captured: dict[str, Any] = field(default_factory=dict)
    refunded: dict[str, Any] = field(default_factory=dict)
    refund: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    """The payment whose first webhook was on its way."""

    async def kill_worker(self) -> None:
        """SIGKILL, and a new worker."""
        await self.site.stack.kill("worker")
        self.kills += 1
        await self.site.stack.start("worker")


@pytest.fixture(scope="module")
async def aftermath(site: Site) -> AsyncIterator[Aftermath]:
    """Kill the worker in mid-delivery, in mid-call, and at seeded moments after a payment's 201."""
    done = Aftermath(site)
    await site.witnesses.begin()
    merchant = site.merchant
    done.captured, done.refunded = await asyncio.gather(merchant.authorized(CAPTURED), merchant.paid(REFUNDED))
    await _kill_in_mid_delivery(done)
    capturing = await _kill_in_mid_call(done)
    for seed in SEEDS:
        done.fresh += await asyncio.gather(merchant.pay(), merchant.pay())
        await asyncio.sleep(random.Random(seed).uniform(0, AFTER_201_S))  # noqa: S311 - chance that repeats itself
        await done.kill_worker()
    await capturing
    yield done
    await site.restore()


async def _kill_in_mid_delivery(done: Aftermath) -> None:
    """The receiver has a webhook and does not answer; the worker that waits for the answer dies."""
    await _quiet_deliveries(done.site)
    await done.site.behave("hang", times=1)
    done.told = await done.site.merchant.pay(TOLD)
    await eventually(lambda: _arrivals(done.site, done.told["id"]), bool)
    await done.kill_worker()


async def _kill_in_mid_call(done: Aftermath) -> asyncio.Task[None]:
    """The gateway has charged, captured and refunded, and holds its answers back; the worker dies without them.

    Returns the merchant's own call, who asked for the capture and waits for its answer.
    """
    merchant = done.site.merchant
    await merchant.faults(
        _held("authorise", "slow", IN_FLIGHT),
        _held("authorise", "executed_then_timeout", NO_ANSWER),
        _held("capture", "slow", CAPTURED),
        _held("refund", "slow", REFUNDED),
    )
    done.in_flight, done.no_answer = await asyncio.gather(merchant.pay(IN_FLIGHT), merchant.pay(NO_ANSWER))
    capture = asyncio.create_task(_capture(merchant, done.captured))
    done.refund = await merchant.refund(done.refunded)
    for payment in (done.in_flight, done.no_answer, done.captured):
        await eventually(lambda payment=payment: merchant.effects(payment, "captured"), bool)
    await eventually(lambda: merchant.effects(done.refunded, "refunded"), bool)
    await done.kill_worker()
    await merchant.faults()
    return capture


def _held(operation: str, fault: str, amount: int) -> dict[str, Any]:
    return held_back(operation, amount, fault=fault) | {"times": 1}


async def _capture(merchant: Merchant, payment: dict[str, Any]) -> None:
    answer = await merchant.insist(f"/payments/{payment['id']}/capture", {}, key=f"capture-{payment['id']}")
    assert answer.status_code == 200, answer.text


async def _arrivals(site: Site, payment_id: str) -> list[dict[str, Any]]:
    return [item for item in await site.witnesses.collect() if item["body"]["data"].get("id") == payment_id]


async def _quiet_deliveries(site: Site) -> None:
    """Wait until nothing is on its way, so that the receiver hangs on the webhook that is meant."""
    path = "/webhooks?status=pending"
    await eventually(lambda: site.merchant.read(path), lambda page: page["data"] == [])


async def test_payments_go_on_after_their_201(aftermath: Aftermath) -> None:
    """A payment whose worker died at any moment succeeds, and the journal has one charge."""
    merchant = aftermath.site.merchant
    for payment in aftermath.fresh:
        await merchant.until(payment, "success", limit_s=RECOVERY_S)
        assert len(await merchant.charged(payment)) == 1


async def test_a_call_in_flight_is_asked_about_and_not_repeated(aftermath: Aftermath) -> None:
    """The gateway charged and its answer was lost with the worker: it is asked, and there is one charge."""
    merchant = aftermath.site.merchant
    for payment, amount in ((aftermath.in_flight, IN_FLIGHT), (aftermath.no_answer, NO_ANSWER)):
        await merchant.until(payment, "success", limit_s=RECOVERY_S)
        assert await merchant.charged(payment) == [amount]
        assert len(await merchant.effects(payment, "authorised")) == 1


async def test_a_capture_in_flight_is_captured_once(aftermath: Aftermath) -> None:
    """The merchant's request is answered by another worker, and the money was taken once."""
    merchant = aftermath.site.merchant
    await merchant.until(aftermath.captured, "success", limit_s=RECOVERY_S)
    assert await merchant.charged(aftermath.captured) == [CAPTURED]


async def test_a_refund_in_flight_is_paid_out_once(aftermath: Aftermath) -> None:
    """The refund is processed, and the money went back once."""
    merchant = aftermath.site.merchant
    await merchant.until(aftermath.refund, "processed", limit_s=RECOVERY_S)
    effects = await merchant.effects(aftermath.refunded, "refunded")
    assert [effect["amount"] for effect in effects] == [REFUNDED]


async def test_every_event_arrives_and_all_books_agree(aftermath: Aftermath) -> None:
    """At the end, journal, ledger and rows agree, and every event was received."""
    assert aftermath.kills == len(SEEDS) + 2
    await aftermath.site.judge(limit_s=RECOVERY_S)


async def test_a_delivery_in_flight_is_sent_again_under_its_id(aftermath: Aftermath) -> None:
    """The webhook whose answer nobody waited for comes again, byte for byte the same event under the same id."""
    arrivals = [
        item for item in await _arrivals(aftermath.site, aftermath.told["id"]) if item["type"] == "payment.created"
    ]
    assert len(arrivals) >= 2
    first, second = (datetime.fromisoformat(item["at"]) for item in arrivals[:2])
    assert second - first < NOTICED_WITHIN
    assert len({item["headers"]["webhook-id"] for item in arrivals}) == 1
    assert all(item["body"] == arrivals[0]["body"] and item["standard_ok"] for item in arrivals)
