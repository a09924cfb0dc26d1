"""The connector: a payment in one step, its delayed capture, cancellation and refunds.

A payment carries its id and the number of the attempt as `reference_id`. A refund carries our key and the payment's id
as its reason. By them they are found when an answer was lost.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from clearway.domain.payment import CaptureMethod
from clearway.gateways.contract import (
    UNKNOWN,
    AnswerUnreadableError,
    BalancePage,
    GatewayOutcome,
    GatewayUnavailableError,
    Inbound,
    InboundRequest,
    Operation,
    OperationKind,
    OperationPage,
    OutcomeKind,
    PayoutPage,
    PayoutRows,
)
from clearway.gateways.square import errors, identifiers, mapping, webhooks
from clearway.gateways.square.abilities import abilities
from clearway.gateways.square.api import PRODUCTION, SquareApi, SquareKeys
from clearway.gateways.square.exchange import Answer
from clearway.gateways.square.listing import SquareLists, moment

SCAN_BEFORE: Final = timedelta(seconds=60)
"""How far Square's clock may be behind ours."""
ABORT_PAUSE_S: Final = 1.0
"""Before a key is cancelled again: a request that was still on its way may have arrived after the first time."""
ONE_CAPTURE: Final = (
    "Square captures a payment once and releases what is left. Nothing was captured. Send `final: true`, or capture"
    " the whole amount."
)
TOO_MUCH: Final = "More than is authorised cannot be captured; nothing was captured."

Read = Callable[[Mapping[str, Any]], GatewayOutcome]


@dataclass(frozen=True)
class Location:
    """Where payments are taken: one location of the seller, and its currency."""

    id: str
    currency: str


