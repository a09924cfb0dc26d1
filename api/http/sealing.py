"""Idempotent answers that hold a secret: kept under their key encrypted, so that no secret lies in the clear.

A repeat is byte-equal all the same, because what is encrypted are the bytes of the first answer.
"""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import Depends
from starlette.responses import Response

from api.auth.principal import PrincipalDep
from api.http.idempotency import REPLAYED, Answer, KeyHeader, Once, OnceDep, Operation, read_key
from api.http.services import ServicesDep
from clearway.crypto.encryption import Cipher
from clearway.db.idempotency import answer_context
from clearway.domain.resources import Resource
from clearway.services import Allocation


class Sealed(Resource):
    """What is stored in place of an answer."""

    sealed: str


class SealedOnce:
    """`Once`, with the stored answer encrypted. context: binds it to the merchant and key it is stored under."""

    def __init__(self, once: Once, cipher: Cipher, context: str) -> None:
        self._once = once
        self._cipher = cipher
        self._context = context

    async def answer(self, prefix: str, operation: Operation) -> Response:
        """Answer as `Once.answer` does."""

        async def sealed(allocation: Allocation) -> Answer:
            answer = await operation(allocation)
            token = self._cipher.encrypt(answer.stored().body.decode(), self._context)
            return Answer(answer.status, Sealed(sealed=token))

        return self._opened(await self._once.answer(prefix, sealed))

    def _opened(self, response: Response) -> Response:
        token = orjson.loads(response.body)["sealed"]
        kept = {name: response.headers[name] for name in REPLAYED if name in response.headers}
        body = self._cipher.decrypt(token, self._context)
        return Response(body, response.status_code, kept, "application/json")


async def _sealed_once(
    once: OnceDep, principal: PrincipalDep, services: ServicesDep, key: KeyHeader = None
) -> SealedOnce:
    return SealedOnce(once, services.cipher, answer_context(principal.merchant_id, read_key(key)))


SealedOnceDep = Annotated[SealedOnce, Depends(_sealed_once)]
