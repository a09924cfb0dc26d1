"""The simulator's rules: what a payment, capture, void, refund or look-up does, each in one transaction.

Nothing here awaits, so operations are serialised by the event loop and a repeated key can never run twice. Network
faults are in `misbehaviour`; only the wrong amount is here, because it is an effect.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from clearway.simulator.cards import CheckedCard
from clearway.simulator.decisions import Oracle, decide
from clearway.simulator.outbox import Outbox
from clearway.simulator.records import OPEN, SIMULATOR, Effect, Kind, Operation, Payment, Records, Status
from clearway.simulator.scenarios import (
    UNKNOWN_INSTRUMENT,
    Challenge,
    Outcome,
    RefundCourse,
    Scenario,
    intent_life_s,
    of_bank,
    of_intent,
    of_vpa,
    of_wallet,
)
from clearway.simulator.wire import NewCapture, NewPayment, NewRefund, operation_body

ANSWERS: Final = {"complete": None, "fail": "authentication_failed", "cancel": "customer_cancelled"}
"""The effect of a page's buttons: the failure, or None for success."""
_REFUSED_ON_PAGE: Final = {
    Challenge.UPI: "upi_declined",
    Challenge.INTENT: "upi_declined",
    Challenge.BANK: "bank_declined",
}


class KeyReusedError(Exception):
    """The idempotency key was used before with another request."""


class PaymentUnknownError(Exception):
    """There is no payment with this reference."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of an answer to a request with a key. replayed: it was made for an earlier, identical request."""

    body: str
    declined: bool
    replayed: bool


@dataclass(frozen=True, slots=True)
class Submission:
    """A request with a key that was not seen before. at: Unix time of its acceptance."""

    key: str
    fingerprint: str
    at: float

    def operation(self, kind: Kind, payment: Payment, amount: int) -> Operation:
        """Return the operation this request begins."""
        own_reference = f"sim_{kind.value}_{secrets.token_hex(10)}"
        return Operation(
            key=self.key,
            kind=kind,
            reference=payment.reference if kind is Kind.PAYMENT else own_reference,
            payment_reference=payment.reference,
            payment_id=payment.payment_id,
            fingerprint=self.fingerprint,
            amount=amount,
            currency=payment.currency,
            status=Status.PROCESSING,
            created_at=self.at,
            updated_at=self.at,
        )


