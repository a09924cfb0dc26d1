"""How the stand-in answers a request: tokens, idempotency keys, faults, error bodies, headers.

A repeat with the same idempotency_key returns the original object as it is now, or the decline again; another request
with it is refused. A request that was refused before it began stores nothing under its key.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel

from clearway.simulator.facades.square.accounts import Accounts
from clearway.simulator.facades.square.books import Books, Kind, Thing, Used
from clearway.simulator.facades.square.calls import Call
from clearway.simulator.facades.square.errors import FAILURES, SquareError
from clearway.simulator.facades.square.parameters import read
from clearway.simulator.facades.square.views import Views
from clearway.simulator.fault_kinds import FaultKind
from clearway.simulator.faults import Fault, FaultSwitches, Subject
from clearway.simulator.misbehaviour import misbehave
from clearway.simulator.store import Store

BODY_MAX: Final = 100_000
VERSION: Final = "2026-09-16"
_VERSION: Final = re.compile(r"\d{4}-\d{2}-\d{2}")

Asked = TypeVar("Asked", bound=BaseModel)
SubjectOf = Callable[[str, Any], Subject]
"""Makes the subject for fault rules from the seller and the request."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One authenticated request. name: of the kind of request, by which its key is remembered."""

    request: Request
    name: str
    at: float
    account: str
    body: bytes

    @property
    def fingerprint(self) -> str:
        """The fields that must be equal when the key is used again."""
        fields = json.loads(self.body) if self.body.strip() else {}
        return json.dumps([self.request.url.path, fields], sort_keys=True)


@dataclass(slots=True)
class Desk:
    """Handles requests."""

    store: Store
    books: Books
    accounts: Accounts
    views: Views
    switches: FaultSwitches
    _under_way: set[tuple[str, str, str]] = field(default_factory=set)

    async def write(
        self, request: Request, name: str, model: type[Asked], act: Callable[[Call, Asked], Thing], about: SubjectOf
    ) -> Response:
        """Answer a request that changes an object, and show it."""
        try:
            arrival = await self._arrived(request, name)
            asked = read(model, arrival.body)
            key = getattr(asked, "idempotency_key", None)
            earlier = self._earlier(arrival, key)
        except SquareError as refusal:
            return answer(refusal.body(), refusal.status)
        if earlier is not None:
            return self._again(earlier)
        fault = self.switches.for_request(about(arrival.account, asked))
        mark = (arrival.account, name, key or str(id(arrival)))
        self._under_way.add(mark)
        try:
            return await misbehave(request, fault, lambda: self._execute(arrival, key, asked, act, fault), say)
        finally:
            self._under_way.discard(mark)

    async def note(
        self, request: Request, model: type[Asked], act: Callable[[Call, Asked], dict[str, Any]], about: SubjectOf
    ) -> Response:
        """Answer a request that shows no object, such as a cancellation by key."""
        try:
            arrival = await self._arrived(request, "")
            asked = read(model, arrival.body)
        except SquareError as refusal:
            return answer(refusal.body(), refusal.status)
        fault = self.switches.for_request(about(arrival.account, asked))

        def execute() -> Response:
            with self.store.transaction():
                try:
                    return answer(act(Call(arrival.account, arrival.at), asked))
                except SquareError as refusal:
                    return answer(refusal.body(), refusal.status)

        return await misbehave(request, fault, execute, say)

    async def look(self, request: Request, act: Callable[[str], dict[str, Any]], about: SubjectOf) -> Response:
        """Answer a read request. What is not indexed yet is missing from lists."""
        try:
            arrival = await self._arrived(request, "")
            fault = self.switches.for_request(about(arrival.account, None))
            body = act(arrival.account)
        except SquareError as refusal:
            return answer(refusal.body(), refusal.status)
        is_list = any(isinstance(value, list) for value in body.values()) or not body
        if is_list and fault is not None and fault.kind is FaultKind.NOT_FOUND_YET:
            fault, body = None, {}
        return await misbehave(request, fault, lambda: answer(body), say)

    async def _arrived(self, request: Request, name: str) -> Arrival:
        account = self.accounts.caller(request.headers.get("authorization", ""))
        if not _VERSION.fullmatch(request.headers.get("square-version", VERSION)):
            raise SquareError("INVALID_SQUARE_VERSION_FORMAT", "The Square-Version header is not a date.")
        body = await request.body()
        if len(body) > BODY_MAX:
            raise SquareError("REQUEST_ENTITY_TOO_LARGE", "The request is too large.")
        if body and "json" not in request.headers.get("content-type", ""):
            raise SquareError("INVALID_CONTENT_TYPE", "The body is not sent as JSON.")
        return Arrival(request, name, time.time(), account, body)

    def _earlier(self, arrival: Arrival, key: str | None) -> Used | None:
        """Return the earlier use of the key. Raises SquareError if it is in use, or had another request."""
        if key is None:
            return None
        if (arrival.account, arrival.name, key) in self._under_way:
            raise SquareError("CONFLICT", "A request with this idempotency key is being processed.")
        used = self.books.use_of(arrival.account, arrival.name, key)
        if used is not None and used.fingerprint != arrival.fingerprint:
            raise SquareError(
                "IDEMPOTENCY_KEY_REUSED", "The idempotency key was used with another request.", field="idempotency_key"
            )
        return used

    def _execute(
        self,
        arrival: Arrival,
        key: str | None,
        asked: Asked,
        act: Callable[[Call, Asked], Thing],
        fault: Fault | None,
    ) -> Response:
        """Execute the request and store the use of its key, in one transaction."""
        wrong = fault is not None and fault.kind is FaultKind.WRONG_AMOUNT
        with self.store.transaction():
            try:
                made = act(Call(arrival.account, arrival.at, key, wrong_amount=wrong), asked)
            except SquareError as refusal:
                return answer(refusal.body(), refusal.status)
            used = Used(arrival.fingerprint, made.id, self._decline(made))
            if key is not None:
                self.books.remember(arrival.account, arrival.name, key, used, arrival.at)
        return self._again(used)

    def _again(self, used: Used) -> Response:
        """Show the object as it is now, or refuse again what was declined."""
        thing = self.books.any(used.object_id)
        assert thing is not None, "what a key made is kept"
        shown = self.views.refund(thing) if thing.kind is Kind.REFUND else self.views.payment(thing)
        body = {thing.kind.value: shown}
        return answer(used.refusal | body, 400) if used.refusal else answer(body)

    def _decline(self, made: Thing) -> dict[str, Any] | None:
        errors = self.views.errors(made, self.views.backed(made)) if made.kind is Kind.PAYMENT else []
        return {"errors": errors} if errors else None


def say(status: int, code: str, message: str, retry_after_s: int | None = None) -> Response:
    """Return the response for a fault in Square's form."""
    del code, message  # Square has its own error for it.
    response = answer(SquareError(*FAILURES[status]).body(), status)
    if retry_after_s is not None:
        response.headers["retry-after"] = str(retry_after_s)
    return response


def answer(body: dict[str, Any], status: int = 200) -> Response:
    """Return the response."""
    return Response(json.dumps(body), status, {"square-version": VERSION}, "application/json")
