"""How the stand-in answers a request: tokens, request ids with the latest state, faults, error bodies, headers.

A repeat with the same PayPal-Request-Id returns the current state of the first result, with 200 instead of 201. An
error is not stored: the same request may succeed later.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeVar

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel

from clearway.simulator.facades.paypal.accounts import Accounts
from clearway.simulator.facades.paypal.books import Books, Remembered, Thing
from clearway.simulator.facades.paypal.calls import Call
from clearway.simulator.facades.paypal.errors import ISSUES, MOCKED, PayPalError
from clearway.simulator.facades.paypal.parameters import read
from clearway.simulator.facades.paypal.views import Views
from clearway.simulator.fault_kinds import FaultKind
from clearway.simulator.faults import Fault, FaultSwitches, Subject
from clearway.simulator.misbehaviour import Say, misbehave
from clearway.simulator.store import Store

REQUEST_ID_LENGTH_MAX: Final = 108
BODY_MAX: Final = 100_000

Asked = TypeVar("Asked", bound=BaseModel)
SubjectOf = Callable[[str, Any, str | None], Subject]
"""Makes the subject for fault rules from the account, the request, and the request id."""


class Family(StrEnum):
    """The APIs, which store request ids for different times; and calls without request ids."""

    ORDERS = "orders"
    PAYMENTS = "payments"
    WITHOUT = "without"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One authenticated request."""

    request: Request
    debug_id: str
    at: float
    account: str
    body: bytes
    request_id: str | None

    @property
    def fingerprint(self) -> str:
        """The fields that must be equal when the request id is used again."""
        fields = json.loads(self.body) if self.body.strip() else {}
        return json.dumps([self.request.url.path, fields], sort_keys=True)

    @property
    def wants_all(self) -> bool:
        """Whether the full representation is requested."""
        return "return=representation" in self.request.headers.get("prefer", "")


