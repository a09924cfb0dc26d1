"""How the stand-in answers a request: keys with stored first answers, faults, error bodies, headers.

As at Stripe, a request that is not authenticated or not valid stores nothing under its key. Once its execution begins,
its answer is stored and replayed, even an error.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel

from clearway.simulator.facades.stripe import forms
from clearway.simulator.facades.stripe.accounts import Caller, caller_of
from clearway.simulator.facades.stripe.books import Books, StoredAnswer
from clearway.simulator.facades.stripe.calls import Call
from clearway.simulator.facades.stripe.errors import StripeError
from clearway.simulator.facades.stripe.events import API_VERSION, StripeChannel
from clearway.simulator.facades.stripe.parameters import read
from clearway.simulator.facades.stripe.views import Views
from clearway.simulator.fault_kinds import FaultKind
from clearway.simulator.faults import Fault, FaultSwitches, Subject
from clearway.simulator.misbehaviour import Say, misbehave
from clearway.simulator.store import Store

KEY_LENGTH_MAX: Final = 255
BODY_MAX: Final = 100_000
_VERSION: Final = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?")
_FAILURES: Final = {
    429: ("invalid_request_error", "rate_limit", "Request rate limit exceeded."),
    500: ("api_error", None, "An unknown error occurred."),
    503: ("api_error", None, "The API is temporarily unavailable."),
    504: ("api_error", None, "The request took too long."),
}

Asked = TypeVar("Asked", bound=BaseModel)
SubjectOf = Callable[[Caller, Any, str | None], Subject]
"""Makes the subject for fault rules from the caller, the request, and the key."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One authenticated request: its caller and its fields."""

    request: Request
    request_id: str
    at: float
    caller: Caller
    fields: dict[str, Any]
    key: str | None

    @property
    def fingerprint(self) -> str:
        """The fields that must be equal when the key is used again."""
        return json.dumps([self.request.method, self.request.url.path, self.fields], sort_keys=True)

    def call(self, fault: Fault | None) -> Call:
        """Return what the acts need of it."""
        wrong = fault is not None and fault.kind is FaultKind.WRONG_AMOUNT
        return Call(self.caller, self.request_id, self.at, self.key, wrong_amount=wrong)


@dataclass(slots=True)
class Desk:
    """Handles requests."""

    store: Store
    books: Books
    views: Views
    channel: StripeChannel
    switches: FaultSwitches
    key_life_s: float
    _under_way: set[tuple[str, str]] = field(default_factory=set)

    async def write(
        self, request: Request, model: type[Asked], act: Callable[[Call, Asked], dict[str, Any]], about: SubjectOf
    ) -> Response:
        """Answer a request that changes something."""
        request_id = f"req_{secrets.token_hex(7)}"
        try:
            arrival = await _arrived(request, request_id)
            earlier = self._earlier(arrival)
            if earlier is not None:
                return _replay(arrival, earlier)
            asked = read(model, arrival.fields)
        except StripeError as refusal:
            return _error(request, request_id, refusal)
        fault = self.switches.for_request(about(arrival.caller, asked, arrival.key))
        with _Under(self._under_way, arrival):
            return await misbehave(
                request, fault, lambda: self._execute(arrival, asked, act, fault), say_as(request, request_id)
            )

    async def look(
        self, request: Request, model: type[Asked], act: Callable[[Caller, Asked], dict[str, Any]], about: SubjectOf
    ) -> Response:
        """Answer a read request. What is not indexed yet is missing from lists, not from a look-up by id."""
        request_id = f"req_{secrets.token_hex(7)}"
        try:
            arrival = await _arrived(request, request_id)
            asked = read(model, arrival.fields)
            fault = self.switches.for_request(about(arrival.caller, asked, None))
            body = act(arrival.caller, asked)
            body = self.views.expanded(arrival.caller.account, body, getattr(asked, "expand", []))
        except StripeError as refusal:
            return _error(request, request_id, refusal)
        if fault is not None and fault.kind is FaultKind.NOT_FOUND_YET:
            fault, body = None, body | {"data": [], "has_more": False} if "data" in body else body
        return await misbehave(
            request, fault, lambda: _answer(request, request_id, 200, _text(body)), say_as(request, request_id)
        )

    def _earlier(self, arrival: Arrival) -> StoredAnswer | None:
        """Return the stored answer to the key. Raises StripeError if the key is in use, or had another request."""
        account, key = arrival.caller.account, arrival.key
        if key is None:
            return None
        if (account, key) in self._under_way:
            message = f"There is currently another in-progress request using this Idempotency-Key: {key}."
            raise StripeError(409, message, type="invalid_request_error", code="idempotency_key_in_use")
        earlier = self.books.answer(account, key, since=arrival.at - self.key_life_s)
        if earlier is not None and earlier.fingerprint != arrival.fingerprint:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were first used with."
                f" Try using a key other than '{key}' if you meant to execute a different request."
            )
            raise StripeError(400, message, type="idempotency_error")
        return earlier

    def _execute(
        self, arrival: Arrival, asked: Asked, act: Callable[[Call, Asked], dict[str, Any]], fault: Fault | None
    ) -> Response:
        """Execute the request and store its answer, in one transaction."""
        call = arrival.call(fault)
        with self.store.transaction():
            self.channel.call = call
            try:
                body = self.views.expanded(call.account, act(call, asked), getattr(asked, "expand", []))
                status, text = 200, _text(body)
            except StripeError as refusal:
                status, text = refusal.status, _text(refusal.body(arrival.request_id))
            finally:
                self.channel.call = None
            if fault is not None and fault.kind is FaultKind.ERROR_AFTER_CHARGE:
                status, text = 500, _text(_failure(500, arrival.request_id))
            if arrival.key is not None:
                answer = StoredAnswer(arrival.key, arrival.fingerprint, status, text, arrival.request_id, arrival.at)
                self.books.store(call.account, answer)
        return _answer(arrival.request, arrival.request_id, status, text)