class SquareGateway:
    """Square as a gateway: one location of a seller, with its connections."""

    name = "square"

    def __init__(
        self,
        credentials: SquareKeys,
        location: Location,
        *,
        api_base: str = PRODUCTION,
        notification_url: str | None = None,
        timeout_s: float,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare the client; nothing is opened yet. notification_url: of webhooks, if it is not the gateway's own."""
        self.abilities = abilities(location.currency)
        self._location = location
        self._signature_key = credentials.signature_key
        self._notification_url = notification_url
        self._timeout_s = timeout_s
        self._api = SquareApi(credentials.access_token, api_base, timeout_s=timeout_s, tls=tls, transport=transport)
        self._lists = SquareLists(self._api, location.id, timeout_s)

    async def authorise(self, operation: Operation) -> GatewayOutcome:
        """Take the money, or reserve it for a capture, in one step."""
        return await self._within(self._authorise(operation))

    async def capture(self, operation: Operation) -> GatewayOutcome:
        """Take part or all of what is authorised: Square completes a payment whole, so it is lowered first."""
        return await self._within(self._capture(operation))

    async def void(self, operation: Operation) -> GatewayOutcome:
        """Release what is authorised."""
        return await self._within(self._void(operation))

    async def refund(self, operation: Operation) -> GatewayOutcome:
        """Give money back."""
        return await self._within(self._refund(operation))

    async def recover(self, operation: Operation) -> GatewayOutcome:
        """Read the outcome of an operation: by its id, or by what it carries where the id was lost."""
        match operation.kind:
            case OperationKind.AUTHORISE:
                return await self._within(self._find(operation))
            case OperationKind.REFUND:
                return await self._within(self._find_refund(operation))
        return await self._within(self._look(operation))

    async def abort(self, operation: Operation) -> GatewayOutcome:
        """Cancel what an idempotency key made, of which nothing is known.

        Square succeeds too when the key made nothing. So the key is cancelled twice, and then the list is read.
        """
        cancelled = await self._within(self._cancel_key(operation))
        if cancelled.kind is OutcomeKind.APPROVED:
            await asyncio.sleep(ABORT_PAUSE_S)
            cancelled = await self._within(self._cancel_key(operation))
        found = await self._within(self._find(operation))
        if found.kind in {OutcomeKind.APPROVED, OutcomeKind.DECLINED}:
            return found
        surely = cancelled.kind is OutcomeKind.APPROVED and found.kind is OutcomeKind.NOT_FOUND
        return errors.not_sent(operation.kind, "The payment was cancelled; no money was taken.") if surely else UNKNOWN

    async def read_inbound(self, request: InboundRequest) -> Inbound:
        """Verify a webhook and read it."""
        return webhooks.read(request, self._signature_key, self._notification_url)

    async def check(self) -> str | None:
        """Say what is wrong with the token or the location, or None. Raises GatewayUnavailableError."""
        answer = await self._api.location(self._location.id)
        if answer.body is not None:
            return _location_problem(answer.body, self._location)
        if answer.code == "NOT_FOUND":
            return "Square does not know the location. Copy its id from the Square dashboard, Account, Locations."
        if answer.outcome.kind is not OutcomeKind.DECLINED:
            raise GatewayUnavailableError("Square did not answer, or not in a form that can be read")
        return (
            f"Square refused the access token ({answer.code}). Copy it again from the Square developer dashboard, and"
            " check that the environment (production or sandbox) is that of the token."
        )

    async def list_operations(self, *, since: datetime, cursor: str | None = None) -> OperationPage:
        """List payments and refunds. Raises GatewayUnavailableError."""
        return await self._lists.operations(since, cursor)

    async def list_balance_rows(self, *, since: datetime, until: datetime, cursor: str | None = None) -> BalancePage:
        """List what was paid out. Raises GatewayUnavailableError."""
        return await self._lists.rows(since, until, cursor)

    async def list_payouts(self, *, since: datetime, until: datetime, cursor: str | None = None) -> PayoutPage:
        """List payouts. Raises GatewayUnavailableError."""
        return await self._lists.payouts(since, until, cursor)

    async def list_payout_rows(self, payout_id: str, *, cursor: str | None = None) -> PayoutRows:
        """List the ids of the entries of a payout. Raises GatewayUnavailableError."""
        return await self._lists.payout_rows(payout_id, cursor)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._api.aclose()

    async def _within(self, call: Awaitable[GatewayOutcome]) -> GatewayOutcome:
        """Keep the deadline of one call. What was sent by then, or answered unreadably, may have been executed."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await call
        except (TimeoutError, AnswerUnreadableError):
            return UNKNOWN

    async def _authorise(self, operation: Operation) -> GatewayOutcome:
        asked = operation.authorisation
        assert asked is not None, "an authorisation says how it is paid"
        manual = asked.capture_method is CaptureMethod.MANUAL
        answer = await self._api.pay(
            {
                "source_id": asked.instrument,
                "idempotency_key": identifiers.idempotency_key(operation.key),
                "amount_money": _money(operation),
                "autocomplete": not manual,
                "location_id": self._location.id,
                "reference_id": identifiers.reference_id(operation.key),
            }
            | ({"delay_action": "CANCEL"} if manual else {})
        )
        if answer.code not in errors.USED:
            return _read(answer, "payment", _reader(operation))
        found = await self._scan(operation)
        return answer.outcome if found.kind in {OutcomeKind.NOT_FOUND, OutcomeKind.UNKNOWN} else found

    async def _capture(self, operation: Operation) -> GatewayOutcome:
        answer = await self._payment(operation)
        standing = _read(answer, "payment", _reader(operation))
        if answer.body is None or standing.kind is not OutcomeKind.NOT_FOUND:
            return standing
        payment = mapping.part(answer.body, "payment")
        held, _ = mapping.money(payment, "amount_money")
        if operation.amount_minor > held:
            return errors.not_sent(operation.kind, TOO_MUCH)
        if operation.amount_minor < held:
            if not operation.final:
                return errors.not_sent(operation.kind, ONE_CAPTURE)
            answer = await self._lower(operation, payment)
            if answer.body is None:
                return answer.outcome
            payment = mapping.part(answer.body, "payment")
        if mapping.money(payment, "amount_money") != (operation.amount_minor, operation.currency):
            return UNKNOWN  # Completing takes the whole, and this is another amount.
        answer = await self._api.complete(operation.payment_reference, _version(payment))
        return await self._changed(operation, answer)

    async def _lower(self, operation: Operation, payment: Mapping[str, Any]) -> Answer:
        version = _version(payment)
        change = {"amount_money": _money(operation)} | ({"version_token": version} if version else {})
        key = identifiers.idempotency_key(f"{operation.key}:lower")
        return await self._api.lower(operation.payment_reference, key, change)

    async def _void(self, operation: Operation) -> GatewayOutcome:
        if not operation.payment_reference:
            return UNKNOWN
        return await self._changed(operation, await self._api.cancel(operation.payment_reference))

    async def _refund(self, operation: Operation) -> GatewayOutcome:
        answer = await self._api.give_back(
            {
                "idempotency_key": identifiers.idempotency_key(operation.key),
                "payment_id": operation.payment_reference,
                "amount_money": _money(operation),
                "reason": identifiers.refund_reason(operation.key, operation.payment_id),
            }
        )
        return _read(answer, "refund", mapping.outcome_of_refund)

    async def _cancel_key(self, operation: Operation) -> GatewayOutcome:
        answer = await self._api.cancel_key(identifiers.idempotency_key(operation.key))
        return answer.outcome if answer.body is None else GatewayOutcome(OutcomeKind.APPROVED)

    async def _changed(self, operation: Operation, answer: Answer) -> GatewayOutcome:
        """Read the answer to a capture or void; or the payment, if Square says that it is in another state."""
        if answer.body is not None:
            outcome = _read(answer, "payment", _reader(operation))
            return UNKNOWN if outcome.kind is OutcomeKind.NOT_FOUND else outcome
        if answer.outcome.kind is not OutcomeKind.DECLINED:
            return answer.outcome
        found = await self._look(operation)
        return answer.outcome if found.kind in {OutcomeKind.NOT_FOUND, OutcomeKind.UNKNOWN} else found

    async def _payment(self, operation: Operation) -> Answer:
        if not operation.payment_reference:
            return Answer()
        return await self._api.payment(operation.kind, operation.payment_reference)

    async def _look(self, operation: Operation) -> GatewayOutcome:
        """Read the state of an operation from its payment. No answer, and a 404 too, says nothing about it."""
        return _answered(await self._payment(operation), "payment", _reader(operation))

    async def _find(self, operation: Operation) -> GatewayOutcome:
        """Return the state of an authorisation, by its id or from the list."""
        return await (self._look(operation) if operation.payment_reference else self._scan(operation))

    async def _scan(self, operation: Operation) -> GatewayOutcome:
        """Look for a payment whose id was lost, by its reference, in the list of later payments. The list lags behind.

        When it is not known when the payment was sent, the newest page is read.
        """
        wanted, sent_at = identifiers.reference_id(operation.key), operation.first_sent_at
        since = {"begin_time": moment(sent_at - SCAN_BEFORE)} if sent_at else {}
        async for page in self._api.pages({"location_id": self._location.id, **since}):
            if isinstance(page, Answer):
                return _answered(page, "payment", _reader(operation))
            for one in page:
                payment_id = getattr(one, "id", None)
                if getattr(one, "reference_id", None) == wanted and isinstance(payment_id, str):
                    known = {**operation.references, "payment": payment_id}
                    return await self._look(replace(operation, references=known))
            if sent_at is None:
                break
        return GatewayOutcome(OutcomeKind.NOT_FOUND)

    async def _find_refund(self, operation: Operation) -> GatewayOutcome:
        """Return the state of a refund, by its id or among those that its payment names."""
        known = operation.references.get("refund")
        if known:
            return _answered(await self._api.refund(known), "refund", mapping.outcome_of_refund)
        answer = await self._payment(operation)
        if answer.body is None:
            return _answered(answer, "payment", mapping.outcome_of_refund)
        listed = mapping.part(answer.body, "payment").get("refund_ids", [])
        reason = identifiers.refund_reason(operation.key, operation.payment_id)
        for refund_id in reversed(listed if isinstance(listed, list) else []):
            answer = await self._api.refund(str(refund_id))
            if answer.body is None or mapping.part(answer.body, "refund").get("reason") == reason:
                return _answered(answer, "refund", mapping.outcome_of_refund)
        return GatewayOutcome(OutcomeKind.NOT_FOUND)


def _reader(operation: Operation) -> Read:
    match operation.kind:
        case OperationKind.CAPTURE:
            return lambda payment: mapping.outcome_of_capture(payment, operation)
        case OperationKind.VOID:
            return mapping.outcome_of_void
    asked = operation.authorisation
    manual = asked.capture_method is CaptureMethod.MANUAL if asked else None
    return lambda payment: mapping.outcome_of_payment(payment, manual=manual)


def _read(answer: Answer, name: str, read: Read) -> GatewayOutcome:
    """Read the object in an answer, or return the outcome that it has in its place."""
    return answer.outcome if answer.body is None else read(mapping.part(answer.body, name))


def _answered(answer: Answer, name: str, read: Read) -> GatewayOutcome:
    """Read the answer to a question. Without one, nothing is known about the operation."""
    if answer.body is not None:
        return read(mapping.part(answer.body, name))
    return GatewayOutcome(OutcomeKind.UNKNOWN, retry_after_s=answer.outcome.retry_after_s)


def _money(operation: Operation) -> dict[str, Any]:
    return {"amount": operation.amount_minor, "currency": operation.currency}


def _version(payment: Mapping[str, Any]) -> str | None:
    version = payment.get("version_token")
    return version if isinstance(version, str) and version else None


def _location_problem(body: Mapping[str, Any], wanted: Location) -> str | None:
    found = body.get("location")
    if not isinstance(found, Mapping) or not isinstance(found.get("currency"), str):
        return "The address answers, but not as Square does. Check `api_base`."
    if found.get("status") != "ACTIVE":
        return "The location is not active at Square. Choose another, or activate it in the Square dashboard."
    if found["currency"] != wanted.currency:
        return f"The location takes {found['currency'][:3]} alone, not {wanted.currency}. Correct `currency`."
    if "CREDIT_CARD_PROCESSING" not in (found.get("capabilities") or []):
        return "The location cannot take cards yet. Finish its activation in the Square dashboard."
    return None
