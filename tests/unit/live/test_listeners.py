"""Subscriptions: whose events they hear, and what becomes of those who are too slow."""

from __future__ import annotations

import asyncio

import pytest

from clearway.domain.errors import UnavailableError
from clearway.live import listeners as module
from clearway.live.listeners import QUEUE_MAX, RESYNC, Change, Listeners


def change(number: int, merchant_id: str = "mer_1") -> Change:
    """Return an event of a payment."""
    return Change(f"evt_{number}", merchant_id, "payment.success", "payment", "pay_1", "pay_1")


async def test_a_merchant_never_hears_another() -> None:
    """Both listen; each hears their own event and nothing else, and the merchant's id does not cross."""
    listeners = Listeners()
    with listeners.subscribe("mer_1") as mine, listeners.subscribe("mer_2") as theirs:
        listeners.publish(change(1, "mer_2"))
        listeners.publish(change(2, "mer_1"))

        heard = [await each.next(0.01) for each in (mine, mine, theirs, theirs)]

    assert heard == [change(2, "mer_1"), None, change(1, "mer_2"), None]
    assert change(1).shown == {
        "id": "evt_1",
        "type": "payment.success",
        "subject_type": "payment",
        "subject_id": "pay_1",
        "payment_id": "pay_1",
    }
    assert "mer_1" not in change(1).message


async def test_a_slow_listener_is_told_to_read_everything_again() -> None:
    """The queue is bounded; what overflows it is one `resync`, and then what is new."""
    listeners = Listeners()
    with listeners.subscribe("mer_1") as slow:
        for number in range(QUEUE_MAX + 1):
            listeners.publish(change(number))
        listeners.publish(change(9_999))

        assert [await slow.next(0.01) for _ in range(3)] == [RESYNC, change(9_999), None]
    assert listeners.resyncs == 1


async def test_who_waits_is_woken_by_a_change_and_by_the_end() -> None:
    """Nobody waits for the time-out when there is something to hear."""
    listeners = Listeners()
    with listeners.subscribe("mer_1") as waiting:
        for wake, heard in ((lambda: listeners.publish(change(1)), change(1)), (listeners.end, None)):
            hearing = asyncio.create_task(waiting.next(60))
            await asyncio.sleep(0)
            wake()
            assert await asyncio.wait_for(hearing, 1) == heard
        assert waiting.has_ended()


async def test_listeners_are_bounded_and_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many is refused, and a place is free again when somebody has left."""
    monkeypatch.setattr(module, "OF_MERCHANT_MAX", 1)
    listeners = Listeners()
    with listeners.subscribe("mer_1"):
        with pytest.raises(UnavailableError), listeners.subscribe("mer_1"):
            pass
        with listeners.subscribe("mer_2"):
            assert listeners.count == 2
    with listeners.subscribe("mer_1"):
        assert listeners.count == 1
    assert listeners.count == 0