class _Under:
    """Marks a key as in use while its request is being answered."""

    def __init__(self, under_way: set[tuple[str, str]], arrival: Arrival) -> None:
        self._under_way = under_way
        self._mark = (arrival.caller.account, arrival.key) if arrival.key is not None else None

    def __enter__(self) -> None:
        if self._mark is not None:
            self._under_way.add(self._mark)

    def __exit__(self, *_error: object) -> None:
        if self._mark is not None:
            self._under_way.discard(self._mark)


def say_as(request: Request, request_id: str) -> Say:
    """Return the response for a fault in Stripe's form."""

    def say(status: int, code: str, message: str, retry_after_s: int | None = None) -> Response:
        del code, message  # Stripe has its own error for it.
        response = _answer(request, request_id, status, _text(_failure(status, request_id)))
        if retry_after_s is not None:
            response.headers["retry-after"] = str(retry_after_s)
        if status == 429:  # noqa: PLR2004 - Too Many Requests
            response.headers["stripe-rate-limited-reason"] = "global-rate"
        return response

    return say


async def _arrived(request: Request, request_id: str) -> Arrival:
    """Authenticate and parse a request. Raises StripeError."""
    caller = caller_of(request.headers.get("authorization", ""))
    version = request.headers.get("stripe-version", API_VERSION)
    if not _VERSION.fullmatch(version):
        raise StripeError(400, f"Invalid Stripe API version: {version[:40]}")
    key = request.headers.get("idempotency-key") if request.method == "POST" else None
    if key is not None and not 0 < len(key) <= KEY_LENGTH_MAX:
        raise StripeError(400, f"Idempotency keys can have up to {KEY_LENGTH_MAX} characters.")
    content = await request.body() if request.method == "POST" else request.url.query.encode()
    if len(content) > BODY_MAX:
        raise StripeError(413, "The request is too large.")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise StripeError(400, "Invalid request body: it is not UTF-8.") from None
    return Arrival(request, request_id, time.time(), caller, forms.parse(text), key)


def _replay(arrival: Arrival, earlier: StoredAnswer) -> Response:
    response = _answer(arrival.request, earlier.request_id, earlier.status, earlier.body)
    response.headers["idempotent-replayed"] = "true"
    response.headers["original-request"] = earlier.request_id
    return response


def _error(request: Request, request_id: str, refusal: StripeError) -> Response:
    return _answer(request, request_id, refusal.status, _text(refusal.body(request_id)))


def _answer(request: Request, request_id: str, status: int, text: str) -> Response:
    headers = {"request-id": request_id, "stripe-version": request.headers.get("stripe-version", API_VERSION)}
    key = request.headers.get("idempotency-key")
    if key is not None and key.isascii():
        headers["idempotency-key"] = key
    return Response(text, status, headers, "application/json")


def _failure(status: int, request_id: str) -> dict[str, Any]:
    kind, code, message = _FAILURES[status]
    return StripeError(status, message, type=kind, code=code).body(request_id)


def _text(body: dict[str, Any]) -> str:
    return json.dumps(body, indent=2)
