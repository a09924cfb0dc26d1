"""How many requests a merchant, or an address without a key, may send; and the headers that say how many are left.

Counts live in the process unless `RATE_LIMIT_STORAGE` names a shared store, so with several API processes the limit is
a limit of each. Headers: draft-ietf-httpapi-ratelimit-headers (2025-09). Limits are checked before an idempotency key
is looked at, so a 429 is never kept as an answer.
"""

from __future__ import annotations

import hashlib
import time
from math import ceil
from typing import Final

from limits import RateLimitItem, parse
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import storage_from_string
from starlette.requests import Request

from api.http.addresses import address_of, limited_as
from clearway.domain.errors import RateLimitedError
from clearway.settings import Settings

SCOPE_KEY: Final = "clearway.rate_limit"
FAILURES: Final = "failed_logins"


class RateLimits:
    """The limits of one process."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(storage_from_string(settings.rate_limit_storage))
        self._merchant = parse(settings.rate_limit_merchant)
        self._address = parse(settings.rate_limit_address)
        self._retries = parse(settings.rate_limit_webhook_retries)
        self._failures = parse(settings.rate_limit_failed_logins)
        self._customer = parse(settings.rate_limit_customer) if settings.rate_limit_customer else None

    async def count_merchant(self, request: Request, merchant_id: str) -> None:
        """Count one request of a merchant. Raises RateLimitedError."""
        await self._count(request, "merchant", self._merchant, merchant_id)

    async def count_user(self, request: Request, user_id: str) -> None:
        """Count one request of a person about themselves. Raises RateLimitedError."""
        await self._count(request, "user", self._merchant, user_id)

    async def count_customer(self, request: Request, merchant_id: str, customer: str) -> None:
        """Count one payment of a merchant's customer. Raises RateLimitedError.

        customer: what names the customer. Only its hash is stored, because the store may be shared.
        """
        if self._customer is not None:
            who = hashlib.sha256(f"{merchant_id}\0{customer}".encode()).hexdigest()
            await self._count(request, "customer", self._customer, who)

    async def count_address(self, request: Request) -> None:
        """Count one request from an address. Raises RateLimitedError."""
        await self._count(request, "address", self._address, limited_as(address_of(request.scope)))

    async def check_failures(self, request: Request, address: str) -> None:
        """Refuse an address that has sent too many credentials that are not valid. Raises RateLimitedError."""
        if not await self._limiter.test(self._failures, FAILURES, limited_as(address)):
            await self._refuse(request, FAILURES, self._failures, limited_as(address))

    async def count_failure(self, address: str) -> None:
        """Count credentials that are not valid."""
        await self._limiter.hit(self._failures, FAILURES, limited_as(address))

    async def count_retry(self, request: Request, endpoint_id: str) -> None:
        """Count one retry by hand to an endpoint. Raises RateLimitedError."""
        await self._count(request, "webhook_retries", self._retries, endpoint_id)

    async def _count(self, request: Request, policy: str, item: RateLimitItem, who: str) -> None:
        if not await self._limiter.hit(item, policy, who):
            await self._refuse(request, policy, item, who)
        await self._show(request, policy, item, who)

    async def _refuse(self, request: Request, policy: str, item: RateLimitItem, who: str) -> None:
        reset_s = await self._show(request, policy, item, who)
        detail = f"More than {item.amount} requests in {item.get_expiry()} s. Nothing was done. Wait {reset_s} s."
        raise RateLimitedError("rate_limited", detail, reset_s)

    async def _show(self, request: Request, policy: str, item: RateLimitItem, who: str) -> int:
        window = await self._limiter.get_window_stats(item, policy, who)
        reset_s = max(1, ceil(window.reset_time - time.time()))
        # The middleware writes these, so that errors and ready-made responses carry them too.
        request.scope[SCOPE_KEY] = (
            (b"ratelimit-policy", f'"{policy}";q={item.amount};w={item.get_expiry()}'.encode()),
            (b"ratelimit", f'"{policy}";r={window.remaining};t={reset_s}'.encode()),
        )
        return reset_s
