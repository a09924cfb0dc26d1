"""The gateway's faults during a run: rules put in force and taken back, and how often each kind was really met."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import httpx

Rule = Mapping[str, Any]
TRIES: Final = 40


class GatewayFaults:
    """The rules in force at the simulator. It forgets them when it dies, so they are kept here."""

    def __init__(self, gateway: httpx.AsyncClient) -> None:
        self._gateway = gateway
        self._rules: dict[int, list[Rule]] = {}
        self._next = 0
        self._lock = asyncio.Lock()
        self.met: Counter[str] = Counter()
        """How often a fault of each kind was carried out, at least: a gateway that is killed forgets its last count."""

    async def add(self, *rules: Rule) -> int:
        """Put rules in force beside those that are; returns a handle for `remove`."""
        async with self._lock:
            self._next += 1
            self._rules[self._next] = list(rules)
            await self._put()
            return self._next

    async def remove(self, handle: int) -> None:
        """Take rules back."""
        async with self._lock:
            self._rules.pop(handle, None)
            await self._put()

    async def renew(self) -> None:
        """Put the rules in force again, after the gateway has died."""
        async with self._lock:
            await self._put()

    async def clear(self) -> None:
        """Take every rule back."""
        async with self._lock:
            self._rules.clear()
            await self._put()

    async def _put(self) -> None:
        """Replace the rules at the gateway, and count what those before were good for. It may be restarting."""
        for attempt in range(TRIES):
            try:
                before = (await self._gateway.get("/faults")).raise_for_status().json()
                rules = [dict(rule) for part in self._rules.values() for rule in part]
                (await self._gateway.put("/faults", json=rules)).raise_for_status()
            except httpx.HTTPError:
                if attempt == TRIES - 1:
                    raise
                await asyncio.sleep(0.5)
            else:
                for rule in before:
                    self.met[rule["fault"]] += rule["applied"]
                return
