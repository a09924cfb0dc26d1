"""The connector: an order first, then the customer's page, then our capture or authorization.

`prepare` creates the order, whose id is recorded: no money can move. `authorise` sends the customer to PayPal's page,
and captures or authorises once they have approved. Every outcome is read from the order, where each of our operations
carries our key as its invoice id.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import httpx

from clearway.domain.payment import CaptureMethod
from clearway.gateways.contract import (
    UNKNOWN,
    AnswerUnreadableError,
    BalancePage,
    GatewayOutcome,
    Inbound,
    InboundRequest,
    Operation,
    OperationKind,
    OperationPage,
    OutcomeKind,
    required_text,
)
from clearway.gateways.paypal import errors, mapping
from clearway.gateways.paypal.abilities import ABILITIES
from clearway.gateways.paypal.amounts import AmountNotExpressibleError, to_paypal
from clearway.gateways.paypal.exchange import Answer, CredentialsRefusedError, Exchange, PayPalCredentials
from clearway.gateways.paypal.listing import PayPalLists
from clearway.gateways.paypal.webhooks import Verifier, events_of, origin_of

LIVE: Final = "https://api-m.paypal.com"
SANDBOX: Final = "https://api-m.sandbox.paypal.com"
WALLET: Final = "paypal"
"""The code of the wallet, as merchants name it in a payment."""
ORDERS: Final = "/v2/checkout/orders"
_NOT_FOUND: Final = 404

Read = Callable[[Mapping[str, Any]], GatewayOutcome]


class PayPalGateway:
    """PayPal as a gateway: one REST app, with its connections."""

    name = "paypal"
    abilities = ABILITIES

    def __init__(
        self,
        credentials: PayPalCredentials,
        *,
        api_base: str = LIVE,
        timeout_s: float,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare the connections; nothing is opened yet. transport: a guarded transport, if needed."""
        self._exchange = Exchange(credentials, api_base, timeout_s=timeout_s, tls=tls, transport=transport)
        self._lists = PayPalLists(self._exchange)
        self._webhook_id = credentials.webhook_id
        origin = None if api_base in {LIVE, SANDBOX} else origin_of(api_base)
        self._verifier = Verifier(credentials.webhook_id, origin, self._exchange.certificate)

    async def prepare(self, operation: Operation) -> GatewayOutcome:
        """Create the order: no money can move. An amount that PayPal cannot write is not sent."""
        asked = operation.authorisation
        if asked is not None and asked.instrument.lower() != WALLET:
            return errors.not_sent(operation.kind, f"PayPal is the wallet {WALLET!r}.", "invalid_instrument")
        try:
            body = _new_order(operation)
        except AmountNotExpressibleError as error:
            return errors.not_sent(operation.kind, str(error))
        if body is None:
            return errors.not_sent(operation.kind, "PayPal needs a page to which the customer comes back.")
        answer = await self._exchange.ask(
            operation.kind, "POST", ORDERS, body=body, request_id=f"{operation.key}:order"
        )
        if answer.body is None:
            return answer.outcome
        try:
            return GatewayOutcome(OutcomeKind.PREPARED, references={"payment": required_text(answer.body, "id")})
        except AnswerUnreadableError:
            return UNKNOWN

    async def authorise(self, operation: Operation) -> GatewayOutcome:
        """Have the customer approve; once they have, take or reserve the money."""
        assert operation.authorisation is not None, "an authorisation says how it is paid"
        order, unanswered = await self._order(operation)
        if order is None:
            return unanswered
        standing = _read(order, mapping.outcome_of_order)
        if standing.kind is not OutcomeKind.PREPARED:
            return standing
        manual = operation.authorisation.capture_method is CaptureMethod.MANUAL
        act = "authorize" if manual else "capture"
        path = f"{ORDERS}/{_id(operation.payment_reference)}/{act}"
        return await self._change(operation, mapping.outcome_of_order, path, {})

    async def capture(self, operation: Operation) -> GatewayOutcome:
        """Take part or all of what is authorised."""
        try:
            amount = to_paypal(operation.amount_minor, operation.currency)
        except AmountNotExpressibleError as error:
            return errors.not_sent(operation.kind, str(error))
        authorization, unanswered = await self._authorization(operation)
        if authorization is None:
            return unanswered
        body = {"amount": amount, "invoice_id": operation.key, "final_capture": operation.final}
        path = f"/v2/payments/authorizations/{_id(authorization)}/capture"
        return await self._change(operation, lambda capture: mapping.outcome_of_capture(capture, operation), path, body)

    async def void(self, operation: Operation) -> GatewayOutcome:
        """Release what is authorised. An order that was not captured needs nothing: it takes no money by itself."""
        order, unanswered = await self._order(operation)
        if order is None:
            return unanswered
        try:
            authorization = _only_id(mapping.payments(order, "authorizations"))
            if authorization is None:
                return _called_off(order)
        except AnswerUnreadableError:
            return UNKNOWN
        path = f"/v2/payments/authorizations/{_id(authorization)}/void"
        return await self._change(operation, lambda body: mapping.outcome_of_void(body, order), path, {})

    async def refund(self, operation: Operation) -> GatewayOutcome:
        """Give money back from the capture that is named, else from the oldest that has as much left.

        PayPal refunds captures, not payments.
        """
        try:
            amount = to_paypal(operation.amount_minor, operation.currency)
        except AmountNotExpressibleError as error:
            return errors.not_sent(operation.kind, str(error))
        order, unanswered = await self._order(operation)
        if order is None:
            return unanswered
        try:
            made = mapping.of_key(order, "refunds", operation.key)
            if made is not None:
                return mapping.outcome_of_refund(made)
            capture = operation.references.get("capture") or mapping.refundable(order, operation.amount_minor)
        except AnswerUnreadableError:
            return UNKNOWN
        if capture is None:
            message = "No single capture has so much left. Refund the parts of each capture one by one."
            return errors.not_sent(operation.kind, message)
        body = {"amount": amount, "invoice_id": operation.key, "custom_id": operation.payment_id}
        path = f"/v2/payments/captures/{_id(capture)}/refund"
        return await self._change(operation, mapping.outcome_of_refund, path, body)

    async def recover(self, operation: Operation) -> GatewayOutcome:
        """Read the outcome of an operation from the order, which holds all its captures and refunds.

        PREPARED: the customer has approved; send the authorisation again, and the money is taken.
        """
        if not operation.payment_reference:
            # The order's id was never recorded, so `authorise` was never sent: no money can have moved.
            return GatewayOutcome(OutcomeKind.NOT_FOUND)
        order, _ = await self._order(operation)
        return UNKNOWN if order is None else _read(order, lambda body: _trace(body, operation))

    async def read_inbound(self, request: InboundRequest) -> Inbound:
        """Verify a webhook's signature, and read which operation to ask about."""
        await self._verifier.verify(request)
        return events_of(request.body)

    async def check(self) -> str | None:
        """Say what is wrong with the credentials, or None. Raises GatewayUnavailableError."""
        try:
            await self._exchange.try_credentials()
        except CredentialsRefusedError:
            return (
                "PayPal refused the client id and secret. Copy both again from the app in PayPal's developer dashboard,"
                " and check that the environment (live or sandbox) is that of the app."
            )
        if not self._webhook_id:
            return None
        path = f"/v1/notifications/webhooks/{_id(self._webhook_id)}"
        answer = await self._exchange.ask(OperationKind.AUTHORISE, "GET", path)
        if answer.status == _NOT_FOUND:
            return (
                "PayPal does not know the webhook id. Copy it again from the app's webhooks, or make a webhook there."
            )
        return None

    async def list_operations(self, *, since: datetime, cursor: str | None = None) -> OperationPage:
        """List authorizations, captures and refunds. Raises GatewayUnavailableError."""
        return await self._lists.operations(since, cursor)

    async def list_balance_rows(self, *, since: datetime, until: datetime, cursor: str | None = None) -> BalancePage:
        """List the transactions that moved the balance. Raises GatewayUnavailableError."""
        return await self._lists.rows(since, until, cursor)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._exchange.aclose()

    async def _order(self, operation: Operation) -> tuple[Mapping[str, Any] | None, GatewayOutcome]:
        """Return the order, or an outcome without it. A 404 is not believed: the order was created."""
        reference = operation.payment_reference
        assert reference, "the order is created first, and recorded"
        answer = await self._exchange.ask(operation.kind, "GET", f"{ORDERS}/{_id(reference)}")
        return answer.body, _of_question(answer)

    async def _authorization(self, operation: Operation) -> tuple[str | None, GatewayOutcome]:
        known = operation.references.get("authorization")
        if known:
            return known, UNKNOWN
        order, unanswered = await self._order(operation)
        if order is None:
            return None, unanswered
        try:
            found = _only_id(mapping.payments(order, "authorizations"))
        except AnswerUnreadableError:
            return None, UNKNOWN
        return found, errors.not_sent(operation.kind, "The payment is not authorised at PayPal; nothing was captured.")

    async def _change(self, operation: Operation, read: Read, path: str, body: Mapping[str, Any]) -> GatewayOutcome:
        """Send a request that moves money, and read its answer; or the order, if the answer says that it changed."""
        answer = await self._exchange.ask(operation.kind, "POST", path, body=body, request_id=operation.key)
        if answer.body is not None:
            outcome = _read(answer.body, read)
            return UNKNOWN if outcome.kind in {OutcomeKind.NOT_FOUND, OutcomeKind.PREPARED} else outcome
        if answer.issue not in errors.MOVED:
            return answer.outcome
        found = await self.recover(operation)
        return answer.outcome if found.kind in {OutcomeKind.NOT_FOUND, OutcomeKind.PREPARED} else found


