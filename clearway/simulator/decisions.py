"""How operations are decided: randomness and its overrides, and the effects of a decision on totals and journal.

Every function runs inside a transaction of the caller; nothing here depends on HTTP or clocks.
"""

from __future__ import annotations

import random
from typing import Final

from clearway.simulator.records import Effect, Kind, Operation, Payment, Records, Status
from clearway.simulator.scenarios import CHANCE_FAILURES, Outcome, RefundCourse, Scenario
from clearway.simulator.settings import PAYMENT_DELAY_S, REFUND_DELAY_S, SUCCESS_RATES, SimulatorSettings

SECOND_PHASE_MIN_S: Final = 0.3
"""How long the refund test values that pass through two states stay in the first, even without processing time."""


class Oracle:
    """Draws verdicts and delays once, when an operation is accepted; they are stored, so a restart changes nothing."""

    def __init__(self, settings: SimulatorSettings, chance: random.Random) -> None:
        self._settings = settings
        self._chance = chance

    def payment_verdict(self, method: str, scenario: Scenario) -> str | None:
        """Return the failure a payment will end with, or None. A test value wins, then the settings, then chance."""
        if scenario.outcome is not Outcome.CHANCE:
            return scenario.failure
        forced = self._settings.forced_outcome
        if forced is not None:
            return None if forced else CHANCE_FAILURES[method][0]
        if self._chance.random() < SUCCESS_RATES[method]:
            return None
        return self._chance.choice(CHANCE_FAILURES[method])

    def payment_delay_s(self) -> float:
        """Return how long a payment is processed."""
        return self._delay_s(PAYMENT_DELAY_S)

    def refund_delay_s(self, course: RefundCourse) -> float:
        """Return how long a refund is processed."""
        delay_s = self._delay_s(REFUND_DELAY_S)
        return max(delay_s, SECOND_PHASE_MIN_S) if course in {RefundCourse.PENDING, RefundCourse.REVERSED} else delay_s

    def _delay_s(self, bounds: tuple[float, float]) -> float:
        forced = self._settings.forced_delay_s
        return forced if forced is not None else self._chance.uniform(*bounds)


def decide(records: Records, operation: Operation, payment: Payment, now: float) -> None:
    """Take the next step of an operation that is due, and store it."""
    if operation.kind is Kind.PAYMENT:
        _decide_payment(records, operation, payment, now)
    elif operation.status is Status.SUCCEEDED:
        _reverse_refund(records, operation, payment, now)
    else:
        _decide_refund(records, operation, payment, now)
    operation.updated_at = now
    records.save_totals(payment)
    records.save_state(operation)


def _decide_payment(records: Records, operation: Operation, payment: Payment, now: float) -> None:
    operation.decide_at = None
    late = "customer_timeout" if operation.status is Status.REQUIRES_ACTION else None
    if late or operation.verdict:
        operation.status, operation.failure = Status.DECLINED, late or operation.verdict
        return
    payment.authorised = payment.amount
    records.add_effect(Effect.AUTHORISED, operation, payment.amount, now)
    operation.status = Status.AUTHORIZED
    if payment.capture == "automatic":
        payment.captured = payment.amount
        records.add_effect(Effect.CAPTURED, operation, payment.amount, now)
        operation.status = Status.CAPTURED


def _decide_refund(records: Records, operation: Operation, payment: Payment, now: float) -> None:
    operation.decide_at = None
    if operation.verdict:
        payment.refunded -= operation.amount
        operation.status, operation.failure = Status.FAILED, operation.verdict
        return
    records.add_effect(Effect.REFUNDED, operation, operation.amount, now)
    operation.status = Status.SUCCEEDED
    if payment.scenario.refund is RefundCourse.REVERSED:
        operation.decide_at = now + operation.delay_s


def _reverse_refund(records: Records, operation: Operation, payment: Payment, now: float) -> None:
    operation.decide_at = None
    payment.refunded -= operation.amount
    records.add_effect(Effect.REFUND_REVERSED, operation, operation.amount, now)
    operation.status, operation.failure = Status.FAILED, "refund_rejected"
