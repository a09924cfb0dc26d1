"""The exact bytes of a delivery body, and the moments in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.domain.events import EventType, delivery_body, timestamp
from clearway.domain.payment import PaymentStatus
from clearway.domain.refund import RefundStatus
from clearway.domain.resources import EVENT_DATA, ContradictionResource, event_data

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=zones))  # noqa: DTZ001 - the zone is drawn
def test_moments_are_utc_to_the_microsecond(moment: datetime) -> None:
    """Whatever zone a moment comes in, it is told in UTC, always with six decimals and a Z."""
    told = timestamp(moment)

    assert datetime.fromisoformat(told) == moment
    assert len(told) == len("2026-01-31T00:00:00.000000Z")
    assert told.endswith("Z")


def test_a_moment_without_a_zone_is_refused() -> None:
    """Nobody can tell when it was."""
    with pytest.raises(AssertionError, match="ambiguous"):
        timestamp(datetime(2026, 1, 31))  # noqa: DTZ001 - that is the point


def test_the_body_is_compact_and_in_order() -> None:
    """`{id, type, timestamp, data}` without spaces, in UTF-8, the same bytes every time."""
    moment = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)
    body = delivery_body("evt_1", EventType.PAYMENT_SUCCESS, moment, {"b": "₹", "a": 1})

    assert body == (
        '{"id":"evt_1","type":"payment.success","timestamp":"2026-01-31T12:30:00.000000Z","data":{"b":"₹","a":1}}'
    )
    assert list(orjson.loads(body)) == ["id", "type", "timestamp", "data"]


@pytest.mark.parametrize("status", sorted(set(PaymentStatus) - {PaymentStatus.PENDING}))
def test_every_payment_status_has_an_event(status: PaymentStatus) -> None:
    """No status is reached in silence; `pending` is told of as `payment.created`."""
    assert EventType(f"payment.{status}")


@pytest.mark.parametrize("status", sorted(set(RefundStatus) - {RefundStatus.PENDING}))
def test_every_refund_status_has_an_event(status: RefundStatus) -> None:
    """No status is reached in silence; `pending` is told of as `refund.created`."""
    assert EventType(f"refund.{status}")


def test_every_event_has_a_resource() -> None:
    """The first part of a type names what its data is."""
    assert {event_type.partition(".")[0] for event_type in EventType} == set(EVENT_DATA)


def test_a_contradiction_has_a_resource_of_its_own() -> None:
    """The data of `*.contradicted` is what was recorded beside what was reported, and not the payment or refund."""
    found = {event_type.value for event_type in EventType if event_data(event_type) is ContradictionResource}
    assert found == {"payment.contradicted", "refund.contradicted"}