def _new_order(operation: Operation) -> dict[str, Any] | None:
    """Return the body of the order; None without a page to come back to."""
    asked = operation.authorisation
    assert asked is not None, "an authorisation says how it is paid"
    if not asked.return_url:
        return None
    context = {
        "return_url": asked.return_url,
        "cancel_url": asked.return_url,
        "user_action": "PAY_NOW",
        "shipping_preference": "NO_SHIPPING",
    }
    unit = {
        "amount": to_paypal(operation.amount_minor, operation.currency),
        "custom_id": operation.payment_id,
        "invoice_id": operation.key,
    }
    return {
        "intent": "AUTHORIZE" if asked.capture_method is CaptureMethod.MANUAL else "CAPTURE",
        "purchase_units": [unit],
        "payment_source": {"paypal": {"experience_context": context}},
    }


def _trace(order: Mapping[str, Any], operation: Operation) -> GatewayOutcome:
    """Return the state of an operation, read from its order."""
    match operation.kind:
        case OperationKind.CAPTURE:
            made = mapping.of_key(order, "captures", operation.key)
            return mapping.outcome_of_capture(made, operation) if made else GatewayOutcome(OutcomeKind.NOT_FOUND)
        case OperationKind.REFUND:
            made = mapping.of_key(order, "refunds", operation.key)
            return mapping.outcome_of_refund(made) if made else GatewayOutcome(OutcomeKind.NOT_FOUND)
        case OperationKind.VOID:
            first = next(iter(mapping.payments(order, "authorizations")), None)
            return mapping.outcome_of_void(first, order) if first else GatewayOutcome(OutcomeKind.NOT_FOUND)
    return mapping.outcome_of_order(order)


def _called_off(order: Mapping[str, Any]) -> GatewayOutcome:
    """Return the outcome of a void of an order without an authorization."""
    captures = mapping.payments(order, "captures")
    if any(required_text(one, "status") in mapping.TAKEN | {"PENDING"} for one in captures):
        return mapping.too_late()
    return GatewayOutcome(OutcomeKind.APPROVED, references={"payment": required_text(order, "id")})


def _only_id(things: list[Mapping[str, Any]]) -> str | None:
    """Return the id of the first authorization, which the others renew."""
    return required_text(things[0], "id") if things else None


def _of_question(answer: Answer) -> GatewayOutcome:
    """Return the outcome when the order could not be read: only what was surely not sent may be sent again."""
    if answer.outcome.kind is OutcomeKind.RETRYABLE:
        return answer.outcome
    return GatewayOutcome(OutcomeKind.UNKNOWN, retry_after_s=answer.outcome.retry_after_s)


def _read(body: Mapping[str, Any], read: Read) -> GatewayOutcome:
    try:
        return read(body)
    except AnswerUnreadableError:
        return UNKNOWN


def _id(value: str) -> str:
    return quote(value, safe="")
