"""One mechanism that makes every POST safe to repeat; `docs/idempotency.md` gives merchants the rules.

A key is reserved together with the id of what it will create, before anything is done. Everything after uses that id,
so a repeat does the same thing again under the same id and finds it done, wherever the first request died.
The first 2xx stored is the answer, byte for byte, for 24 hours. Refusals (4xx) have changed nothing and are not stored.

Two requests with one key may run at once (twins), and one may be stopped at any point. So a refusal frees nothing: the
key stays with its request and its id. Before a refusal is answered, the key is read again: an answer that a twin has
stored is the answer, and another id that a twin has taken is the one to go on with.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final

import orjson
from fastapi import Depends, Header, Request
from starlette.responses import Response

from api.auth.principal import PrincipalDep
from api.http.json_body import SCOPE_KEY as JSON_KEY
from api.http.json_body import meaning
from api.http.services import ApiServices, ServicesDep
from clearway.db import idempotency as store
from clearway.db.idempotency import Reservation, StoredAnswer
from clearway.domain.errors import ClearwayError, InvalidRequestError, UnavailableError, UnprocessableError
from clearway.domain.ids import new_id
from clearway.domain.limits import IDEMPOTENCY_KEY_LENGTH_MAX
from clearway.domain.resources import Resource
from clearway.services import Allocation, Services

KEY_FORM: Final = re.compile(rf"[\x21-\x7e]{{1,{IDEMPOTENCY_KEY_LENGTH_MAX}}}")
ROUNDS_MAX: Final = 3
"""How often a request follows a twin to another id, or a twin's answer, before it gives up."""
REPLAYED: Final = {"Idempotent-Replayed": "true"}

KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Makes the request safe to repeat for 24 hours: same key and body, same answer, one effect.",
        examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
    ),
]


@dataclass(frozen=True, slots=True)
class Answer:
    """A final answer of a route: the status and the resource it created or changed."""

    status: HTTPStatus
    resource: Resource

    def stored(self) -> StoredAnswer:
        """Return the form that is stored and sent."""
        return StoredAnswer(int(self.status), orjson.dumps(self.resource.data()))


Operation = Callable[[Allocation], Awaitable[Answer]]


class Once:
    """Runs the operation of one request so that its repeats have no effect of their own."""

    def __init__(self, services: Services, merchant_id: str, key: str | None, *fingerprints: bytes) -> None:
        """fingerprints: of the request, the one to store first; several while a pepper is changed."""
        self._services = services
        self._merchant_id = merchant_id
        self._key = key
        self._fingerprints = fingerprints

    async def answer(self, prefix: str, operation: Operation) -> Response:
        """Return the stored answer, or run the operation under an id that begins with `prefix` and store its answer."""
        if self._key is None:
            return _response((await operation(Allocation.fresh(prefix))).stored())
        reserved = await self._reserve(self._key, own_id := new_id(prefix))
        for _ in range(ROUNDS_MAX):
            if reserved.answer is not None:
                return _response(reserved.answer, REPLAYED)
            again = reserved.resource_id != own_id
            allocation = self._allocation(self._key, prefix, reserved.resource_id, again=again)
            try:
                answer = (await operation(allocation)).stored()
            except ClearwayError:
                reserved = await self._reserve(self._key, allocation.resource_id)
                if reserved.answer is None and reserved.resource_id == allocation.resource_id:
                    raise
            else:
                return await self._kept(self._key, reserved.fingerprint, answer)
        detail = "Several requests with this Idempotency-Key ran at once. Repeat the request with the same key."
        raise UnavailableError("request_contended", detail)

    def _allocation(self, key: str, prefix: str, resource_id: str, *, again: bool) -> Allocation:
        async def renew(spent_id: str) -> str:
            return await self._replace(key, spent_id, new_id(prefix))

        return Allocation(resource_id, renew=renew, again=again)

    async def _kept(self, key: str, fingerprint: bytes, answer: StoredAnswer) -> Response:
        """Store the answer unless one is stored, and return the one that is stored."""
        async with self._services.reader.connect() as connection:
            earlier = await store.keep_answer(
                connection, merchant_id=self._merchant_id, key=key, fingerprint=fingerprint, answer=answer
            )
        return _response(answer) if earlier is None else _response(earlier, REPLAYED)

    async def _reserve(self, key: str, resource_id: str) -> Reservation:
        async with self._services.reader.connect() as connection:
            reserved = await store.reserve(
                connection,
                merchant_id=self._merchant_id,
                key=key,
                fingerprint=self._fingerprints[0],
                resource_id=resource_id,
            )
        if not any(hmac.compare_digest(reserved.fingerprint, own) for own in self._fingerprints):
            detail = "This Idempotency-Key was used with another request. Nothing was done; use a new key."
            raise UnprocessableError("idempotency_key_reused", detail)
        return reserved

    async def _replace(self, key: str, old_id: str, fresh_id: str) -> str:
        async with self._services.reader.connect() as connection:
            await store.replace_resource(
                connection, merchant_id=self._merchant_id, key=key, old_id=old_id, new_id=fresh_id
            )
        # The id that stands there now is the one to go on with: a twin may have replaced it first.
        return (await self._reserve(key, fresh_id)).resource_id


def read_key(header: str | None) -> str | None:
    """Return the key, which may come quoted (RFC 8941) or bare. Raises InvalidRequestError."""
    if header is None:
        return None
    quoted = len(header) > 1 and header.startswith('"') and header.endswith('"')
    key = header[1:-1] if quoted else header
    if not KEY_FORM.fullmatch(key):
        detail = f"An Idempotency-Key is 1 to {IDEMPOTENCY_KEY_LENGTH_MAX} visible ASCII characters. Nothing was done."
        raise InvalidRequestError("idempotency_key_invalid", detail)
    return key


async def fingerprints_of(request: Request, services: ApiServices) -> tuple[bytes, ...]:
    """Return the fingerprint of a request: method, path and meaning of the JSON body.

    Keyed, because a body may hold a test card and a plain hash of a card number is as good as the number. There is one
    under each pepper, so that a repeat is recognised while a pepper is changed.
    """
    asked = meaning(request.scope.get(JSON_KEY))
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":")).encode()
    message = b"\0".join((request.method.encode(), request.url.path.encode(), canonical))
    return services.keyring.peppers.fingerprints(b"idempotency\0" + message)


async def _once(request: Request, services: ServicesDep, principal: PrincipalDep, key: KeyHeader = None) -> Once:
    return Once(services, principal.merchant_id, read_key(key), *await fingerprints_of(request, services))


OnceDep = Annotated[Once, Depends(_once)]


def _response(answer: StoredAnswer, headers: dict[str, str] | None = None) -> Response:
    return Response(answer.body, answer.status, headers, "application/json")
