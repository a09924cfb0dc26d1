"""Payment attempts as they are recorded, and how the workflow uses what a connector declares."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from clearway.db.tables import payment_attempts
from clearway.gateways.contract import (
    ALL_METHODS,
    Abilities,
    Capabilities,
    Finding,
    FindsOut,
    GatewayOutcome,
    Operation,
    OutcomeKind,
)
from clearway.gateways.simulator.client import SimulatorGateway
from tests.support.durable import Durable
from workflows.payment import PaymentWorkflow


async def attempts(durable: Durable, payment_id: str) -> list[Any]:
    """Return the rows of a payment's attempts, in their order."""
    query = select(payment_attempts).where(payment_attempts.c.payment_id == payment_id)
    async with durable.engine.connect() as connection:
        return list(await connection.execute(query.order_by(payment_attempts.c.number)))


def finds_out(monkeypatch: pytest.MonkeyPatch, finding: Finding) -> None:
    """Let the simulator's connector declare another way of finding out, and fail when it is asked all the same."""

    async def asked(_self: SimulatorGateway, operation: Operation) -> GatewayOutcome:
        message = f"{operation.key} was asked about"
        raise AssertionError(message)

    monkeypatch.setattr(SimulatorGateway, "abilities", Abilities(finding, Capabilities(ALL_METHODS)))
    monkeypatch.setattr(SimulatorGateway, "recover", asked)


async def test_a_payment_has_its_attempt_with_references_and_times(durable: Durable) -> None:
    """The attempt is recorded with the payment, and ends with it: gateway, reference, status and both moments."""
    payment = await durable.paid()
    [attempt] = await attempts(durable, payment.id)
    assert (attempt.id, attempt.number) == (f"{payment.id}:authorise:1", 1)
    assert (attempt.gateway, attempt.gateway_id, attempt.status) == ("simulator", payment.gateway_id, "succeeded")
    assert attempt.gateway_references == {"payment": (await durable.row(payment.id)).gateway_reference}
    assert attempt.started_at <= attempt.ended_at


@pytest.mark.parametrize(
    ("instrument", "faults", "told"),
    [
        ("failure@razorpay", [], ("payment_declined", "upi_declined", "yes")),
        (
            "success@razorpay",
            [{"operation": "authorise", "fault": "error_before"}],
            ("gateway_unavailable", None, "no"),
        ),
    ],
)
async def test_a_failed_attempt_says_whether_the_gateway_acted(
    durable: Durable, instrument: str, faults: list[dict[str, Any]], told: tuple[str, str | None, str]
) -> None:
    """A decline was dealt with, a gateway that is down was not; the unified and the gateway's own code are kept."""
    await durable.faults(*faults)
    payment = await durable.new_payment(instrument=instrument)
    _, handle = await durable.start(payment)
    assert (await durable.ended(handle)).status == "failed"
    [attempt] = await attempts(durable, payment.id)
    assert (attempt.error_code, attempt.raw_code, attempt.executed) == told
    assert (attempt.status, attempt.ended_at is not None) == ("failed", True)


async def test_an_attempt_in_doubt_is_unknown_until_it_is_decided(durable: Durable) -> None:
    """While nobody knows what the gateway did, the attempt says so; it ends with the review."""
    await durable.faults({"operation": "authorise", "fault": "wrong_amount", "times": 1})
    payment = await durable.new_payment()
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "needs_review")
    [attempt] = await attempts(durable, payment.id)
    assert (attempt.status, attempt.ended_at) == ("unknown", None)
    decision = {"outcome": "success", "operator": "ana", "reason": "seen there", "amount": 49_999}
    await handle.signal(PaymentWorkflow.resolve_review, decision)
    await durable.ended(handle)
    [attempt] = await attempts(durable, payment.id)
    assert (attempt.status, attempt.ended_at is not None) == ("succeeded", True)


