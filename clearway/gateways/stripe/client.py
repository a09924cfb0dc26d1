"""The connector: PaymentIntents in two steps, and their follow-ups, by the official SDK.

`prepare` creates the intent, whose id is recorded; `authorise` confirms it. Every outcome is read from the intent by
its id, which never lags behind. A replayed answer of Stripe is not believed: it is as old as the key. The client secret
is never read here and never logged.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import httpx
import stripe

from clearway.domain.payment import CaptureMethod
from clearway.gateways.contract import (
    UNKNOWN,
    AnswerUnreadableError,
    BalancePage,
    Card,
    CardToken,
    Executed,
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
    decline_code,
)
from clearway.gateways.stripe import cards, mapping, webhooks
from clearway.gateways.stripe.abilities import abilities
from clearway.gateways.stripe.amounts import AmountNotExpressibleError, to_stripe
from clearway.gateways.stripe.exchange import Answer, ask
from clearway.gateways.stripe.listing import StripeLists
from clearway.gateways.stripe.paging import ListFailedError, Turn, page_of
from clearway.gateways.stripe.transport import StripeTransport

API_BASE: Final = "https://api.stripe.com"
ONE_CAPTURE: Final = (
    "This Stripe account cannot capture in several parts: Stripe would release the rest. Nothing was captured. "
    "Send `final: true`, or switch `multicapture` on if your pricing at Stripe has it."
)
SCAN_BEFORE_S: Final = 5
"""How far Stripe's clock may be behind ours."""
stripe.enable_telemetry = False  # Telemetry: each request would report the duration of the previous one to Stripe.


@dataclass(frozen=True)
class StripeKeys:
    """The keys of one account. webhook_secret: of its webhook endpoint; without it no webhook is accepted."""

    secret_key: str = field(repr=False)
    webhook_secret: str | None = field(default=None, repr=False)

    @property
    def live(self) -> bool:
        """Whether the key moves real money."""
        return "_live_" in self.secret_key[:12]


