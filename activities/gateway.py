"""Calls to payment gateways: one activity, one call.

The workflow owns retries, waits and questions about unknown outcomes: only it may decide to send a charge again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity

from activities.gateway_measuring import (
    Calling,
    asks_to_wait,
    count_dropped,
    held_back,
    measure,
    outcome_of,
    row_of,
    switched_off,
    waiting,
)
from clearway.breakers.counting import BreakerCounts, CalledGateway
from clearway.breakers.limiting import GatewayLimiter
from clearway.crypto.encryption import Cipher, DecryptionError
from clearway.domain import ids
from clearway.domain.gateway import GatewayConfig
from clearway.domain.gateway_call import CallOperation, MeasuredCall
from clearway.domain.money import Money
from clearway.domain.payment import PersonalData
from clearway.durable.sealed import PostedForm, seal_form, unseal
from clearway.gateways.connections import Connection, GatewayConnections, GatewayUnusableError
from clearway.gateways.contract import (
    UNKNOWN,
    Aborting,
    Action,
    ActionKind,
    Closes,
    Executed,
    Gateway,
    GatewayOutcome,
    Operation,
    OutcomeKind,
    Preparing,
    PreparingRefunds,
    find_out,
)
from clearway.gateways.declared import polling_of
from clearway.gateways.errors.judging import judged, surely_not_executed
from clearway.gateways.errors.overrides import NONE
from clearway.gateways.http import answers_seen
from clearway.monitoring.calls import CallLog
from clearway.payments.card_limits import NO_LIMIT, CardLimits, CardStanding
from clearway.routing.error_overrides import ErrorOverrides

UNUSABLE: Final = (GatewayUnusableError, SQLAlchemyError, OSError)
"""Why there is no connector: the configuration cannot be used, or the database is away."""


@dataclass(frozen=True)
class GatewayCall:
    """An operation to be sent to a gateway. personal: the encrypted customer data of an authorisation."""

    gateway_id: str
    operation: Operation
    personal: str | None = None


@dataclass(frozen=True)
class RecoverCall:
    """A question about an operation that may have been sent. at: the workflow's time, to judge a NOT_FOUND.

    row_may_be_lost: it may have been sent without a reference on record, because a restored database lacks the row.
    """

    gateway_id: str
    operation: Operation
    at: datetime
    personal: str | None = None
    row_may_be_lost: bool = False


@dataclass(frozen=True)
class CustomerPages:
    """Clearway's URLs for the customer of a payment, by the payment's id.

    coming_back: where the gateway's page sends the customer. form: the page that posts a form to the gateway.
    """

    coming_back: Callable[[str], str]
    form: Callable[[str], str]


@dataclass(frozen=True)
class CloseCall:
    """An unpaid attempt that must not succeed any more. operation: its authorisation. void: calls it off."""

    gateway_id: str
    operation: Operation
    void: Operation
    at: datetime
    personal: str | None = None


class GatewayActivities:
    """The gateways, by the ids of configurations: credentials are read here, and are in no message.

    counts: the circuit breakers' counts. calls: keeps each call as a row. overrides: merchants' own rows over the error
    table. cards: the limits of the card networks. limiter: the limits of gateways.
    """

    def __init__(
        self,
        gateways: GatewayConnections,
        pages: CustomerPages,
        cipher: Cipher,
        *,
        counts: BreakerCounts | None = None,
        calls: CallLog | None = None,
        overrides: ErrorOverrides | None = None,
        cards: CardLimits | None = None,
        limiter: GatewayLimiter | None = None,
    ) -> None:
        self._gateways = gateways
        self._counts = counts
        self._calls = calls
        self._pages = pages
        self._overrides = overrides
        self._cards = cards
        self._limiter = limiter
        self._cipher = cipher

    @activity.defn(name="authorise")
    async def authorise(self, call: GatewayCall) -> GatewayOutcome:
        """Reserve or take the money; PREPARED when the gateway has a first step and only that was taken.

        The customer comes back to Clearway, which knows the merchant's URL.
        """
        try:
            connection = await self._gateways.get(call.gateway_id)
            personal = self._unsealed(call.operation, call.personal)
            operation = self._opened(call.operation, personal)
        except GatewayUnusableError as error:
            return switched_off(call.operation, error)
        except (DecryptionError, *UNUSABLE) as error:  # without a key or a connector nothing was sent
            return surely_not_executed(_not_sent(call, error))
        if not connection.config.enabled:
            return switched_off(call.operation, GatewayUnusableError(f"gateway {call.gateway_id} is disabled"))
        gateway, card = connection.gateway, await self._card(connection, operation, personal)
        if not is_prepared(operation) and (refused := card.refusal()) is not None:
            return held_back(call.operation, refused)
        if isinstance(gateway, Preparing) and not is_prepared(operation):
            preparing = gateway.prepare(operation)
            return _of_preparing(await self._counted(connection, operation, CallOperation.PREPARE, preparing))
        authorising = gateway.authorise(operation)
        outcome = await self._counted(connection, operation, CallOperation.AUTHORISE, authorising)
        return self._sealed(operation, card.after(outcome))

    @activity.defn(name="capture")
    async def capture(self, call: GatewayCall) -> GatewayOutcome:
        """Capture part or all of the authorised amount."""
        return await self._send(call, lambda gateway: gateway.capture(call.operation))

    @activity.defn(name="void")
    async def void(self, call: GatewayCall) -> GatewayOutcome:
        """Release what is authorised, or cancel a pending payment."""
        return await self._send(call, lambda gateway: gateway.void(call.operation))

    @activity.defn(name="refund")
    async def refund(self, call: GatewayCall) -> GatewayOutcome:
        """Give money back. PREPARED: the gateway is first asked for a baseline (`prepare_refund`); nothing was sent."""
        return await self._send(call, lambda gateway: _refunding(gateway, call.operation))

    @activity.defn(name="prepare_refund")
    async def prepare_refund(self, call: GatewayCall) -> GatewayOutcome:
        """Read the baseline with which a later look-up of the refund is compared. It changes nothing."""
        try:
            connection = await self._gateways.get(call.gateway_id)
        except UNUSABLE as error:
            activity.logger.error("gateway %s cannot be asked: %s", call.gateway_id, error)
            return UNKNOWN
        gateway = connection.gateway
        if not isinstance(gateway, PreparingRefunds):  # its settings have changed: it needs none any more
            return GatewayOutcome(OutcomeKind.PREPARED, state="none")
        reading = gateway.prepare_refund(call.operation)
        return await self._noted(connection, call.operation, CallOperation.RECOVER, reading)

    @activity.defn(name="abort")
    async def abort(self, call: GatewayCall) -> GatewayOutcome:
        """Make sure that an authorisation takes no money; UNKNOWN where a gateway cannot."""
        try:
            connection = await self._gateways.get(call.gateway_id)
        except UNUSABLE as error:
            activity.logger.error("gateway %s cannot be asked to abort: %s", call.gateway_id, error)
            return UNKNOWN
        gateway = connection.gateway
        if not isinstance(gateway, Aborting):
            return UNKNOWN
        return await self._noted(connection, call.operation, CallOperation.ABORT, gateway.abort(call.operation))

    @activity.defn(name="close")
    async def close(self, call: CloseCall) -> GatewayOutcome:
        """Close an attempt that took no money, before another is begun elsewhere.

        APPROVED: it can no longer succeed. RETRYABLE: it closes by itself, after `retry_after_s`. UNKNOWN: it is open.
        """
        try:
            connection = await self._gateways.get(call.gateway_id)
            operation = self._opened(call.operation, self._unsealed(call.operation, call.personal))
        except (DecryptionError, *UNUSABLE) as error:
            activity.logger.error("the attempt at gateway %s cannot be closed: %s", call.gateway_id, error)
            return UNKNOWN
        abilities = connection.gateway.abilities
        if abilities.closes is Closes.NEVER:
            return UNKNOWN
        voided = await self._counted(connection, call.void, CallOperation.VOID, connection.gateway.void(call.void))
        if voided.kind is OutcomeKind.APPROVED or voided.limited:
            return voided
        finding = find_out(connection.gateway, operation, call.at)
        standing = await self._noted(connection, operation, CallOperation.RECOVER, finding)
        if standing.kind is not OutcomeKind.DECLINED:
            return UNKNOWN
        open_s = abilities.door_open_s or 0.0
        sent_at = call.operation.first_sent_at
        left_s = open_s if sent_at is None else open_s - (call.at - sent_at).total_seconds()
        if abilities.closes is Closes.AT_ONCE or left_s <= 0:
            return GatewayOutcome(OutcomeKind.APPROVED, Executed.NO)
        return GatewayOutcome(OutcomeKind.RETRYABLE, retry_after_s=left_s)

    @activity.defn(name="recover")
    async def recover(self, call: RecoverCall) -> GatewayOutcome:
        """Find out the outcome of an operation; UNKNOWN when the gateway cannot be asked.

        row_may_be_lost: NOT_FOUND then means that there is none; RETRYABLE, that it took no money and can be sent.
        """
        operation = call.operation
        try:
            operation = self._opened(operation, self._unsealed(operation, call.personal))
        except DecryptionError as error:  # the gateway can be asked without it
            activity.logger.warning("the payment's personal data cannot be opened: %s", error)
        try:
            connection = await self._gateways.get(call.gateway_id)
        except UNUSABLE as error:
            activity.logger.error("gateway %s cannot be asked: %s", call.gateway_id, error)
            return UNKNOWN
        gateway = connection.gateway
        lost = call.row_may_be_lost and not gateway.abilities.finds_lost
        if lost and isinstance(gateway, Preparing) and not is_prepared(operation):
            return await self._begun(connection, gateway, operation, call.at)
        finding = find_out(gateway, operation, call.at)
        return self._sealed(operation, await self._noted(connection, operation, CallOperation.RECOVER, finding))

    async def _begun(
        self, connection: Connection, gateway: Gateway, operation: Operation, at: datetime
    ) -> GatewayOutcome:
        """Find out an operation whose reference is lost: the same first step with the same key gives it again."""
        assert isinstance(gateway, Preparing)
        first = await self._noted(connection, operation, CallOperation.PREPARE, gateway.prepare(operation))
        if first.kind is OutcomeKind.DECLINED:
            return GatewayOutcome(OutcomeKind.NOT_FOUND)  # a gateway that refuses the first step never took another
        if first.kind is not OutcomeKind.PREPARED:
            return UNKNOWN
        known = replace(operation, references=dict(first.references), state=first.state)
        found = await self._noted(connection, known, CallOperation.RECOVER, find_out(gateway, known, at))
        # It may be the step just taken, which nobody has seen: it took no money.
        return replace(found, kind=OutcomeKind.RETRYABLE, executed=Executed.NO) if found.kind in ONLY_BEGUN else found

    async def _card(self, connection: Connection, operation: Operation, personal: PersonalData | None) -> CardStanding:
        """Return what the limits of the card networks allow of an authorisation."""
        config = connection.config
        if self._cards is None or personal is None:
            return NO_LIMIT
        money = Money(operation.amount_minor, operation.currency)
        return await self._cards.standing(config.merchant_id, config.mode, personal, money)

    async def _send(self, call: GatewayCall, send: Callable[[Gateway], Calling | None]) -> GatewayOutcome:
        """Send a capture, void or refund: also to a disabled gateway, because the money is there.

        send: returns None when the gateway must be asked for something first.
        """
        try:
            connection = await self._gateways.get(call.gateway_id)
        except UNUSABLE as error:
            return _not_sent(call, error)
        calling = send(connection.gateway)
        if calling is None:
            return GatewayOutcome(OutcomeKind.PREPARED)
        return await self._counted(connection, call.operation, CallOperation(call.operation.kind.value), calling)

    async def _counted(
        self, connection: Connection, operation: Operation, made: CallOperation, calling: Calling
    ) -> GatewayOutcome:
        """Return the outcome of a call, noted for the gateway's circuit breaker too."""
        started = time.monotonic()
        outcome = await self._noted(connection, operation, made, calling)
        if self._counts is not None and not outcome.limited:
            called = CalledGateway(connection.config.merchant_id, connection.config.id, operation.kind.value)
            self._counts.note(called, outcome, time.monotonic() - started)
        return outcome

    async def _noted(
        self, connection: Connection, operation: Operation, made: CallOperation, calling: Calling
    ) -> GatewayOutcome:
        """Return the outcome of a call, sent when it is its turn by the gateway's limits; if it must wait, say so."""
        if self._limiter is None:
            return await self._measured(connection, operation, made, calling)
        async with self._limiter.turn(connection.config) as wait_s:
            if wait_s is not None:
                calling.close()
                return waiting(made, wait_s)
            outcome = await self._measured(connection, operation, made, calling)
        if not outcome.limited:
            return outcome
        assert outcome.retry_after_s is not None, "the gateway has said how long"
        await self._limiter.hold(connection.config, outcome.retry_after_s)
        return waiting(made, outcome.retry_after_s)

    async def _measured(
        self, connection: Connection, operation: Operation, made: CallOperation, calling: Calling
    ) -> GatewayOutcome:
        """Return the outcome of a call, measured and kept as a row. A call that is cut short is kept as UNKNOWN."""
        call_id, started_at, started = ids.new_id(ids.GATEWAY_CALL), datetime.now(UTC), time.monotonic()
        outcome = UNKNOWN
        with answers_seen() as answered:
            try:
                outcome = await outcome_of(calling)
            finally:
                took = timedelta(seconds=time.monotonic() - started)
                kept = row_of(connection, operation, made, outcome, took)
                call = MeasuredCall(id=call_id, started_at=started_at, http_status=answered.status, **kept)
                count_dropped(0 if self._calls is None else self._calls.note(call))
                measure(connection, made, outcome, took)
        outcome = await self._judged(outcome, connection.config, operation)
        limited, polling = asks_to_wait(outcome, answered.status), polling_of(connection.config)
        return replace(outcome, limited=limited, poll_intervals_s=polling) if limited or polling else outcome

    async def _judged(self, outcome: GatewayOutcome, config: GatewayConfig, operation: Operation) -> GatewayOutcome:
        """Return the outcome with what the error table, or the merchant's own row, says of a failure."""
        own = NONE
        if outcome.kind is OutcomeKind.DECLINED and self._overrides is not None:
            own = await self._overrides.of_merchant(config.merchant_id)
        return judged(outcome, config.kind.value, operation.kind.value, own)

    def _sealed(self, operation: Operation, outcome: GatewayOutcome) -> GatewayOutcome:
        """Return an outcome whose form for the customer is encrypted, with the page of Clearway that posts it."""
        action = outcome.action
        if action is None or action.kind is not ActionKind.FORM_POST:
            return outcome
        form = PostedForm(action.url, dict(action.fields))
        sealed = seal_form(self._cipher, operation.payment_id, form)
        url = self._pages.form(operation.payment_id)
        return replace(outcome, action=Action(ActionKind.FORM_POST, url, sealed=sealed))

    def _unsealed(self, operation: Operation, personal: str | None) -> PersonalData | None:
        """Decrypt the customer's data of an authorisation. Raises DecryptionError."""
        if operation.authorisation is None or not personal:
            return None
        return unseal(self._cipher, operation.payment_id, personal)

    def _opened(self, operation: Operation, personal: PersonalData | None) -> Operation:
        """Return the operation with the instrument and the return URL."""
        asked = operation.authorisation
        if asked is None or personal is None:
            return operation
        return_url = self._pages.coming_back(operation.payment_id)
        return replace(operation, authorisation=replace(asked, instrument=personal.instrument, return_url=return_url))


def _refunding(gateway: Gateway, operation: Operation) -> Calling | None:
    """Return the call of a refund; None: its baseline must be read first."""
    wanting = isinstance(gateway, PreparingRefunds) and operation.baseline is None
    return None if wanting else gateway.refund(operation)


def _not_sent(call: GatewayCall, error: Exception) -> GatewayOutcome:
    activity.logger.error("%s was not sent to gateway %s: %s", call.operation.key, call.gateway_id, error)
    return GatewayOutcome(OutcomeKind.RETRYABLE)


ONLY_BEGUN: Final = frozenset({OutcomeKind.NEEDS_ACTION, OutcomeKind.PREPARED, OutcomeKind.NOT_FOUND})
"""States of an operation of which only the first step is taken."""


def is_prepared(operation: Operation) -> bool:
    """Return whether the gateway's first step is taken and its result recorded."""
    return bool(operation.references) or operation.state is not None


def _of_preparing(outcome: GatewayOutcome) -> GatewayOutcome:
    """A first step moves no money, so one with an unknown outcome is repeated, here or elsewhere."""
    if outcome.kind is not OutcomeKind.UNKNOWN:
        return outcome
    return surely_not_executed(replace(outcome, kind=OutcomeKind.RETRYABLE))
