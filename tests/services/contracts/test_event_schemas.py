"""The events' JSON Schemas: committed as the code says, valid, and met by the events in the database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.breakers.board import BreakerBoard
from clearway.breakers.commands import close
from clearway.breakers.counting import BreakerCounts, CalledGateway
from clearway.db import across_merchants, order_ends, reviews
from clearway.db.events import DueDelivery, Happening, record_events
from clearway.db.order_ends import Why
from clearway.db.reconciliation import runs
from clearway.domain.actor import Actor
from clearway.domain.attempt import AttemptSeen, GatewayChoice
from clearway.domain.breaker import CALLS_MIN
from clearway.domain.event_catalogue import schema_of
from clearway.domain.event_examples import example_of
from clearway.domain.events import EventType
from clearway.domain.gateway import first_gateway_id
from clearway.domain.gateway_health import Measured
from clearway.domain.ids import RECONCILIATION, new_id
from clearway.domain.order import OrderStatus
from clearway.domain.payment import PaymentStatus, Retry
from clearway.domain.reconciliation import Step
from clearway.domain.refund import RefundStatus
from clearway.domain.resources import EndpointTestResource
from clearway.domain.review import ReviewKind, SubjectType
from clearway.gateway_events.contradictions import resource_of
from clearway.gateways.checking import Report
from clearway.gateways.contract import GatewayOutcome, OutcomeKind
from clearway.monitoring import health
from clearway.reconciliation import commands, telling
from clearway.reconciliation.commands import Period
from scripts import event_schemas
from tests.support.shop import Shop, captured

P = PaymentStatus


def _schema(event_type: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((event_schemas.FOLDER / f"{event_type}.json").read_text(encoding="utf-8"))
    return found


def _closed(schema: Any) -> Any:
    """Return the schema with no room for fields it does not name."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(part) for key, part in schema.items()}
    return {"additionalProperties": False, **closed} if "properties" in closed else closed


def _moments(value: Any) -> Iterator[str]:
    for key, part in value.items():
        if isinstance(part, dict):
            yield from _moments(part)
        elif part is not None and (key == "timestamp" or key.endswith("_at")):
            yield part


async def _end_orders(shop: Shop) -> None:
    for to in (OrderStatus.CANCELLED, OrderStatus.EXPIRED):
        order_id = await shop.order()
        async with shop.engine.begin() as connection:
            await order_ends.end(connection, shop.merchant_id, order_id, to, Why("a test"), now=datetime.now(UTC))


@pytest.fixture
async def bodies(engine: AsyncEngine) -> list[dict[str, Any]]:
    """Make every kind of event, and return their bodies as they were written."""
    shop = await Shop.open(engine)
    await _take_a_payment_by_hand(shop)
    await _end_payments(shop)
    await _refund(shop)
    await _test_an_endpoint(shop)
    await _contradict(shop)
    await _break_a_gateway(shop)
    await _check_a_gateway(shop)
    await _reconcile(shop)
    await _end_orders(shop)
    return [json.loads(body) for body in await shop.bodies()]


async def _take_a_payment_by_hand(shop: Shop) -> None:
    card = {"brand": "visa", "last4": "4242", "expiry_month": 12, "expiry_year": 2030}
    payment = await shop.recorded(
        method="card",
        capture_method="manual",
        shown={"card": card},
        customer={"email": "a@shop.example"},
        notes={"a": "b"},
    )
    await shop.move(payment, P.REQUIRES_ACTION, action_url="https://bank.example/3ds")
    await shop.move(payment, P.PROCESSING)
    await shop.move(payment, P.AUTHORIZED)
    await shop.move(payment, P.AUTHORIZED, capture=captured(20_000))
    await shop.move(payment, P.SUCCESS, capture=captured(30_000))