class StripeGateway:
    """Stripe as a gateway: one account, with its connections."""

    name = "stripe"

    def __init__(
        self,
        credentials: StripeKeys,
        *,
        api_base: str = API_BASE,
        timeout_s: float,
        multicapture: bool = False,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare the client; nothing is opened yet. transport: a guarded transport, if needed."""
        self.abilities = abilities(multicapture=multicapture)
        self._credentials = credentials
        self._multicapture = multicapture
        self._transport = StripeTransport(timeout_s=timeout_s, tls=tls, transport=transport)
        sdk = stripe.StripeClient(
            credentials.secret_key,
            base_addresses={"api": api_base.rstrip("/")},
            http_client=self._transport,
            max_network_retries=0,
        )
        self._v1 = sdk.v1
        self._lists = StripeLists(sdk.v1)

    async def prepare(self, operation: Operation) -> GatewayOutcome:
        """Create the PaymentIntent, unconfirmed: no money can move. An amount Stripe cannot write is not sent."""
        try:
            params = self._new_intent(operation)
        except AmountNotExpressibleError as error:
            return _not_sent(operation.kind, error)
        answer = await ask(
            OperationKind.AUTHORISE,
            lambda: self._v1.payment_intents.create_async(params, _key(f"{operation.key}:intent")),
        )
        if answer.body is None:
            outcome = answer.outcome or UNKNOWN
            refused = outcome.kind is OutcomeKind.DECLINED
            return replace(outcome, executed=Executed.NO) if refused else outcome
        try:
            reference = mapping.outcome_of_intent(answer.body).references["payment"]
        except AnswerUnreadableError:
            return UNKNOWN
        return GatewayOutcome(OutcomeKind.PREPARED, references={"payment": reference})

    async def authorise(self, operation: Operation) -> GatewayOutcome:
        """Confirm the PaymentIntent that `prepare` created."""
        assert operation.authorisation is not None, "an authorisation says how it is paid"
        assert operation.payment_reference, "the intent is created first, and recorded"
        return_url = operation.authorisation.return_url
        # Without a page to come back to, a card that needs 3-D Secure cannot be paid: it is declined at once.
        params: Any = {"return_url": return_url} if return_url else {"error_on_requires_action": True}
        return await self._change(
            operation,
            mapping.outcome_of_intent,
            lambda: self._v1.payment_intents.confirm_async(operation.payment_reference, params, _key(operation.key)),
        )

    async def capture(self, operation: Operation) -> GatewayOutcome:
        """Take part or all of what is authorised. The request writes the metadata by which it is found again."""
        try:
            amount = to_stripe(operation.amount_minor, operation.currency)
        except AmountNotExpressibleError as error:
            return _not_sent(operation.kind, error)
        if not operation.final and not self._multicapture:
            return GatewayOutcome(
                OutcomeKind.DECLINED, Executed.NO, error_code="payment_declined", error_description=ONE_CAPTURE
            )
        params: Any = {"amount_to_capture": amount, "metadata": {mapping.capture_mark(operation.number): str(amount)}}
        if not operation.final:
            params["final_capture"] = False
        return await self._change(
            operation,
            lambda intent: mapping.outcome_of_capture(intent, operation),
            lambda: self._v1.payment_intents.capture_async(operation.payment_reference, params, _key(operation.key)),
        )

    async def void(self, operation: Operation) -> GatewayOutcome:
        """Cancel the intent: what is held is released, and no customer can pay it any more."""
        return await self._change(
            operation,
            mapping.outcome_of_void,
            lambda: self._v1.payment_intents.cancel_async(operation.payment_reference, {}, _key(operation.key)),
        )

    async def refund(self, operation: Operation) -> GatewayOutcome:
        """Give money back."""
        try:
            amount = to_stripe(operation.amount_minor, operation.currency)
        except AmountNotExpressibleError as error:
            return _not_sent(operation.kind, error)
        params: Any = {
            "payment_intent": operation.payment_reference,
            "amount": amount,
            "metadata": {mapping.KEY_MARK: operation.key, mapping.PAYMENT_MARK: operation.payment_id},
        }
        return await self._change(
            operation,
            mapping.outcome_of_refund,
            lambda: self._v1.refunds.create_async(params, _key(operation.key)),
        )

    async def recover(self, operation: Operation) -> GatewayOutcome:
        """Read the outcome of an operation from the objects themselves, not from stored answers."""
        if operation.kind is OperationKind.REFUND:
            return await self._recover_refund(operation)
        intent, outcome = await self._find_intent(operation)
        if intent is None:
            return outcome
        return _read(intent, _reader(operation))

    async def tokenise(self, card: Card) -> CardToken:
        """Exchange a test card for a payment method. Raises CardRefusedError or GatewayUnavailableError."""
        named = cards.named(card)
        if named is not None:
            return named
        given: Any = cards.new_method(card)
        return cards.token(await ask(OperationKind.AUTHORISE, lambda: self._v1.payment_methods.create_async(given)))

    async def describe(self, token: str) -> CardToken | None:
        """Return what may be shown of a payment method's card. Raises GatewayUnavailableError."""
        if not token.startswith(cards.METHOD_PREFIX):
            return None
        answer = await ask(OperationKind.AUTHORISE, lambda: self._v1.payment_methods.retrieve_async(token))
        is_unknown = answer.outcome is not None and answer.outcome.kind is OutcomeKind.DECLINED
        if is_unknown or (answer.body or {}).get("type", "card") != "card":
            return None  # no method of this account, or that of a bank account or wallet
        return cards.token(answer)

    async def read_inbound(self, request: InboundRequest) -> Inbound:
        """Verify a webhook and read it."""
        return webhooks.read(request, self._credentials.webhook_secret, live=self._credentials.live)

    async def check(self) -> str | None:
        """Say what is wrong with the credentials, or None. Raises GatewayUnavailableError."""
        answer = await ask(OperationKind.AUTHORISE, self._v1.balance.retrieve_async)
        if answer.body is not None:
            return _mode_problem(answer.body, live=self._credentials.live)
        outcome = answer.outcome or UNKNOWN
        if outcome.kind is not OutcomeKind.DECLINED:
            raise GatewayUnavailableError("Stripe did not answer, or not in a form that can be read")
        said = outcome.error_description or "no reason given"
        return f"Stripe refused the secret key ({said}). Copy it again from the Stripe dashboard, under API keys."

    async def list_operations(self, *, since: datetime, cursor: str | None = None) -> OperationPage:
        """List payments, their captures, and refunds. Raises GatewayUnavailableError."""
        return await self._lists.operations(since, cursor)

    async def list_balance_rows(self, *, since: datetime, until: datetime, cursor: str | None = None) -> BalancePage:
        """List balance transactions. Raises GatewayUnavailableError."""
        return await self._lists.rows(since, until, cursor)

    async def list_payouts(self, *, since: datetime, until: datetime, cursor: str | None = None) -> PayoutPage:
        """List payouts. Raises GatewayUnavailableError."""
        return await self._lists.payouts(since, until, cursor)

    async def list_payout_rows(self, payout_id: str, *, cursor: str | None = None) -> PayoutRows:
        """List the ids of the rows of a payout. Raises GatewayUnavailableError."""
        return await self._lists.payout_rows(payout_id, cursor)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.close_async()

    def _new_intent(self, operation: Operation) -> Any:
        asked = operation.authorisation
        assert asked is not None, "an authorisation says how it is paid"
        manual = asked.capture_method is CaptureMethod.MANUAL
        params: dict[str, Any] = {
            "amount": to_stripe(operation.amount_minor, operation.currency),
            "currency": operation.currency.lower(),
            "payment_method": asked.instrument,
            "payment_method_types": ["card"],
            "capture_method": "manual" if manual else "automatic",
            "metadata": {mapping.KEY_MARK: operation.key, mapping.PAYMENT_MARK: operation.payment_id},
        }
        if manual and self._multicapture:
            params["payment_method_options"] = {"card": {"request_multicapture": "if_available"}}
        return params

    async def _change(
        self,
        operation: Operation,
        read: Callable[[Mapping[str, Any]], GatewayOutcome],
        send: Callable[[], Awaitable[stripe.StripeObject]],
    ) -> GatewayOutcome:
        """Send a request that may move money, and read its answer; or the object, if that answer is old or unclear."""
        answer = await ask(operation.kind, send)
        if answer.replayed or answer.moved:
            return await self._truth(operation, answer)
        if answer.body is None:
            return answer.outcome or UNKNOWN
        outcome = _read(answer.body, read)
        return UNKNOWN if outcome.kind is OutcomeKind.NOT_FOUND else outcome

    async def _truth(self, operation: Operation, answer: Answer) -> GatewayOutcome:
        """Return the operation's state from the object, not from a stored answer or an error."""
        found = await self.recover(operation)
        if found.kind is not OutcomeKind.NOT_FOUND:
            return found
        if not answer.moved:
            return answer.outcome or UNKNOWN
        # The object shows no trace of this operation, and Stripe will not carry it out any more.
        code = decline_code(operation.kind)
        described = answer.outcome.error_description if answer.outcome else None
        return GatewayOutcome(OutcomeKind.DECLINED, Executed.NO, error_code=code, error_description=described)

    async def _find_intent(self, operation: Operation) -> tuple[Mapping[str, Any] | None, GatewayOutcome]:
        """Return the intent of an operation, or an outcome without it."""
        if operation.payment_reference:
            answer = await ask(
                operation.kind, lambda: self._v1.payment_intents.retrieve_async(operation.payment_reference)
            )
            return answer.body, _of_question(answer.outcome)
        return await self._scan(operation)

    async def _scan(self, operation: Operation) -> tuple[Mapping[str, Any] | None, GatewayOutcome]:
        """Look for an intent whose id was lost, in the list of later intents; lists never lag behind."""
        if operation.first_sent_at is None or operation.kind is not OperationKind.AUTHORISE:
            return None, UNKNOWN
        since = int(operation.first_sent_at.timestamp()) - SCAN_BEFORE_S
        return await self._matching(
            lambda page: self._v1.payment_intents.list_async(page | {"created": {"gte": since}}),
            operation.key,
        )

    async def _recover_refund(self, operation: Operation) -> GatewayOutcome:
        reference = operation.references.get("refund")
        if reference:
            answer = await ask(operation.kind, lambda: self._v1.refunds.retrieve_async(reference))
            body, outcome = answer.body, _of_question(answer.outcome)
        else:
            body, outcome = await self._matching(
                lambda page: self._v1.refunds.list_async(page | {"payment_intent": operation.payment_reference}),
                operation.key,
            )
        return outcome if body is None else _read(body, mapping.outcome_of_refund)

    async def _matching(self, turn: Turn, key: str) -> tuple[Mapping[str, Any] | None, GatewayOutcome]:
        """Search a list for the object with the key."""
        after = None
        while True:
            try:
                listed, after = await page_of(turn, {}, after)
            except ListFailedError as error:
                return None, _of_question(error.outcome)
            for item in listed:
                if isinstance(item.get("metadata"), Mapping) and item["metadata"].get(mapping.KEY_MARK) == key:
                    return item, UNKNOWN
            if after is None:
                return None, GatewayOutcome(OutcomeKind.NOT_FOUND)


def _key(key: str) -> Any:
    return {"idempotency_key": key}


def _not_sent(kind: OperationKind, error: AmountNotExpressibleError) -> GatewayOutcome:
    code = decline_code(kind)
    return GatewayOutcome(OutcomeKind.DECLINED, Executed.NO, error_code=code, error_description=str(error))


def _of_question(outcome: GatewayOutcome | None) -> GatewayOutcome:
    """Return the outcome of an unanswered question: it says nothing about the operation."""
    return GatewayOutcome(OutcomeKind.UNKNOWN, retry_after_s=outcome.retry_after_s if outcome else None)


def _read(body: Mapping[str, Any], read: Callable[[Mapping[str, Any]], GatewayOutcome]) -> GatewayOutcome:
    try:
        return read(body)
    except AnswerUnreadableError:
        return UNKNOWN


def _reader(operation: Operation) -> Callable[[Mapping[str, Any]], GatewayOutcome]:
    match operation.kind:
        case OperationKind.CAPTURE:
            return lambda intent: mapping.outcome_of_capture(intent, operation)
        case OperationKind.VOID:
            return mapping.outcome_of_void
    return mapping.outcome_of_intent


def _mode_problem(balance: Mapping[str, Any], *, live: bool) -> str | None:
    if balance.get("object") != "balance":
        return "The address answers, but not as Stripe does. Check `api_base`."
    if balance.get("livemode") is not live:
        return "The key is of the other mode (live or test) than it says. Copy it again from the Stripe dashboard."
    return None
