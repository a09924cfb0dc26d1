"""A merchant's client on the public API, and the log of every answer it got.

It repeats what was not answered, at another process of the API as it comes, with the same key. It knows nothing of
databases, workflows or plans.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import httpx

PREFIX: Final = "/api/v1"
MERCHANT_HEADER: Final = "X-Clearway-Merchant"
ANSWER_S: Final = 10.0
"""A client's patience with one request: shorter than the API's own, so that repeats meet requests under way."""
INSIST_S: Final = 180.0
"""How long a client repeats what is not answered."""
PAUSE_S: Final = (0.2, 1.5)
POLL_S: Final = 0.4
POLL_GROWTH: Final = 1.6
FINAL_THOUGH_5XX: Final = frozenset({"gateway_outcome_unknown"})
"""Errors of the server that a repeat would get again: the payment itself says later."""


def digest(method: str, path: str, body: Any) -> str:
    """Return what two requests have in common when they ask for the same."""
    return hashlib.sha256(json.dumps([method, path, body], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Exchange:
    """One request and what was answered. status None: nothing was. Times are of the monotonic clock, in seconds.

    request: digest of method, path and body, so that two of one key can be compared. stranger: the thing asked about
    belongs to another merchant. denied: the role of who asks does not allow it. forgotten: the database was put back to
    a moment before the answer.
    """

    business: int
    merchant_id: str
    api: int
    method: str
    path: str
    key: str | None
    request: str
    body: Any
    began: float
    ended: float
    status: int | None = None
    content: bytes = b""
    error: str | None = None
    stranger: bool = False
    denied: bool = False
    forgotten: bool = False

    @cached_property
    def answer(self) -> dict[str, Any]:
        """The answer's JSON, or nothing."""
        try:
            answer = json.loads(self.content)
        except ValueError:
            return {}
        return answer if isinstance(answer, dict) else {}

    @property
    def is_success(self) -> bool:
        """Whether it was a 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_promise(self) -> bool:
        """Whether it was a 2xx that holds: the database has not forgotten it."""
        return self.is_success and not self.forgotten

    @property
    def is_refusal(self) -> bool:
        """Whether it was a 4xx, which means that nothing was done."""
        return self.status is not None and 400 <= self.status < 500

    @property
    def is_final(self) -> bool:
        """Whether a repeat would be answered the same."""
        return self.status is not None and (
            self.status not in {429, *range(500, 600)} or self.answer.get("code") in FINAL_THOUGH_5XX
        )


@dataclass(frozen=True)
class Shop:
    """A merchant, and its connections to each process of the API.

    by_owner, by_viewer: the same merchant through the session of a member with that role.
    """

    number: int
    merchant_id: str
    apis: Sequence[httpx.AsyncClient]
    by_owner: Shop | None = None
    by_viewer: Shop | None = None

    @classmethod
    def open(cls, number: int, merchant_id: str, api_urls: Sequence[str], headers: Mapping[str, str]) -> Shop:
        """Return the merchant with these credentials."""
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=40)
        apis = [
            httpx.AsyncClient(base_url=url + PREFIX, headers=headers, timeout=ANSWER_S, trust_env=False, limits=limits)
            for url in api_urls
        ]
        return cls(number, merchant_id, apis)

    async def aclose(self) -> None:
        """Close the connections."""
        await asyncio.gather(*(api.aclose() for api in self.apis))
        for shop in (self.by_owner, self.by_viewer):
            if shop is not None:
                await shop.aclose()


@dataclass
class Client:
    """One business's client of one shop."""

    shop: Shop
    log: list[Exchange]
    business: int
    chance: random.Random
    gateway: httpx.AsyncClient
    deadline: float = field(default=float("inf"))
    """When all insisting ends, by the monotonic clock."""

    def of(self, shop: Shop) -> Client:
        """Return the client of the same business at another shop."""
        return Client(shop, self.log, self.business, self.chance, self.gateway, self.deadline)

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        api: int | None = None,
        stranger: bool = False,
        denied: bool = False,
        merchant_id: str | None = None,
    ) -> Exchange:
        """Send one request and write down what came of it. merchant_id: whom a session names instead of its own."""
        chosen = self.chance.randrange(len(self.shop.apis)) if api is None else api
        request = digest(method, path, body)
        headers = {"Idempotency-Key": key} if key else {}
        headers |= {MERCHANT_HEADER: merchant_id} if merchant_id else {}
        began = time.monotonic()
        status, content, error = None, b"", None
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await self.shop.apis[chosen].request(method, path, json=body, headers=headers)
            status, content = answer.status_code, answer.content
        except (httpx.HTTPError, TimeoutError) as problem:
            error = type(problem).__name__
        exchange = Exchange(
            business=self.business,
            merchant_id=self.shop.merchant_id,
            api=chosen,
            method=method,
            path=path,
            key=key,
            request=request,
            body=body,
            began=began,
            ended=time.monotonic(),
            status=status,
            content=content,
            error=error,
            stranger=stranger,
            denied=denied,
        )
        self.log.append(exchange)
        return exchange

    async def insist(self, path: str, body: Any, *, key: str) -> Exchange:
        """Repeat a POST with its key, at any process of the API, until it is answered for good or patience ends."""
        return await self._until_final("POST", path, body, key)

    async def read(self, path: str) -> Exchange:
        """Read until it is answered for good."""
        return await self._until_final("GET", path, None, None)

    async def _until_final(self, method: str, path: str, body: Any, key: str | None) -> Exchange:
        give_up = min(time.monotonic() + INSIST_S, self.deadline)
        while True:
            exchange = await self.send(method, path, body, key=key)
            if exchange.is_final or time.monotonic() > give_up:
                return exchange
            await asyncio.sleep(self.chance.uniform(*PAUSE_S))

    async def follow(self, path: str, until: Collection[str], *, limit_s: float = 60.0) -> dict[str, Any]:
        """Read a payment or refund until it has one of the statuses, or the limit; return the last that was read."""
        give_up = min(time.monotonic() + limit_s, self.deadline)
        wait_s = POLL_S
        while True:
            seen = (await self.read(path)).answer
            if seen.get("status") in until or time.monotonic() > give_up:
                return seen
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * POLL_GROWTH, 5.0)

    async def press(self, url: str, button: str) -> None:
        """Press a button of the gateway's page, as a customer who tries again while the page does not load."""
        page = url.replace("?token=", "/")  # the page of PayPal's stand-in has its buttons below the order
        give_up = min(time.monotonic() + 30, self.deadline)
        while time.monotonic() < give_up:
            try:
                if (await self.gateway.post(f"{page}/{button}")).status_code < 500:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(1.0)
