"""The connector: a document, interpreted. It sends what the document says, once; what it does not say is unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import httpx

from clearway.gateways.contract import (
    UNKNOWN,
    Action,
    AnswerUnreadableError,
    Executed,
    FindsOut,
    GatewayOutcome,
    Inbound,
    InboundRequest,
    Operation,
    OperationKind,
    OutcomeKind,
)
from clearway.gateways.custom import callbacks, reading
from clearway.gateways.custom.abilities import abilities_of
from clearway.gateways.custom.context import Entered, NotSendableError, Writer
from clearway.gateways.custom.exchange import CredentialsRefusedError, Exchange
from clearway.gateways.custom.language.answers import Answer
from clearway.gateways.custom.language.document import Call, Document
from clearway.gateways.custom.language.requests import OAuthAuthentication
from clearway.gateways.custom.writing import page_of, request_of
from clearway.gateways.tokens import Tokens

OF_FIRST_STEP: Final = frozenset({OutcomeKind.PREPARED, OutcomeKind.DECLINED, OutcomeKind.RETRYABLE})
"""What a step that moves no money may become."""
NOT_OF_CALLS: Final = frozenset({OutcomeKind.NOT_FOUND, OutcomeKind.PREPARED})
"""What a call that may move money never becomes."""


class CustomGateway:
    """A gateway by declaration. client: its connections, guarded, because the merchant chose the addresses."""

    name = "custom"

    def __init__(
        self,
        document: Document,
        entered: Entered,
        client: httpx.AsyncClient,
        *,
        timeout_s: float,
        tokens: Tokens | None = None,
    ) -> None:
        self.abilities = abilities_of(document)
        self._document = document
        self._entered = entered
        self._exchange = Exchange(Writer(document, entered), client, timeout_s, tokens)
        # A first step and a test of credentials are offered only where the document has them.
        if document.start.request is not None and not document.start.moves_money:
            self.prepare = self._prepare
        if isinstance(document.authentication, OAuthAuthentication):
            self.check = self._check
        if document.refund is not None and document.refund.baseline is not None:
            self.prepare_refund = self.read_baseline

    async def authorise(self, operation: Operation) -> GatewayOutcome:
        """Begin the payment: by a call, or by the page that the customer is sent to."""
        start = self._document.start
        if start.request is not None and start.answer is not None and start.moves_money:
            return await self._change(operation, Call(request=start.request, answer=start.answer))
        writer = self._writer(operation)
        try:
            references = {} if start.identifier is None else {"payment": writer.identifier(start.identifier)}
            return GatewayOutcome(
                OutcomeKind.NEEDS_ACTION, references=references or operation.references, action=self._page(writer, {})
            )
        except NotSendableError as error:
            return _not_sent(operation, str(error))

    async def capture(self, operation: Operation) -> GatewayOutcome:
        """Take what is authorised."""
        if self._document.capture is None:
            return _not_sent(operation, "This gateway takes the money at once; there is nothing to capture.")
        return await self._change(operation, self._document.capture)

    async def void(self, operation: Operation) -> GatewayOutcome:
        """Release what is authorised, or call off an unpaid payment in the way that the document declares."""
        if self._document.void is not None:
            standing = await self._before_void(operation)
            return await self.release(operation) if standing is None else standing
        if self._document.abilities.cancel not in {"precheck", "forget"}:
            return _not_sent(operation, "This gateway cannot call off a payment; wait until its page has expired.")
        standing = await self._standing(operation)
        if standing.kind is OutcomeKind.APPROVED:
            return _not_sent(operation, "The customer has paid; refund the payment instead.")
        asked = self.abilities.finds.by not in {FindsOut.NEVER, FindsOut.BY_REPLAY}
        if asked and standing.kind in {OutcomeKind.UNKNOWN, OutcomeKind.RETRYABLE}:
            return UNKNOWN
        return GatewayOutcome(OutcomeKind.APPROVED, references=dict(operation.references))

    async def release(self, operation: Operation) -> GatewayOutcome:
        """Send the request of a void, which `void` does once it may be sent. A rehearsal has one answer for it."""
        call = self._document.void
        return await (self.void(operation) if call is None else self._change(operation, call))

    async def read_baseline(self, operation: Operation) -> GatewayOutcome:
        """Read the amount refunded so far. A look-up that compares with it must find that it has not grown since."""
        call, look_up = self._document.refund, self._document.look_ups.get(OperationKind.REFUND)
        if call is None or call.baseline is None or look_up is None:
            return UNKNOWN
        writer = self._writer(operation)
        try:
            received = await self._exchange.send(request_of(writer, look_up.request))
        except (NotSendableError, CredentialsRefusedError):
            return UNKNOWN
        if isinstance(received, GatewayOutcome):
            return _doubted(received)
        values = reading.values_of(look_up.answer.values, reading.parsed(look_up.answer.format, received.body))
        so_far = reading.minor_in(values.get(call.baseline), writer)
        compared = self._writer(replace(operation, baseline=str(so_far)))
        found = reading.outcome_of(look_up.answer, operation.kind, values, received.status, compared)
        if so_far is None or found.kind is not OutcomeKind.NOT_FOUND:
            return _doubted(found)
        return GatewayOutcome(OutcomeKind.PREPARED, state=str(so_far))

    async def refund(self, operation: Operation) -> GatewayOutcome:
        """Give money back."""
        if self._document.refund is None:
            return _not_sent(operation, "This gateway has no refunds by API. Refund the payment on its own site.")
        return await self._change(operation, self._document.refund)

    async def recover(self, operation: Operation) -> GatewayOutcome:
        """Ask for the state of an operation by its look-up, which changes nothing."""
        look_up = self._document.look_ups.get(operation.kind)
        if look_up is None:
            return UNKNOWN
        if self._surely_not_begun(operation):
            return GatewayOutcome(OutcomeKind.NOT_FOUND)
        outcome = await self._call(operation, look_up, question=True)
        return _doubted(outcome) if outcome.kind in {OutcomeKind.RETRYABLE, OutcomeKind.PREPARED} else outcome

    async def read_inbound(self, request: InboundRequest) -> Inbound:
        """Verify and read what the gateway sends. Raises SignatureInvalidError or EventUnreadableError."""
        return callbacks.read(Writer(self._document, self._entered), request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._exchange.aclose()

    async def _prepare(self, operation: Operation) -> GatewayOutcome:
        """Register the payment: no money can move."""
        start = self._document.start
        assert start.request is not None, "only a server call prepares"
        assert start.answer is not None, "a request has an answer"
        outcome = await self._call(operation, Call(request=start.request, answer=start.answer))
        return outcome if outcome.kind in OF_FIRST_STEP else _doubted(outcome)

    async def _check(self) -> str | None:
        """Return None if the gateway gives a token, else what is wrong. Raises GatewayUnavailableError."""
        try:
            await self._exchange.try_credentials()
        except CredentialsRefusedError:
            return "The gateway gave no token for these credentials. Copy them again, and check the address."
        except NotSendableError as error:
            return f"The request for a token cannot be written: {error}."
        return None

    async def _before_void(self, operation: Operation) -> GatewayOutcome | None:
        """Return the outcome of a void that must not be sent; None: send it.

        A capture may have released the rest already. Many gateways would then give the captured money back.
        """
        if OperationKind.VOID not in self._document.look_ups:
            return None
        standing = await self.recover(operation)
        return None if standing.kind is OutcomeKind.NOT_FOUND else standing

    async def _standing(self, operation: Operation) -> GatewayOutcome:
        """Return the state of the authorisation that a void is about."""
        look_up = self._document.look_ups.get(OperationKind.AUTHORISE)
        return UNKNOWN if look_up is None else await self._call(operation, look_up, question=True)

    async def _change(self, operation: Operation, call: Call) -> GatewayOutcome:
        """Send a request that may move money."""
        outcome = await self._call(operation, call)
        return _doubted(outcome) if outcome.kind in NOT_OF_CALLS else outcome

    async def _call(self, operation: Operation, call: Call, *, question: bool = False) -> GatewayOutcome:
        """Send a request once, and read its answer. question: it changes nothing."""
        writer = self._writer(operation)
        try:
            received = await self._exchange.send(request_of(writer, call.request))
        except (NotSendableError, CredentialsRefusedError) as error:
            return UNKNOWN if question else _not_sent(operation, str(error))
        if isinstance(received, GatewayOutcome):
            return received
        try:
            return self._read(writer, operation, call.answer, received.status, received.body)
        except AnswerUnreadableError:
            return UNKNOWN

    def _read(self, writer: Writer, operation: Operation, answer: Answer, status: int, body: bytes) -> GatewayOutcome:
        message = reading.parsed(answer.format, body)
        values = reading.values_of(answer.values, message)
        outcome = reading.outcome_of(answer, operation.kind, values, status, writer)
        page = self._document.start.page
        if page is None or operation.kind is not OperationKind.AUTHORISE:
            return outcome
        if outcome.kind is OutcomeKind.PREPARED:
            return replace(outcome, state=values.get(page.from_value or ""))
        if outcome.kind is OutcomeKind.NEEDS_ACTION:
            return self._with_page(writer, outcome, values)
        return outcome

    def _with_page(self, writer: Writer, outcome: GatewayOutcome, values: dict[str, str]) -> GatewayOutcome:
        """Return the outcome with the customer's page, if it can be made of what is known."""
        try:
            return replace(outcome, action=self._page(writer, values))
        except NotSendableError:
            return outcome

    def _page(self, writer: Writer, values: dict[str, str]) -> Action:
        page, operation = self._document.start.page, writer.operation
        if page is None:
            raise NotSendableError("the document has no page for the customer")
        kept = operation.state if operation is not None else None
        known = {page.from_value: kept} if page.from_value and kept else {}
        return page_of(writer, page, known | values)

    def _surely_not_begun(self, operation: Operation) -> bool:
        """Return whether a harmless beginning was never recorded: then no page was shown, and no money can move."""
        start = self._document.start
        harmless = start.request is None or not start.moves_money
        return harmless and operation.kind is OperationKind.AUTHORISE and not operation.references

    def _writer(self, operation: Operation) -> Writer:
        return Writer(self._document, self._entered, operation)


def _not_sent(operation: Operation, message: str) -> GatewayOutcome:
    """Return the decline of a request that was surely not sent."""
    code = "refund_failed" if operation.kind is OperationKind.REFUND else "gateway_unavailable"
    return GatewayOutcome(OutcomeKind.DECLINED, Executed.NO, error_code=code, error_description=message)


def _doubted(outcome: GatewayOutcome) -> GatewayOutcome:
    """Return UNKNOWN in place of an outcome that such a call cannot have."""
    return GatewayOutcome(OutcomeKind.UNKNOWN, raw_code=outcome.raw_code, retry_after_s=outcome.retry_after_s)
