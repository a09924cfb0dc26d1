"""The connector: `Gateway`, `CardTokeniser` and `CardDescriber` over the simulator's HTTP API.

It classifies failures by how far a request got (`mapping` classifies answers), and never retries.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
from standardwebhooks import Webhook

from clearway.gateways.contract import (
    ALL_METHODS,
    UNKNOWN,
    Abilities,
    AnswerUnreadableError,
    BalancePage,
    Capabilities,
    Card,
    CardRefusedError,
    CardToken,
    Closes,
    EventUnreadableError,
    Finding,
    FindsOut,
    GatewayOutcome,
    GatewayUnavailableError,
    Inbound,
    InboundRequest,
    Lists,
    Operation,
    OperationPage,
    OutcomeKind,
    PayoutPage,
    PayoutRows,
    SignatureInvalidError,
)
from clearway.gateways.http import NOT_SENT, PROGRAMMER_ERRORS, gateway_client
from clearway.gateways.simulator import mapping, settlements

LISTED_AT_ONCE: Final = 500

WINDOW: Final = timedelta(minutes=5)
"""How far the time in a signature may be from that of arrival, either way (Standard Webhooks 1.0.0)."""
LAG_S: Final = 20.0
"""How long the simulator's look-up may lag behind, as its fault `not_found_yet` imitates."""
ABILITIES: Final = Abilities(
    finds=Finding(FindsOut.BY_OUR_ID, lag_s=LAG_S),
    capabilities=Capabilities(ALL_METHODS, upi_intent=True, upi_collect=True),
    closes=Closes.AT_ONCE,
    lists=Lists(operations_lag_s=LAG_S, balance_lag_s=LAG_S, payouts_lag_s=LAG_S),
)


AnyPage = TypeVar("AnyPage")
_Classify = Callable[[int, Mapping[str, str], Any], GatewayOutcome]