@dataclass(slots=True)
class Desk:
    """Handles requests. lives_s: how long the request ids of each API are stored."""

    store: Store
    books: Books
    accounts: Accounts
    views: Views
    switches: FaultSwitches
    lives_s: dict[Family, float]
    _under_way: set[tuple[str, str]] = field(default_factory=set)

    async def write(
        self,
        request: Request,
        model: type[Asked],
        act: Callable[[Call, Asked], Thing],
        about: SubjectOf,
        family: Family,
    ) -> Response:
        """Answer a request that changes something."""
        debug_id = secrets.token_hex(6)
        try:
            arrival = await self._arrived(request, debug_id, family)
            asked = read(model, arrival.body)
            earlier = self._earlier(arrival, family)
            if earlier is not None:
                return self._shown(arrival, earlier, 200)
            _mock(request)
        except PayPalError as refusal:
            return _error(debug_id, refusal)
        fault = self.switches.for_request(about(arrival.account, asked, arrival.request_id))
        mark = (arrival.account, arrival.request_id or debug_id)
        self._under_way.add(mark)
        try:
            return await misbehave(
                request, fault, lambda: self._execute(arrival, asked, act, fault, family), say_as(debug_id)
            )
        finally:
            self._under_way.discard(mark)

    async def look(self, request: Request, act: Callable[[str], dict[str, Any]], about: SubjectOf) -> Response:
        """Answer a read request."""
        debug_id = secrets.token_hex(6)
        try:
            arrival = await self._arrived(request, debug_id, Family.WITHOUT)
            fault = self.switches.for_request(about(arrival.account, None, None))
            body = act(arrival.account)
        except PayPalError as refusal:
            return _error(debug_id, refusal)
        return await misbehave(request, fault, lambda: _answer(debug_id, 200, body), say_as(debug_id))

    async def note(
        self, request: Request, model: type[Asked], act: Callable[[str, Asked, bytes], dict[str, Any]], status: int
    ) -> Response:
        """Answer a request about webhooks, which moves no money and has no request id."""
        debug_id = secrets.token_hex(6)
        try:
            arrival = await self._arrived(request, debug_id, Family.WITHOUT)
            with self.store.transaction():
                body = act(arrival.account, read(model, arrival.body), arrival.body)
        except PayPalError as refusal:
            return _error(debug_id, refusal)
        return _answer(debug_id, status, body)

    async def _arrived(self, request: Request, debug_id: str, family: Family) -> Arrival:
        account = self.accounts.caller(request.headers.get("authorization", ""))
        request_id = request.headers.get("paypal-request-id") if family is not Family.WITHOUT else None
        if request_id is not None and not 0 < len(request_id) <= REQUEST_ID_LENGTH_MAX:
            raise PayPalError("INVALID_STRING_LENGTH", field="PayPal-Request-Id")
        body = await request.body()
        if len(body) > BODY_MAX:
            raise PayPalError(None, status=413)
        if body and "json" not in request.headers.get("content-type", ""):
            raise PayPalError(None, status=415)
        return Arrival(request, debug_id, time.time(), account, body, request_id)

    def _earlier(self, arrival: Arrival, family: Family) -> Thing | None:
        """Return the earlier result of the request id. Raises PayPalError if it is in use, or had another request."""
        if arrival.request_id is None:
            return None
        if (arrival.account, arrival.request_id) in self._under_way:
            raise PayPalError("PREVIOUS_REQUEST_IN_PROGRESS")
        since = arrival.at - self.lives_s[family]
        used = self.books.request(arrival.account, arrival.request_id, since)
        if used is None:
            return None
        if used.fingerprint != arrival.fingerprint:
            raise PayPalError("DUPLICATE_REQUEST_ID")
        return self.books.any(used.object_id)

    def _execute(
        self,
        arrival: Arrival,
        asked: Asked,
        act: Callable[[Call, Asked], Thing],
        fault: Fault | None,
        family: Family,
    ) -> Response:
        """Execute the request and store its request id, in one transaction."""
        wrong = fault is not None and fault.kind is FaultKind.WRONG_AMOUNT
        call = Call(arrival.account, arrival.at, arrival.request_id, wrong_amount=wrong)
        with self.store.transaction():
            try:
                made = act(call, asked)
            except PayPalError as refusal:  # Earlier effects, such as a declined attempt, stay.
                return _error(arrival.debug_id, refusal)
            if arrival.request_id is not None:
                used = Remembered(arrival.fingerprint, made.id)
                self.books.remember(arrival.account, arrival.request_id, used, arrival.at)
        return self._shown(arrival, made, 200 if family is Family.WITHOUT else 201)

    def _shown(self, arrival: Arrival, thing: Thing, status: int) -> Response:
        body = self.views.show(thing)
        return _answer(arrival.debug_id, status, body if arrival.wants_all else self.views.minimal(body))


def say_as(debug_id: str) -> Say:
    """Return the response for a fault in PayPal's form."""

    def say(status: int, code: str, message: str, retry_after_s: int | None = None) -> Response:
        del code, message  # PayPal has its own error for it.
        refusal = PayPalError("INVALID_RESOURCE_ID") if status == 404 else PayPalError(None, status=status)  # noqa: PLR2004 - Not Found
        response = _error(debug_id, refusal)
        if retry_after_s is not None:
            response.headers["retry-after"] = str(retry_after_s)
        return response

    return say


def _mock(request: Request) -> None:
    """Answer with the issue that the header asks for, as PayPal's sandbox does. Raises PayPalError."""
    given = request.headers.get("paypal-mock-response")
    if given is None:
        return
    try:
        issue = str(json.loads(given)["mock_application_codes"])
    except (ValueError, KeyError, TypeError):
        raise PayPalError("INVALID_PARAMETER_SYNTAX", field="PayPal-Mock-Response") from None
    if issue == "INTERNAL_SERVER_ERROR":
        raise PayPalError(None, status=500)
    if issue not in ISSUES | MOCKED:
        raise PayPalError("INVALID_PARAMETER_VALUE", field="PayPal-Mock-Response")
    raise PayPalError(issue)


def _error(debug_id: str, refusal: PayPalError) -> Response:
    return _answer(debug_id, refusal.status, refusal.body(debug_id))


def _answer(debug_id: str, status: int, body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), status, {"paypal-debug-id": debug_id}, "application/json")
