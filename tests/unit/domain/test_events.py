"""The exact bytes of a delivery body, and the moments in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.domain.event_data import EVENT_DATA, event_data
from clearway.domain.events import PERSONAL, EventType, delivery_body, kept_body, timestamp
from clearway.domain.payment import PaymentStatus
from clearway.domain.refund import RefundStatus
from clearway.domain.resources import ContradictionResource, PaymentResource

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=zones))  # noqa: DTZ001 - the zone is drawn
def test_moments_are_utc_to_the_microsecond(moment: datetime) -> None:
    """A time of any zone is written in UTC, always with six decimals and a Z."""
    told = timestamp(moment)

    assert datetime.fromisoformat(told) == moment
    assert len(told) == len("2026-01-31T00:00:00.000000Z")
    assert told.endswith("Z")


def test_a_moment_without_a_zone_is_refused() -> None:
    """A time without a zone is refused, because it is ambiguous."""
    with pytest.raises(AssertionError, match="ambiguous"):
        timestamp(datetime(2026, 1, 31))  # noqa: DTZ001 - that is the point


def test_the_body_is_compact_and_in_order() -> None:
    """`{id, type, timestamp, data}` without spaces, in UTF-8, the same bytes every time."""
    moment = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)
    body = kept_body("evt_1", EventType.PAYMENT_SUCCESS, moment, {"b": "₹", "a": 1})

    assert body == (
        '{"id":"evt_1","type":"payment.success","timestamp":"2026-01-31T12:30:00.000000Z","data":{"b":"₹","a":1}}'
    )
    assert list(orjson.loads(body)) == ["id", "type", "timestamp", "data"]


MOMENT = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)
PERSON = {
    "vpa": "ann@upi",
    "customer": {"phone": "+491511", "name": "Ann ₹"},
    "notes": {"longer name": "b", "a": "c"},
    "card": {"last4": "4242", "brand": "visa", "expiry_year": 2031, "expiry_month": 1},
}


def a_payment(**fields: object) -> dict[str, object]:
    """Return the data of an event about a payment of Ann's."""
    more = {"captured": False, "amount_captured": 0, "amount_refunded": 0, "gateway": "simulator", "gateway_id": "gw_1"}
    times = {"created_at": MOMENT, "updated_at": MOMENT}
    asked = {"amount": 500, "currency": "INR", "method": "upi", "capture_method": "automatic"}
    whole = {"id": "pay_1", "order_id": "order_1", "status": "pending"} | asked | more | times | PERSON | fields
    return PaymentResource.model_validate(whole).data()


def test_a_kept_event_says_nothing_of_a_person() -> None:
    """A kept event has the names of personal fields and no values; names of notes are not kept either."""
    kept = kept_body("evt_1", EventType.PAYMENT_CREATED, MOMENT, a_payment())
    data = orjson.loads(kept)["data"]
    assert not any(told in kept for told in ("ann@upi", "+491511", "Ann", "longer name", "4242", "visa", "2031"))
    assert data["customer"] == dict.fromkeys(("id", "name", "email", "phone"))
    assert data["notes"] == {}


def test_a_delivery_has_the_bytes_that_the_event_had() -> None:
    """Filled from the payment's row, however the row orders it, the body is what it was when it happened."""
    kept = kept_body("evt_1", EventType.PAYMENT_CREATED, MOMENT, a_payment())
    whole = {"id": "evt_1", "type": "payment.created", "timestamp": timestamp(MOMENT), "data": a_payment()}
    assert delivery_body(kept, PERSON) == orjson.dumps(whole).decode()


def test_the_kept_event_decides_which_fields_are_sent() -> None:
    """A field that a later version knows does not appear in an event from before: its bytes stay the same."""
    kept = kept_body("evt_1", EventType.PAYMENT_CREATED, MOMENT, a_payment())
    later = PERSON | {"customer": {**PERSON["customer"], "city": "Pune"}, "birthday": "today"}  # type: ignore[dict-item]
    assert delivery_body(kept, later) == delivery_body(kept, PERSON)


def test_a_forgotten_payment_is_sent_without_its_person() -> None:
    """What was personal is null, notes are empty, and the event says since when."""
    kept = kept_body("evt_1", EventType.PAYMENT_CREATED, MOMENT, a_payment())
    data = orjson.loads(delivery_body(kept, {"forgotten_at": timestamp(MOMENT)}))["data"]
    assert {name: data[name] for name in PERSONAL} == dict.fromkeys(PERSONAL) | {
        "notes": {},
        "forgotten_at": timestamp(MOMENT),
    }


def test_other_events_are_sent_as_they_are_kept() -> None:
    """A refund has no personal fields, even if a field has the name of one."""
    kept = kept_body("evt_1", EventType.REFUND_CREATED, MOMENT, {"object": "refund", "notes": "x"})
    assert delivery_body(kept, PERSON) == kept
    assert orjson.loads(kept)["data"]["notes"] == "x"


@pytest.mark.parametrize("status", sorted(set(PaymentStatus) - {PaymentStatus.PENDING}))
def test_every_payment_status_has_an_event(status: PaymentStatus) -> None:
    """Every payment status has an event; that of `pending` is `payment.created`."""
    assert EventType(f"payment.{status}")


@pytest.mark.parametrize("status", sorted(set(RefundStatus) - {RefundStatus.PENDING}))
def test_every_refund_status_has_an_event(status: RefundStatus) -> None:
    """Every refund status has an event; that of `pending` is `refund.created`."""
    assert EventType(f"refund.{status}")


def test_every_event_has_a_resource() -> None:
    """The first part of a type names what its data is."""
    assert {event_type.partition(".")[0] for event_type in EventType} == set(EVENT_DATA)


def test_a_contradiction_has_a_resource_of_its_own() -> None:
    """The data of `*.contradicted` is what was recorded beside what was reported, and not the payment or refund."""
    found = {event_type.value for event_type in EventType if event_data(event_type) is ContradictionResource}
    assert found == {"payment.contradicted", "refund.contradicted"}
