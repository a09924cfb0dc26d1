"""Check a gateway: one call that moves no money, and what it says in words."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from clearway.gateways.contract import Gateway, GatewayUnavailableError
from clearway.gateways.kinds import Checkable

TIMEOUT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a check. message: for people, with the next step. latency_ms: None: no answer came."""

    ok: bool
    message: str
    latency_ms: int | None = None


async def check(gateway: Gateway, title: str) -> Report:
    """Ask the gateway whether it works and takes the credentials. title: its name for people."""
    if not isinstance(gateway, Checkable):
        message = f"{title} offers no way to test credentials. The first payment will show whether they are right."
        return Report(ok=True, message=message)
    started = time.perf_counter()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            problem = await gateway.check()
    except GatewayUnavailableError as error:
        return Report(ok=False, message=f"{title} could not be reached: {error}. Check its address and try again.")
    except TimeoutError:
        return Report(ok=False, message=f"{title} did not answer within {TIMEOUT_S:.0f} s. Try again later.")
    latency_ms = round((time.perf_counter() - started) * 1_000)
    if problem is not None:
        return Report(ok=False, message=problem, latency_ms=latency_ms)
    return Report(ok=True, message=f"{title} accepted the credentials.", latency_ms=latency_ms)
