"""Begins the businesses of a plan, so many at once at most, and lets the nemesis strike between them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from tests.fire.gauntlet.business_kinds import BY_NAME
from tests.fire.gauntlet.businesses import Purchase
from tests.fire.gauntlet.nemesis import Nemesis
from tests.fire.gauntlet.plan import Business
from tests.fire.gauntlet.site import Site

AT_ONCE: Final = 100
PROGRESS_EVERY_S: Final = 15.0


@dataclass
class Driver:
    """Runs every business. `failures` are clients that broke: their logs are incomplete."""

    site: Site
    nemesis: Nemesis
    say: Callable[[str], None]
    failures: list[str] = field(default_factory=list)
    done: int = 0

    async def run(self, meanwhile: Callable[[], Awaitable[None]]) -> None:
        """Return when every business has ended and the nemesis rests.

        meanwhile: what is done once it rests, beside the businesses that have not ended: some wait for a minute.
        """
        room = asyncio.Semaphore(AT_ONCE)
        began = last = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for business in self.site.plan.businesses:
                await self.nemesis.reach(business.number)
                await asyncio.sleep(max(0.0, began + business.at_s - time.monotonic()))
                await room.acquire()
                group.create_task(self._run(business, room))
                if time.monotonic() - last > PROGRESS_EVERY_S:
                    last = time.monotonic()
                    self.say(f"{business.number + 1} businesses begun, {self.done} ended after {last - began:.0f} s")
            await self.nemesis.rest()
            await meanwhile()

    async def _run(self, business: Business, room: asyncio.Semaphore) -> None:
        client = self.site.client(business.shop, business.number)
        receivers = [one for one in self.site.receivers if one.endpoint.shop == business.shop]
        purchase = Purchase(client, self.site.shops, business.number, business.terms, receivers)
        try:
            await BY_NAME[business.kind].run(purchase)
        except Exception as error:  # noqa: BLE001 - kept: the verdict must know that a client's word is missing
            self.failures.append(f"business {business.number} ({business.kind}): {type(error).__name__}: {error}")
        finally:
            self.done += 1
            room.release()