async def _end_payments(shop: Shop) -> None:
    for status in (P.CANCELLED, P.EXPIRED, P.NEEDS_REVIEW):
        await shop.move(await shop.recorded(method="wallet", shown={"wallet": {"code": "paytm"}}), status)
    tried = await shop.recorded()
    elsewhere = GatewayChoice("simulator", first_gateway_id(shop.merchant_id))
    await shop.move(tried, P.PENDING, attempt=AttemptSeen(error_code="gateway_unavailable"), next_attempt=elsewhere)
    retried, soon = await shop.recorded(), datetime.now().astimezone() + timedelta(hours=1)
    declined = AttemptSeen(error_code="insufficient_funds")
    await shop.move(retried, P.RETRYING, error_code="insufficient_funds", retry_at=soon, attempt=declined)
    again = Retry(new_id("rty"), 2)
    await shop.move(retried, P.PENDING, attempt=AttemptSeen(), next_attempt=elsewhere, retry=again)
    failing = await shop.recorded(method="netbanking", shown={"bank": {"code": "HDFC"}})
    await shop.move(failing, P.FAILED, error_code="insufficient_funds", error_description="There is not enough money.")


async def _refund(shop: Shop) -> None:
    payment = await shop.paid()
    for status in (RefundStatus.PROCESSED, RefundStatus.FAILED, RefundStatus.NEEDS_REVIEW):
        reserved = await shop.reserve(payment, 1_000)
        await shop.settle(reserved.refund.id, status)
    reversed_id = (await shop.reserve(payment, 1_000)).refund.id
    await shop.settle(reversed_id, RefundStatus.PROCESSED)
    await shop.settle(reversed_id, RefundStatus.REVERSED)


async def _test_an_endpoint(shop: Shop) -> None:
    endpoint_id = await shop.endpoint()
    data = EndpointTestResource(endpoint_id=endpoint_id, message="A test.").data()
    happening = Happening(EventType.ENDPOINT_TEST, shop.merchant_id, data, step="test", subject_id=endpoint_id)
    async with shop.engine.begin() as connection:
        await record_events(connection, [happening], now=datetime.now().astimezone(), only_endpoint=endpoint_id)


async def _contradict(shop: Shop) -> None:
    payment = await shop.paid()
    refund = await shop.reserve(payment, 1_000)
    await shop.settle(refund.refund.id, RefundStatus.FAILED)
    now = datetime.now().astimezone()
    for kind, subject_type, subject_id in (
        (ReviewKind.DECLINED_AFTER_SUCCESS, SubjectType.PAYMENT, payment),
        (ReviewKind.REFUNDED_AFTER_FAILURE, SubjectType.REFUND, refund.refund.id),
    ):
        async with shop.engine.begin() as connection:
            subject = await across_merchants.find_subject(connection, subject_type, subject_id)
            assert subject is not None
            reported = GatewayOutcome(OutcomeKind.APPROVED, amount_minor=1_000, currency="INR")
            contradiction = resource_of(kind, reported, subject, now)
            await reviews.open_review(connection, subject, contradiction, beside=[], now=now)


async def _break_a_gateway(shop: Shop) -> None:
    """Open a breaker and close it by hand."""

    async def nobody(_: Sequence[DueDelivery]) -> None:
        """Deliver nothing."""

    gateway_id = first_gateway_id(shop.merchant_id)
    counts = BreakerCounts(shop.engine, BreakerBoard(shop.engine), nobody)
    for _ in range(CALLS_MIN):
        called = CalledGateway(shop.merchant_id, gateway_id, "authorise")
        counts.note(called, GatewayOutcome(OutcomeKind.UNKNOWN), 0.1)
    await counts.settle()
    async with shop.engine.begin() as connection:
        await close(connection, Actor("key:k", shop.merchant_id, None, None), gateway_id)


async def _check_a_gateway(shop: Shop) -> None:
    """Let a gateway become unhealthy and degraded, and well again."""
    good, bad = Report(ok=True, message="It works.", latency_ms=9), Report(ok=False, message="It does not.")
    async with shop.engine.begin() as connection:
        config = await across_merchants.find_gateway(connection, first_gateway_id(shop.merchant_id))
        assert config is not None
        config = replace(config, alerts={"latency_p95_ms": 1, "calls_min": 1})
        for report, p95_ms in ((bad, 2), (bad, 2), (good, 1), (good, 1)):
            measured = Measured(calls=1, latency_p95_ms=p95_ms)
            await health.record(connection, config, report, measured, datetime.now().astimezone())


