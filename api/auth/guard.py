"""Limits requests with invalid credentials by address, and never locks out the merchant whose key is attacked.

Each address may send a few of them a minute; then it is refused before the database is asked. A pair that was refused a
moment ago is refused again from memory. A pair that was valid a moment ago is let through from a refused address too,
so a merchant is not locked out by an attacker behind the same address. Nothing is counted by key, so an attack on a key
from elsewhere does not touch its owner.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from typing import Final

from starlette.requests import Request

from api.http.addresses import address_of
from api.http.limits import RateLimits

REFUSED_FOR_S: Final = 10.0
VALID_FOR_S: Final = 600.0
REMEMBERED_MAX: Final = 10_000


class LoginGuard:
    """The memory of one process. Pairs are kept as keyed hashes, under a key that ends with the process."""

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits
        self._key = secrets.token_bytes(32)
        self._refused = _Memory(REFUSED_FOR_S)
        self._valid = _Memory(VALID_FOR_S)

    def name(self, key_id: str, secret: str) -> bytes:
        """Return the keyed hash by which a pair is remembered."""
        pair = f"{key_id}\0{secret}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(pair, key=self._key, digest_size=16).digest()

    async def is_refused(self, request: Request, name: bytes) -> bool:
        """Return whether the pair is known to be wrong. Raises RateLimitedError when its address has sent too many."""
        if name in self._valid:
            return False
        await self._limits.check_failures(request, address_of(request.scope))
        return name in self._refused

    async def failed(self, request: Request, name: bytes) -> None:
        """Count a pair that is not valid."""
        self._valid.forget(name)
        self._refused.remember(name)
        await self._limits.count_failure(address_of(request.scope))

    def succeeded(self, name: bytes) -> None:
        """Remember a pair that is valid."""
        self._valid.remember(name)


class _Memory:
    """Names that are kept for a while; when there are too many, the oldest are dropped."""

    def __init__(self, for_s: float) -> None:
        self._for_s = for_s
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def __contains__(self, name: bytes) -> bool:
        return self._until.get(name, 0.0) > time.monotonic()

    def remember(self, name: bytes) -> None:
        self._until[name] = time.monotonic() + self._for_s
        self._until.move_to_end(name)
        if len(self._until) > REMEMBERED_MAX:
            self._until.popitem(last=False)

    def forget(self, name: bytes) -> None:
        self._until.pop(name, None)
