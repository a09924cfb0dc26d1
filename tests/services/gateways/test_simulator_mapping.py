"""The mapping from the simulator's answers to outcomes, case by case, without a server."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from clearway.domain.errors import DECLINE_CODES
from clearway.gateways.contract import (
    UNKNOWN,
    Action,
    EventUnreadableError,
    Executed,
    KeyMisusedError,
    OperationKind,
    OutcomeKind,
)
from clearway.gateways.errors.table import classify
from clearway.gateways.simulator import client, mapping
from clearway.simulator.failures import CARD_MESSAGES, MESSAGES


def operation(**fields: Any) -> dict[str, Any]:
    """Return an operation as the simulator answers it."""
    return {
        "object": "operation",
        "idempotency_key": "pay_1:authorise:1",
        "type": "payment",
        "id": "sim_pay_1",
        "status": "captured",
        "amount": 1_000,
        "currency": "INR",
        "failure": None,
        "next_action": None,
    } | fields


@pytest.mark.parametrize("failure", sorted({*MESSAGES, *CARD_MESSAGES}))
def test_every_failure_has_a_unified_code(failure: str) -> None:
    """Each failure the simulator can give has a row in the error table, with a code of DECLINE_CODES."""
    assert any(classify("simulator", operation.value, failure).known for operation in OperationKind)
    assert mapping.unified_code(failure) in DECLINE_CODES


@pytest.mark.parametrize(("kind", "code"), [("payment", "payment_declined"), ("refund", "refund_failed")])
def test_a_new_failure_falls_back(kind: str, code: str) -> None:
    """An unknown failure is a decline with a unified code, and keeps the gateway's text."""
    body = operation(type=kind, status="failed", failure={"code": "brand_new", "message": "Words."})
    outcome = mapping.outcome_of_operation(body)
    assert (outcome.kind, outcome.error_code, outcome.error_description) == (OutcomeKind.DECLINED, code, "Words.")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("processing", OutcomeKind.PENDING),
        ("authorized", OutcomeKind.APPROVED),
        ("captured", OutcomeKind.APPROVED),
        ("succeeded", OutcomeKind.APPROVED),
        ("declined", OutcomeKind.DECLINED),
        ("canceled", OutcomeKind.DECLINED),
        ("failed", OutcomeKind.DECLINED),
    ],
)
def test_status(status: str, kind: OutcomeKind) -> None:
    """Each status of the simulator is one kind of outcome; only `captured` is captured."""
    outcome = mapping.outcome_of_operation(operation(status=status))
    assert (outcome.kind, outcome.captured) == (kind, status == "captured")


def test_action() -> None:
    """A payment that waits for its customer has the URL to send them to."""
    body = operation(status="requires_action", next_action={"type": "redirect", "url": "http://sim/3ds/1"})
    assert mapping.outcome_of_operation(body).action == Action.redirect("http://sim/3ds/1")


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        {},
        {"error": {"code": "x"}},
        operation(status="newly invented"),
        operation(status=None),
        operation(amount="1000"),
        operation(amount=True),
        operation(amount=-1),
        operation(currency=""),
        operation(id=None),
        operation(status="requires_action"),
    ],
)
def test_unreadable_success_is_unknown(body: Any) -> None:
    """A success that cannot be read may have been executed, so it is UNKNOWN, in an answer and in a look-up."""
    assert mapping.outcome_of_answer(201, {}, body) == UNKNOWN
    assert mapping.outcome_of_look_up(200, {}, body) == UNKNOWN


@pytest.mark.parametrize("status", [100, 204, 301, 302, 404, 413, 500, 502, 504, 599])
def test_answers_without_meaning_are_unknown(status: int) -> None:
    """A status that says nothing about execution, such as a proxy's, is UNKNOWN; a bare 404 is not NOT_FOUND."""
    assert mapping.outcome_of_answer(status, {}, None) == UNKNOWN
    assert mapping.outcome_of_look_up(status, {}, None) == UNKNOWN


@pytest.mark.parametrize("status", [429, 503])
def test_refused_before_execution_is_retryable(status: int) -> None:
    """429 and 503 are surely not executed; a question so refused is not answered. Retry-After is passed on."""
    kinds = {mapping.outcome_of_answer: OutcomeKind.RETRYABLE, mapping.outcome_of_look_up: OutcomeKind.UNKNOWN}
    for classified, kind in kinds.items():
        outcome = classified(status, {"retry-after": "7"}, None)
        assert (outcome.kind, outcome.retry_after_s) == (kind, 7.0)


def test_refused_requests_are_declined() -> None:
    """A request the simulator refuses as such was not executed, and never will be."""
    body = {"error": {"code": "unknown_payment", "message": "There is no such payment."}}
    outcome = mapping.outcome_of_answer(404, {}, body)
    assert (outcome.kind, outcome.error_code) == (OutcomeKind.DECLINED, "payment_declined")
    assert (outcome.executed, outcome.raw_code) == (Executed.NO, "unknown_payment")
    assert outcome.error_description == "There is no such payment."


def test_reused_key_raises() -> None:
    """A key that was used for another request is a programmer's error, not an outcome."""
    with pytest.raises(KeyMisusedError):
        mapping.outcome_of_answer(409, {}, {"error": {"code": "idempotency_key_reused"}})


def test_only_the_simulator_can_say_not_found() -> None:
    """NOT_FOUND needs the simulator's own word for it."""
    body = {"error": {"code": "operation_not_found", "message": "-"}}
    assert mapping.outcome_of_look_up(404, {}, body).kind is OutcomeKind.NOT_FOUND


@pytest.mark.parametrize(("header", "wait_s"), [("30", 30.0), ("999999999", 3_600.0), ("soon", None)])
def test_retry_after_is_bounded(header: str, wait_s: float | None) -> None:
    """Retry-After is read as webhooks read it, and bounded to an hour."""
    outcome = mapping.outcome_of_answer(503, {"retry-after": header}, None)
    assert outcome.retry_after_s == wait_s


@pytest.mark.parametrize("kind", ["payment", "capture", "void", "refund"])
def test_each_type_of_event_is_read(kind: str) -> None:
    """Events are about payments, captures, voids and refunds; another type is unreadable."""
    event = {"id": "sim_evt_1", "occurred_at": "2026-01-01T00:00:00Z", "data": operation(type=kind)}
    assert mapping.event_of(event).key == event["data"]["idempotency_key"]
    with pytest.raises(EventUnreadableError):
        mapping.event_of(event | {"data": operation(type="payout")})


@pytest.mark.parametrize("missing", ["id", "occurred_at", "data"])
def test_an_event_needs_all_its_parts(missing: str) -> None:
    """An event without id, time or data is unreadable."""
    event = {"id": "sim_evt_1", "occurred_at": "2026-01-01T00:00:00Z", "data": operation()}
    del event[missing]
    with pytest.raises(EventUnreadableError):
        mapping.event_of(event)


def test_the_connector_shares_nothing_with_the_service() -> None:
    """The connector knows the service by HTTP alone, as it would know any gateway."""
    for module in (client, mapping):
        tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
        imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        of_the_service = {name for name in imported if name.startswith("clearway.simulator")}
        assert of_the_service == set()