async def _reconcile(shop: Shop) -> None:
    """End one reconciliation well and one badly."""
    now = datetime.now().astimezone()
    period, actor = Period(now - timedelta(days=1), now), Actor("system", shop.merchant_id)
    gateway_id = first_gateway_id(shop.merchant_id)
    for run_id, is_good in ((new_id(RECONCILIATION), True), (new_id(RECONCILIATION), False)):
        async with shop.engine.begin() as connection:
            run = await commands.start(connection, actor, gateway_id, run_id, period, now=now)
            if is_good:
                ended = await runs.move(connection, run, step=Step.DONE, cursor=None, counts={"compared": 1}, now=now)
                await telling.completed(connection, ended)
            else:
                await commands.fail(connection, shop.merchant_id, run_id, "the gateway did not answer", now)


def test_schemas_are_committed_as_the_code_says() -> None:
    """An event's shape does not change unnoticed."""
    assert event_schemas.differences() == []
    assert event_schemas.main(["--check"]) == 0


def test_check_notices_what_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stale, a missing and a stray file are each named, and fail the check; writing mends all three."""
    monkeypatch.setattr(event_schemas, "FOLDER", tmp_path)
    event_schemas.write()
    (tmp_path / "payment.failed.json").write_text("{}", encoding="utf-8")
    (tmp_path / "payment.success.json").unlink()
    (tmp_path / "payment.lost.json").write_text("{}", encoding="utf-8")

    assert event_schemas.main(["--check"]) == 1
    said = capsys.readouterr().out
    assert all(name in said for name in ("payment.failed.json", "payment.success.json", "payment.lost.json"))
    event_schemas.write()
    assert event_schemas.main(["--check"]) == 0


@pytest.mark.parametrize("event_type", EventType)
def test_schema_is_sound(event_type: EventType) -> None:
    """Every event type has a valid schema of draft 2020-12, with an id, a title and words for people."""
    schema = _schema(event_type.value)

    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:clearway:event:{event_type.value}"
    assert schema["title"] == event_type.value
    assert len(schema["description"]) > 20


async def test_events_keep_their_schema(bodies: list[dict[str, Any]]) -> None:
    """Every event written to the database has exactly the fields and values of its schema."""
    assert {body["type"] for body in bodies} == {event_type.value for event_type in EventType}
    for body in bodies:
        Draft202012Validator(_closed(_schema(body["type"]))).validate(body)
        assert all(datetime.fromisoformat(moment).tzinfo for moment in _moments(body))


async def test_schema_refuses_another_shape(bodies: list[dict[str, Any]]) -> None:
    """A missing field, an amount that is no integer, another type and another status are refused."""
    body = next(body for body in bodies if body["type"] == "payment.success")
    data = body["data"]
    without_amount = {name: value for name, value in data.items() if name != "amount"}
    wrong = (
        {**body, "type": "payment.failed"},
        {**body, "id": "evt_1"},
        {**body, "data": without_amount},
        {**body, "data": {**data, "amount": "500.00"}},
        {**body, "data": {**data, "amount": 500.5}},
        {**body, "data": {**data, "status": "pending"}},
    )
    validator = Draft202012Validator(_schema("payment.success"))

    validator.validate(body)
    for shape in wrong:
        with pytest.raises(ValidationError):
            validator.validate(shape)


async def test_schema_stays_open(bodies: list[dict[str, Any]]) -> None:
    """A field we add later does not break a merchant who validates with today's schema."""
    body = next(body for body in bodies if body["type"] == "refund.processed")

    Draft202012Validator(_schema("refund.processed")).validate({**body, "data": {**body["data"], "arn": "74"}})


@pytest.mark.parametrize("event_type", EventType)
def test_example_meets_its_schema(event_type: EventType) -> None:
    """The example that the catalogue shows and the webhook tester sends is valid, with no field that is not named."""
    Draft202012Validator(_closed(schema_of(event_type))).validate(example_of(event_type))