class SimulatorGateway:
    """The simulator as a gateway. account: under which its payments are made, so that its webhooks come back here."""

    name = "simulator"
    abilities = ABILITIES

    def __init__(
        self,
        url: str,
        webhook_secret: str,
        *,
        timeout_s: float,
        account: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare the connection pool; nothing is opened yet. timeout_s: the total deadline of one call."""
        self._timeout_s = timeout_s
        self._account = account
        self._verifier = Webhook(webhook_secret)
        self._client = gateway_client(timeout_s, base_url=url, tls=tls)

    async def authorise(self, operation: Operation) -> GatewayOutcome:
        """Reserve or take the money."""
        asked = operation.authorisation
        assert asked is not None, "an authorisation says how it is paid"
        body = {
            "merchant_reference": operation.payment_id,
            "amount": operation.amount_minor,
            "currency": operation.currency,
            "method": asked.method,
            "instrument": asked.instrument,
            "capture": asked.capture_method.value,
            "return_url": asked.return_url,
            "account": self._account,
        }
        return await self._operate("/v1/payments", operation.key, body)

    async def capture(self, operation: Operation) -> GatewayOutcome:
        """Take part or all of an authorised amount."""
        return await self._operate(_path(operation, "capture"), operation.key, _money(operation))

    async def void(self, operation: Operation) -> GatewayOutcome:
        """Release what is not captured, or cancel a pending payment. The simulator releases all that is left."""
        return await self._operate(_path(operation, "void"), operation.key, {})

    async def refund(self, operation: Operation) -> GatewayOutcome:
        """Give money back."""
        return await self._operate(_path(operation, "refunds"), operation.key, _money(operation))

    async def recover(self, operation: Operation) -> GatewayOutcome:
        """Return the present state of an operation, by its key."""
        path = f"/v1/operations/{quote(operation.key, safe='')}"
        outcome = await self._exchange("GET", path, mapping.outcome_of_look_up)
        # An unsent question says nothing about the operation.
        return UNKNOWN if outcome.kind is OutcomeKind.RETRYABLE else outcome

    async def list_operations(self, *, since: datetime, cursor: str | None = None) -> OperationPage:
        """List the simulator's operations since a moment. Raises GatewayUnavailableError."""
        wanted = {"since": since.isoformat()}
        return await self._list("/v1/operations", wanted, cursor, mapping.page_of_operations)

    async def list_balance_rows(self, *, since: datetime, until: datetime, cursor: str | None = None) -> BalancePage:
        """List the balance rows created in [since, until). Raises GatewayUnavailableError."""
        wanted = {"since": since.isoformat(), "until": until.isoformat()}
        return await self._list("/v1/balance_rows", wanted, cursor, settlements.page_of_rows)

    async def list_payouts(self, *, since: datetime, until: datetime, cursor: str | None = None) -> PayoutPage:
        """List the payouts created in [since, until). Raises GatewayUnavailableError."""
        wanted = {"since": since.isoformat(), "until": until.isoformat()}
        return await self._list("/v1/payouts", wanted, cursor, settlements.page_of_payouts)

    async def list_payout_rows(self, payout_id: str, *, cursor: str | None = None) -> PayoutRows:
        """List the ids of the rows that a payout pays. Raises GatewayUnavailableError."""
        path = f"/v1/payouts/{quote(payout_id, safe='')}/rows"
        return await self._list(path, {}, cursor, settlements.rows_of_payout)

    async def _list(
        self, path: str, wanted: dict[str, str], cursor: str | None, read: Callable[[Any], AnyPage]
    ) -> AnyPage:
        """Read a page of a list of this account."""
        asked = wanted | {"limit": str(LISTED_AT_ONCE)}
        if self._account is not None:
            asked["account"] = self._account
        if cursor is not None:
            asked["after"] = cursor
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.get(path, params=asked)
        except (httpx.HTTPError, TimeoutError) as error:
            raise GatewayUnavailableError(f"the simulator did not answer: {type(error).__name__}") from None
        if response.status_code != httpx.codes.OK:
            raise GatewayUnavailableError(f"the simulator answered {response.status_code}, which cannot be used")
        try:
            return read(_json(response.content))
        except AnswerUnreadableError as error:
            raise GatewayUnavailableError(f"the simulator's list cannot be read: {error}") from None

    async def tokenise(self, card: Card) -> CardToken:
        """Exchange a test card. Raises CardRefusedError or GatewayUnavailableError; neither contains the number."""
        body = {
            "number": card.number,
            "exp_month": card.expiry_month,
            "exp_year": card.expiry_year,
            "cvc": card.cvv,
            "name": card.holder_name,
        }
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.post("/v1/tokens", json=body)
        except (httpx.HTTPError, TimeoutError) as error:
            raise GatewayUnavailableError(f"the simulator did not answer: {type(error).__name__}") from None
        return _token(response)

    async def describe(self, token: str) -> CardToken | None:
        """Return what may be shown of a token's card. Raises GatewayUnavailableError."""
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.get(f"/v1/tokens/{quote(token, safe='')}")
        except (httpx.HTTPError, TimeoutError) as error:
            raise GatewayUnavailableError(f"the simulator did not answer: {type(error).__name__}") from None
        return None if response.status_code == httpx.codes.NOT_FOUND else _token(response)

    async def read_inbound(self, request: InboundRequest) -> Inbound:
        """Verify a webhook of the simulator and read it."""
        self._verify(request)
        event = mapping.event_of(_json(request.body))
        if event.event_id != request.headers["webhook-id"]:
            raise EventUnreadableError("the event's id is not the webhook-id header")
        return Inbound((event,))

    def _verify(self, request: InboundRequest) -> None:
        """Verify the signature, and its time against the time of receipt: a stored request may be replayed later."""
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        event_id, stamp, given = (request.headers.get(name, "") for name in names)
        if not (event_id and stamp and given):
            raise SignatureInvalidError("a header of the signature is missing")
        try:
            sent_at = datetime.fromtimestamp(int(stamp), UTC)
            expected = self._verifier.sign(event_id, sent_at, request.body.decode())
        except (ValueError, OverflowError, OSError) as error:
            raise SignatureInvalidError(f"the signature cannot be read: {type(error).__name__}") from error
        if abs(request.received_at - sent_at) > WINDOW:
            raise SignatureInvalidError(f"it is signed for {sent_at.isoformat()}, too far from the time of arrival")
        if not any(hmac.compare_digest(expected.encode(), each.encode()) for each in given.split(" ")):
            raise SignatureInvalidError("the signature is not that of this body")

    async def check(self) -> str | None:
        """Return None if the simulator works, else what is wrong. Raises GatewayUnavailableError when it is silent."""
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.get("/health")
        except (httpx.HTTPError, TimeoutError) as error:
            raise GatewayUnavailableError(f"the simulator did not answer: {type(error).__name__}") from None
        if response.status_code != httpx.codes.OK:
            return f"The simulator answers {response.status_code}: it no longer decides or sends. Restart it."
        return None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _operate(self, path: str, key: str, body: dict[str, Any]) -> GatewayOutcome:
        headers = {"idempotency-key": key}
        return await self._exchange("POST", path, mapping.outcome_of_answer, json=body, headers=headers)

    async def _exchange(self, method: str, path: str, classify: _Classify, **request: Any) -> GatewayOutcome:
        """Send once, and classify the answer or the failure."""
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.request(method, path, **request)
        except NOT_SENT:
            return GatewayOutcome(OutcomeKind.RETRYABLE)
        except PROGRAMMER_ERRORS:
            raise
        except (httpx.HTTPError, TimeoutError):
            return UNKNOWN
        return classify(response.status_code, response.headers, _json(response.content))


def _path(operation: Operation, action: str) -> str:
    return f"/v1/payments/{quote(operation.payment_reference, safe='')}/{action}"


def _money(operation: Operation) -> dict[str, Any]:
    return {"amount": operation.amount_minor, "currency": operation.currency}


def _json(content: bytes) -> Any:
    """Parse JSON; None for invalid JSON, which every reader takes as unreadable."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _token(response: httpx.Response) -> CardToken:
    body = _json(response.content)
    try:
        if response.status_code in {httpx.codes.OK, httpx.codes.CREATED}:
            kept = body["card"]
            return CardToken(body["id"], kept["brand"], kept["last4"], kept["exp_month"], kept["exp_year"])
        if response.status_code == httpx.codes.PAYMENT_REQUIRED:
            error = body["error"]
            raise CardRefusedError(mapping.unified_code(error["code"]), str(error["message"]))
        if response.status_code == httpx.codes.BAD_REQUEST:
            raise CardRefusedError("incorrect_number", "The card's details are not in a form the gateway reads.")
    except (KeyError, TypeError, AnswerUnreadableError):
        pass  # Below, an unreadable answer counts as no answer.
    raise GatewayUnavailableError(f"the simulator answered {response.status_code}, which cannot be used")
