"""The access token of an account: cached, and renewed before it expires by one caller at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

RENEW_AT: Final = 0.8
"""The part of a token's life after which it is renewed."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, and for how many seconds it is good."""

    text: str
    life_s: float

    def __repr__(self) -> str:
        return "Token(****)"


class Tokens:
    """Gives the token. fetch: asks the gateway for a new one; `get` raises its errors."""

    def __init__(self, fetch: Callable[[], Awaitable[Token]], now: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._now = now
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._renew_at = 0.0

    async def get(self) -> str:
        """Return a token that is still good. Many callers at once lead to one request."""
        async with self._lock:
            if self._token is None or self._now() >= self._renew_at:
                self._token = None
                fetched_at = self._now()
                self._token = await self._fetch()
                self._renew_at = fetched_at + self._token.life_s * RENEW_AT
            return self._token.text

    def refused(self, text: str) -> None:
        """Forget a token that the gateway refused; one that was fetched since stays."""
        if self._token is not None and self._token.text == text:
            self._token = None
