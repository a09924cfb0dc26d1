"""Carries out the strikes of a plan, each when its business is about to begin, and counts them."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable

from tests.fire.gauntlet.plan import Strike
from tests.fire.gauntlet.site import Site
from tests.fire.gauntlet.strikes import BY_NAME


class Nemesis:
    """The strikes of a plan. `failures` are strikes that could not be carried out: then nothing is proved by them."""

    def __init__(self, site: Site, say: Callable[[str], None]) -> None:
        self._site = site
        self._say = say
        self._left = list(site.plan.strikes)
        self._lanes: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._under_way: set[asyncio.Task[None]] = set()
        self.carried_out: Counter[str] = Counter()
        self.failures: list[str] = []

    async def reach(self, business: int) -> None:
        """Begin every strike that comes before this business; waits for those whose lane is still struck."""
        while self._left and self._left[0].at <= business:
            strike = self._left.pop(0)
            lane = self._lanes[BY_NAME[strike.kind].lane]
            await lane.acquire()
            self._say(str(strike))
            task = asyncio.create_task(self._strike(strike, lane))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    def lane(self, name: str) -> asyncio.Lock:
        """The lock of a part of the site: who holds it keeps strikes away."""
        return self._lanes[name]

    async def rest(self) -> None:
        """Wait for the end of every strike, then let everything run again."""
        await asyncio.gather(*self._under_way)
        await self._site.restore()

    async def _strike(self, strike: Strike, lane: asyncio.Lock) -> None:
        try:
            await BY_NAME[strike.kind].run(self._site, strike.terms)
            self.carried_out[strike.kind] += 1
        except Exception as error:  # noqa: BLE001 - it is in the report; the run goes on
            self.failures.append(f"{strike}: {type(error).__name__}: {error}")
        finally:
            lane.release()
