"""The calls of Square's API that the connector makes, by the official SDK. Each is sent once."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, cast
from urllib.parse import quote

import httpx
from square import AsyncSquare

from clearway.gateways.contract import OperationKind
from clearway.gateways.http import gateway_client
from clearway.gateways.square.exchange import ONCE, Answer, ask, classified

PRODUCTION: Final = "https://connect.squareup.com"
SANDBOX: Final = "https://connect.squareupsandbox.com"
VERSION: Final = "2026-09-16"
"""The version of the API that the SDK is made for."""
REQUESTS_MAX: Final = 4
"""Of one call: a partial capture reads the payment, lowers it, completes it, and may read it again."""


@dataclass(frozen=True)
class SquareKeys:
    """The secrets of one seller. signature_key: of its webhook subscription; without it no webhook is accepted."""

    access_token: str = field(repr=False)
    signature_key: str | None = field(default=None, repr=False)


class List(StrEnum):
    """The lists that are read page by page."""

    PAYMENTS = "payments"
    REFUNDS = "refunds"
    PAYOUTS = "payouts"
    ENTRIES = "payout entries"


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a list as plain data. cursor: where the next page begins; None: this was the last."""

    items: list[dict[str, Any]]
    cursor: str | None


class SquareApi:
    """The API of one seller, with its connections."""

    def __init__(
        self,
        access_token: str,
        api_base: str,
        *,
        timeout_s: float,
        tls: ssl.SSLContext | None,
        transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        """Prepare the client; nothing is opened yet. transport: a guarded transport, if needed."""
        self._http = gateway_client(timeout_s, requests=REQUESTS_MAX, tls=tls, transport=transport)
        sdk = AsyncSquare(
            base_url=api_base.rstrip("/"),
            token=access_token,
            version=VERSION,
            httpx_client=self._http,
            # Else the SDK gives each request one number for all its timeouts, and the one of connecting is lost.
            timeout=cast("float", self._http.timeout),
        )
        self._payments = sdk.payments
        self._payments_raw = sdk.payments.with_raw_response
        self._refunds_raw = sdk.refunds.with_raw_response
        self._turns = {
            List.PAYMENTS: sdk.payments.list,
            List.REFUNDS: sdk.refunds.list,
            List.PAYOUTS: sdk.payouts.list,
            List.ENTRIES: sdk.payouts.list_entries,
        }
        self._locations_raw = sdk.locations.with_raw_response

    async def pay(self, fields: Mapping[str, Any]) -> Answer:
        """Create a payment."""
        return await ask(
            OperationKind.AUTHORISE, lambda: self._payments_raw.create(**cast("Any", fields), request_options=ONCE)
        )

    async def payment(self, kind: OperationKind, payment_id: str) -> Answer:
        """Read a payment. kind: of the operation that the question is about."""
        return await ask(kind, lambda: self._payments_raw.get(_id(payment_id), request_options=ONCE))

    async def lower(self, payment_id: str, key: str, change: Mapping[str, Any]) -> Answer:
        """Change the amount of a payment. No money is taken by it."""
        return await ask(
            OperationKind.CAPTURE,
            lambda: self._payments_raw.update(
                _id(payment_id), idempotency_key=key, payment=cast("Any", change), request_options=ONCE
            ),
        )

    async def complete(self, payment_id: str, version: str | None) -> Answer:
        """Take the whole of a payment, if it is still in this version."""
        given: dict[str, Any] = {} if version is None else {"version_token": version}
        return await ask(
            OperationKind.CAPTURE, lambda: self._payments_raw.complete(_id(payment_id), **given, request_options=ONCE)
        )

    async def cancel(self, payment_id: str) -> Answer:
        """Release a payment."""
        return await ask(OperationKind.VOID, lambda: self._payments_raw.cancel(_id(payment_id), request_options=ONCE))

    async def cancel_key(self, key: str) -> Answer:
        """Release what a key made. Square succeeds too when it made nothing."""
        return await ask(
            OperationKind.VOID,
            lambda: self._payments_raw.cancel_by_idempotency_key(idempotency_key=key, request_options=ONCE),
        )

    async def give_back(self, fields: Mapping[str, Any]) -> Answer:
        """Create a refund."""
        return await ask(
            OperationKind.REFUND,
            lambda: self._refunds_raw.refund_payment(**cast("Any", fields), request_options=ONCE),
        )

    async def refund(self, refund_id: str) -> Answer:
        """Read a refund."""
        return await ask(OperationKind.REFUND, lambda: self._refunds_raw.get(_id(refund_id), request_options=ONCE))

    async def location(self, location_id: str) -> Answer:
        """Read a location."""
        return await ask(
            OperationKind.AUTHORISE, lambda: self._locations_raw.get(_id(location_id), request_options=ONCE)
        )

    async def pages(self, query: Mapping[str, Any]) -> AsyncIterator[list[Any] | Answer]:
        """List payments, newest first: page by page; an Answer, the last, where a page was not answered."""
        page = await classified(
            OperationKind.AUTHORISE, lambda: self._payments.list(**cast("Any", query), request_options=ONCE)
        )
        while page is not None:
            if isinstance(page, Answer):
                yield page
                return
            yield list(page.items or [])
            if page.get_next is None or not page.has_next:
                return
            page = await classified(OperationKind.AUTHORISE, page.get_next)

    async def listed(self, which: List, query: Mapping[str, Any]) -> Listed | Answer:
        """Return one page of a list; an Answer where it was not answered."""
        turn = self._turns[which]
        page = await classified(OperationKind.AUTHORISE, lambda: turn(**cast("Any", query), request_options=ONCE))
        if isinstance(page, Answer):
            return page
        # The models take any type for a field, and would warn of it: who reads an item checks it.
        items = [one.model_dump(by_alias=True, exclude_none=True, warnings=False) for one in page.items or []]
        following = getattr(page.response, "cursor", None)
        return Listed(items, following if isinstance(following, str) and following else None)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _id(identifier: str) -> str:
    """Return an identifier as one part of a path: the SDK puts it in as it is."""
    return quote(identifier, safe="")