class Engine:
    """The gateway itself. `on_change` is called after every transaction that adds work for the clocks."""

    def __init__(
        self, records: Records, oracle: Oracle, outbox: Outbox, public_url: str, *, intent_life_s: float
    ) -> None:
        self._intent_life_s = intent_life_s
        self._records = records
        self._oracle = oracle
        self._outbox = outbox
        self._public_url = public_url
        self.on_change: list[Callable[[], None]] = []

    def add_token(self, card: CheckedCard, token: str | None = None) -> str:
        """Store the storable parts of a card and return its token: a new one unless a facade names it."""
        token = token or f"tok_sim_{secrets.token_urlsafe(18)}"
        kept = (json.dumps(card.scenario.to_json()), card.brand, card.last4, card.exp_month, card.exp_year)
        self._records.store.run("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?)", token, *kept, time.time())
        return token

    def card_of(self, token: str) -> dict[str, Any] | None:
        """Return what may be shown of a token's card; None: there is no such token."""
        row = self._records.store.one("SELECT brand, last4, exp_month, exp_year FROM tokens WHERE token = ?", token)
        return None if row is None else {name: row[name] for name in ("brand", "last4", "exp_month", "exp_year")}

    def scenario(self, order: NewPayment) -> Scenario:
        """Return the scenario of this payment's instrument."""
        match order.method:
            case "card":
                row = self._records.store.one("SELECT scenario FROM tokens WHERE token = ?", order.instrument)
                return Scenario.from_json(json.loads(row["scenario"])) if row else UNKNOWN_INSTRUMENT
            case "upi" if not order.instrument:
                return of_intent(amount=order.amount, currency=order.currency)
            case "upi":
                return of_vpa(order.instrument, amount=order.amount, currency=order.currency)
            case "netbanking":
                return of_bank(order.instrument)
            case _:
                return of_wallet(order.instrument)

    def pay(
        self,
        key: str,
        order: NewPayment,
        *,
        wrong_amount: bool = False,
        channel: str = SIMULATOR,
        delay_s: float | None = None,
    ) -> Answer:
        """Accept a payment: decided at once, later, or after the customer's page. delay_s: None draws a random one."""

        def execute(submission: Submission) -> Operation:
            now = submission.at
            payment = self._new_payment(order, now, wrong_amount=wrong_amount, channel=channel)
            self._records.add_payment(payment)
            operation = submission.operation(Kind.PAYMENT, payment, payment.amount)
            operation.verdict = self._oracle.payment_verdict(order.method, payment.scenario)
            operation.delay_s = self._oracle.payment_delay_s() if delay_s is None else delay_s
            self._records.add_operation(operation)
            self._start_payment(operation, payment, now)
            return operation

        # The account selects the webhook address. It is not part of the comparison with a repeated request.
        return self._submit(key, ("pay", order.model_dump(exclude={"account"})), execute)

    def capture(
        self, key: str, reference: str, body: NewCapture, *, wrong_amount: bool = False, final: bool = False
    ) -> Answer:
        """Take part or all of what is authorised, at once. final: what is left is released with it."""

        def execute(submission: Submission) -> Operation:
            now = submission.at
            payment = self._payment(reference)
            amount = _wrong(body.amount) if wrong_amount else body.amount
            operation = submission.operation(Kind.CAPTURE, payment, amount)
            self._records.add_operation(operation)
            failure = self._capture_refusal(payment, body)
            if not failure:
                payment.captured += amount
                self._records.add_effect(Effect.CAPTURED, operation, amount, now)
                if final:
                    self._release_rest(operation, payment, now)
            self._finish(operation, payment, failure)
            return operation

        return self._submit(key, ("capture", reference, body.model_dump(), final), execute)

    def void(self, key: str, reference: str) -> Answer:
        """Release what is authorised and not captured, or cancel a pending payment. A repeat succeeds too."""

        def execute(submission: Submission) -> Operation:
            now = submission.at
            payment = self._payment(reference)
            amount = payment.open_authorisation or payment.voided or payment.amount
            operation = submission.operation(Kind.VOID, payment, amount)
            self._records.add_operation(operation)
            self._finish(operation, payment, self._release(operation, payment, now))
            return operation

        return self._submit(key, ("void", reference), execute)

    def refund(
        self,
        key: str,
        reference: str,
        body: NewRefund,
        *,
        wrong_amount: bool = False,
        delay_s: float | None = None,
    ) -> Answer:
        """Accept a refund; the amount counts against the captured one from now on, pending or not.

        delay_s: as for a payment.
        """

        def execute(submission: Submission) -> Operation:
            now = submission.at
            payment = self._payment(reference)
            amount = _wrong(body.amount) if wrong_amount else body.amount
            operation = submission.operation(Kind.REFUND, payment, amount)
            course = payment.scenario.refund
            operation.delay_s = self._oracle.refund_delay_s(course) if delay_s is None else delay_s
            operation.verdict = "refund_rejected" if course is RefundCourse.FAILED else None
            self._records.add_operation(operation)
            failure = _refund_refusal(payment, body)
            if failure:
                self._finish(operation, payment, failure)
            else:
                self._start_refund(operation, payment, now)
            return operation

        return self._submit(key, ("refund", reference, body.model_dump()), execute)

    def find(self, key: str) -> tuple[Operation, Payment] | None:
        """Look up an operation of the simulator's own API by its idempotency key."""
        operation = self._records.operation(key)
        payment = self._payment(operation.payment_reference) if operation else None
        return (operation, payment) if operation and payment and payment.channel == SIMULATOR else None

    def payment_with_operation(self, reference: str) -> tuple[Payment, Operation]:
        """Return a payment and the operation that made it. Raises PaymentUnknownError."""
        payment, operation = self._records.payment(reference), self._records.payment_operation(reference)
        if payment is None or operation is None:
            raise PaymentUnknownError
        return payment, operation

    def describe(self, operation: Operation, payment: Payment) -> dict[str, Any]:
        """Return the API's body of an operation as it is now."""
        return operation_body(operation, payment, self._public_url)

    def operations(
        self, since: float, payment_id: str | None, account: str | None, after: int, limit: int
    ) -> tuple[list[dict[str, Any]], int | None]:
        """Return a page of the operations that were made or changed since, and where the next page begins."""
        found = self._records.changed_since(since, payment_id, account, after, limit)
        bodies = [self.describe(operation, self._payment(operation.payment_reference)) for _, operation in found]
        return bodies, found[-1][0] if len(found) == limit else None

    def answer_page(self, reference: str, button: str) -> Payment | None:
        """Handle the customer's click. Returns None when the payment no longer waits for one."""
        with self._records.store.transaction():
            payment, operation = self.payment_with_operation(reference)
            now = time.time()
            if operation.status is not Status.REQUIRES_ACTION or (operation.decide_at or now) < now:
                return None
            operation.updated_at, operation.decide_at = now, None
            failure = _page_failure(payment, button)
            if failure:
                operation.status, operation.failure = Status.DECLINED, failure
                self._records.save_state(operation)
                self._outbox.report(operation, payment, now)
            else:
                self._process(operation, payment, now)
        self._tell_clocks()
        return payment

    def decide_due(self) -> None:
        """Decide everything whose processing time is over."""
        now = time.time()
        for operation in self._records.due(now):
            with self._records.store.transaction():
                payment = self._payment(operation.payment_reference)
                decide(self._records, operation, payment, now)
                self._outbox.report(operation, payment, now)
        self._tell_clocks()

    def _submit(self, key: str, request: object, execute: Callable[[Submission], Operation]) -> Answer:
        fingerprint = json.dumps(request, sort_keys=True)
        with self._records.store.transaction():
            earlier = self._records.operation(key)
            if earlier is not None:
                if earlier.fingerprint != fingerprint:
                    raise KeyReusedError
                return Answer(earlier.answer or "", _is_refusal(json.loads(earlier.answer or "{}")), replayed=True)
            operation = execute(Submission(key, fingerprint, time.time()))
            body = self.describe(operation, self._payment(operation.payment_reference))
            operation.answer = json.dumps(body)
            self._records.save_state(operation)
        self._tell_clocks()
        return Answer(operation.answer, _is_refusal(body), replayed=False)

    def _tell_clocks(self) -> None:
        for tell in self.on_change:
            tell()

    def _new_payment(self, order: NewPayment, now: float, *, wrong_amount: bool, channel: str) -> Payment:
        return Payment(
            reference=f"sim_pay_{secrets.token_hex(10)}",
            payment_id=order.merchant_reference,
            method=order.method,
            instrument=order.instrument,
            scenario=self.scenario(order),
            amount=_wrong(order.amount) if wrong_amount else order.amount,
            currency=order.currency,
            capture=order.capture,
            return_url=order.return_url,
            description=order.description,
            created_at=now,
            channel=channel,
            account=order.account,
        )

    def _start_payment(self, operation: Operation, payment: Payment, now: float) -> None:
        if payment.scenario.challenge is not Challenge.NONE:
            operation.status = Status.REQUIRES_ACTION
            if payment.scenario.challenge is Challenge.INTENT:
                life_s = intent_life_s(payment.amount, self._intent_life_s)
                operation.decide_at = now + life_s  # an intent ends by itself
        elif payment.scenario.outcome is not Outcome.NEVER:
            self._process(operation, payment, now)

    def _start_refund(self, operation: Operation, payment: Payment, now: float) -> None:
        payment.refunded += operation.amount
        self._records.save_totals(payment)
        if payment.scenario.refund is RefundCourse.REVERSED:
            decide(self._records, operation, payment, now)
            self._outbox.report(operation, payment, now)
        else:
            self._process(operation, payment, now)

    def _process(self, operation: Operation, payment: Payment, now: float) -> None:
        """Decide now when there is no processing time, else set the clock."""
        operation.status = Status.PROCESSING
        if operation.delay_s > 0:
            operation.decide_at = now + operation.delay_s
            self._records.save_state(operation)
            return
        decide(self._records, operation, payment, now)
        self._outbox.report(operation, payment, now)

    def _finish(self, operation: Operation, payment: Payment, failure: str | None) -> None:
        operation.failure = failure
        operation.status = Status.FAILED if failure else Status.SUCCEEDED
        self._records.save_totals(payment)
        self._records.save_state(operation)
        self._outbox.report(operation, payment, operation.updated_at)

    def _release(self, operation: Operation, payment: Payment, now: float) -> str | None:
        made_by = self._records.payment_operation(payment.reference)
        assert made_by is not None, "a payment has the operation that made it"
        if made_by.status in OPEN:
            made_by.status, made_by.failure = Status.CANCELED, "merchant_cancelled"
            made_by.decide_at, made_by.updated_at = None, now
            self._records.save_state(made_by)
            self._outbox.report(made_by, payment, now)
        elif payment.open_authorisation:
            self._release_rest(operation, payment, now)
        elif payment.captured and not payment.voided:
            return "already_captured"
        return None

    def _release_rest(self, operation: Operation, payment: Payment, now: float) -> None:
        if payment.open_authorisation:
            self._records.add_effect(Effect.VOIDED, operation, payment.open_authorisation, now)
            payment.voided += payment.open_authorisation

    def _capture_refusal(self, payment: Payment, body: NewCapture) -> str | None:
        if body.currency != payment.currency:
            return "currency_mismatch"
        if not payment.authorised or payment.voided:
            return "not_capturable"
        return "capture_exceeds_authorised" if body.amount > payment.open_authorisation else None

    def _payment(self, reference: str) -> Payment:
        payment = self._records.payment(reference)
        if payment is None:
            raise PaymentUnknownError
        return payment


def _wrong(amount: int) -> int:
    """Return one minor unit less than requested, so that no limit is exceeded; a single unit stays as it is."""
    return max(amount - 1, 1)


def _refund_refusal(payment: Payment, body: NewRefund) -> str | None:
    if body.currency != payment.currency:
        return "currency_mismatch"
    return "refund_exceeds_captured" if body.amount > payment.captured - payment.refunded else None


def _page_failure(payment: Payment, button: str) -> str | None:
    if button == "fail":
        return _REFUSED_ON_PAGE.get(payment.scenario.challenge, ANSWERS["fail"])
    return ANSWERS[button]


def _is_refusal(body: dict[str, Any]) -> bool:
    return body.get("status") in {Status.DECLINED, Status.FAILED}