async def test_a_cancelled_authorisation_was_a_successful_attempt(durable: Durable) -> None:
    """What becomes of the payment later does not change how its attempt ended."""
    payment = await durable.new_payment(capture_method="manual")
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "authorized")
    await handle.execute_update("cancel", {"reason": "sold out"}, id="cxl_1")
    assert (await durable.ended(handle)).status == "cancelled"
    assert [attempt.status for attempt in await attempts(durable, payment.id)] == ["succeeded"]


async def test_what_was_prepared_is_recorded_before_money_can_move(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway's first step is a call of its own: its reference and state are in the row when the second is sent."""
    seen: list[tuple[Any, ...]] = []

    async def prepare(_self: SimulatorGateway, operation: Operation) -> GatewayOutcome:
        return GatewayOutcome(
            OutcomeKind.PREPARED, references={"intent": f"int_{operation.payment_id}"}, state="kept as it is"
        )

    send = SimulatorGateway.authorise

    async def authorise(self: SimulatorGateway, operation: Operation) -> GatewayOutcome:
        [attempt] = await attempts(durable, operation.payment_id)
        seen.append((attempt.gateway_references, attempt.state, dict(operation.references), operation.state))
        return await send(self, operation)

    monkeypatch.setattr(SimulatorGateway, "prepare", prepare, raising=False)
    monkeypatch.setattr(SimulatorGateway, "authorise", authorise)
    payment = await durable.paid()
    prepared = {"intent": f"int_{payment.id}"}
    assert seen == [(prepared, "kept as it is", prepared, "kept as it is")]
    [attempt] = await attempts(durable, payment.id)
    assert attempt.gateway_references.keys() == {"intent", "payment"}


async def test_a_first_step_without_an_answer_is_taken_again(durable: Durable, monkeypatch: pytest.MonkeyPatch) -> None:
    """No money can move in the first step, so an unknown first step is repeated without asking."""
    answers = [
        GatewayOutcome(OutcomeKind.UNKNOWN),
        GatewayOutcome(OutcomeKind.PREPARED, references={"intent": "int_1"}),
    ]

    async def prepare(_self: SimulatorGateway, _: Operation) -> GatewayOutcome:
        return answers.pop(0)

    monkeypatch.setattr(SimulatorGateway, "prepare", prepare, raising=False)
    payment = await durable.paid()
    assert answers == []
    assert await durable.simulator.charges(payment.id) == 1


async def test_a_replay_finds_out_while_the_key_lives(durable: Durable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only a repeat finds out, the same request is sent with the same key, and charges once."""
    finds_out(monkeypatch, Finding(FindsOut.BY_REPLAY, key_life_s=3_600))
    await durable.faults({"operation": "authorise", "fault": "executed_then_dropped", "times": 2})
    payment = await durable.paid()
    assert await durable.simulator.charges(payment.id) == 1


@pytest.mark.parametrize(
    "finding", [Finding(FindsOut.BY_REPLAY, key_life_s=0.001), Finding(FindsOut.NEVER)], ids=["key is dead", "never"]
)
async def test_what_nobody_can_find_out_waits_for_a_person(
    durable: Durable, monkeypatch: pytest.MonkeyPatch, finding: Finding
) -> None:
    """After the key's life nothing is sent again: an operator or a gateway event decides."""
    finds_out(monkeypatch, finding)
    await durable.faults({"operation": "authorise", "fault": "executed_then_dropped"})
    payment = await durable.new_payment()
    await durable.start(payment)
    await durable.skip_until_status(payment.id, "needs_review")
    assert await durable.simulator.charges(payment.id) == 1
    journal = await durable.simulator.effects(payment.id, "captured")
    assert len(journal) == 1


async def test_repeats_are_equal_byte_for_byte(durable: Durable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every repeat of an operation is byte for byte the first request: it holds no time and no count."""
    sent: list[Operation] = []
    send = SimulatorGateway.authorise

    async def authorise(self: SimulatorGateway, operation: Operation) -> GatewayOutcome:
        sent.append(operation)
        return await send(self, operation)

    monkeypatch.setattr(SimulatorGateway, "authorise", authorise)
    await durable.faults({"operation": "authorise", "fault": "dropped_before", "times": 1})
    await durable.paid()
    first, second = sent
    assert first == second
