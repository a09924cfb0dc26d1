"""The kinds of strike: what the nemesis can do to a site, each with a draw of its particulars.

A strike repairs what it broke before it ends. Strikes of one lane never overlap: there is always one worker and one
API process that nobody is striking. Strikes of different lanes do overlap, so each must get by while what it touches is
struck by another. A new kind is one function and one line in `KINDS`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
from sqlalchemy.engine import URL, make_url

from clearway.dev.errors import StackError
from tests.fire.gauntlet import gateway_strikes, workflow_strikes
from tests.fire.gauntlet.faults import Rule
from tests.fire.gauntlet.plan import Terms
from tests.fire.gauntlet.restore import restore
from tests.fire.gauntlet.site import APIS, WORKERS, Site

GATEWAY_CALL_S: Final = 30
"""The longest activity timeout: a worker that is stopped is stopped for longer."""
STARTS_MAX: Final = 5
BETWEEN_STARTS_S: Final = 2.0
DRIVER_ERRORS: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What asyncpg raises of a server that stops: InternalClientError when it says goodbye right after its welcome."""
DROP: Final = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'clearway%'"

Draw = Callable[[random.Random], Terms]


@dataclass(frozen=True)
class StrikeKind:
    """A kind of strike. lane: what it strikes. early: it lasts long."""

    name: str
    lane: str
    run: Callable[[Site, Terms], Awaitable[None]]
    draw: Draw
    weight: float = 1.0
    early: bool = False


async def revive(site: Site, process: str) -> None:
    """Start a process again, as often as it takes: what it needs at its start may be struck just then."""
    for attempt in range(STARTS_MAX):
        try:
            await site.stack.start(process)
        except StackError:
            if attempt == STARTS_MAX - 1:
                raise
            await asyncio.sleep(BETWEEN_STARTS_S)
        else:
            return


async def kill(site: Site, terms: Terms) -> None:
    """SIGKILL one process, and start it again after a while."""
    await site.stack.kill(terms["process"])
    await asyncio.sleep(terms["down_s"])
    await revive(site, terms["process"])


async def pause(site: Site, terms: Terms) -> None:
    """SIGSTOP one process; it wakes up later and knows nothing of the time in between."""
    child = site.stack.process(terms["process"])
    child.pause()
    await asyncio.sleep(terms["for_s"])
    child.resume()


async def restart(site: Site, terms: Terms) -> None:
    """Stop a server in order and start it again."""
    await site.stack.stop(terms["process"])
    await asyncio.sleep(terms["down_s"])
    await revive(site, terms["process"])


async def lose_store(site: Site, terms: Terms) -> None:
    """Temporal stops, its store is gone, and it starts with an empty one."""
    await site.stack.stop("temporal")
    for left in (site.stack.state_dir / "temporal").glob("temporal.db*"):
        left.unlink()
    site.stores_lost.append(time.time())
    await asyncio.sleep(terms["down_s"])
    await revive(site, "temporal")


async def restore_database(site: Site, terms: Terms) -> None:
    """Put Postgres back to a copy of some time ago, while everything else goes on."""
    await restore(site, terms, revive)


async def forget_failovers(site: Site, terms: Terms) -> None:
    """Put Postgres back to a moment before payments failed over."""
    await gateway_strikes.forget_failovers(site, terms, revive)


async def kill_gateway(site: Site, terms: Terms) -> None:
    """SIGKILL the gateway; its faults go on when it is back."""
    await kill(site, terms)
    await site.faults.renew()


async def drop_connections(site: Site, terms: Terms) -> None:
    """End every database session of the stack, several times; a server that is being struck itself is left alone."""
    for _ in range(terms["times"]):
        with contextlib.suppress(*DRIVER_ERRORS):
            await _drop(make_url(site.stack.database_url))
        await asyncio.sleep(terms["every_s"])


async def _drop(url: URL) -> None:
    where: dict[str, Any] = {"host": url.query.get("host", url.host), "port": url.port}
    connection = await asyncpg.connect(**where, user=url.username, database=url.database, timeout=5)
    try:
        await connection.execute(DROP, timeout=5)
    finally:
        connection.terminate()


async def spoil(site: Site, terms: Terms, *, rules: Sequence[Rule]) -> None:
    """Let the gateway misbehave for a while: a share of the operations meets the fault."""
    handle = await site.faults.add(*({"probability": terms["share"], **rule} for rule in rules))
    await asyncio.sleep(terms["for_s"])
    await site.faults.remove(handle)


async def hide_receiver(site: Site, terms: Terms) -> None:
    """A receiver disappears, and comes back."""
    await site.receivers[terms["receiver"]].away(terms["for_s"])


def _one(names: tuple[str, ...], **spans: tuple[float, float]) -> Draw:
    def draw(chance: random.Random) -> Mapping[str, Any]:
        drawn = {name: round(chance.uniform(*span), 1) for name, span in spans.items()}
        return {"process": chance.choice(names), **drawn}

    return draw


def _fault(kind: str, *operations: str, beside: Sequence[Rule] = (), **more: Any) -> StrikeKind:
    """Return the strike of one fault. beside: rules without which it would hardly be met."""
    rules = [*({"operation": operation, "fault": kind, **more} for operation in operations), *beside]

    def draw(chance: random.Random) -> Mapping[str, Any]:
        return {"share": round(chance.uniform(0.4, 0.9), 1), "for_s": round(chance.uniform(6, 10), 1)}

    return StrikeKind(f"gateway: {kind}", f"gateway {kind}", functools.partial(spoil, rules=rules), draw)


def _drops(chance: random.Random) -> Mapping[str, Any]:
    return {"times": chance.randint(1, 4), "every_s": round(chance.uniform(0.2, 1.0), 1)}


def _hidden(chance: random.Random) -> Mapping[str, Any]:
    return {"receiver": chance.randrange(3), "for_s": round(chance.uniform(2, 8), 1)}


CALLS: Final = ("authorise", "capture", "refund")
DOUBTS: Final = tuple({"operation": operation, "fault": "executed_then_dropped"} for operation in CALLS)
"""Nobody asks a gateway about what it has answered."""
KINDS: Final[tuple[StrikeKind, ...]] = (
    StrikeKind("worker killed", "workers", kill, _one(WORKERS, down_s=(0, 3)), 3),
    StrikeKind(
        "worker stopped",
        "workers",
        pause,
        _one(WORKERS, for_s=(GATEWAY_CALL_S + 1, GATEWAY_CALL_S + 5)),
        weight=0.5,
        early=True,
    ),
    StrikeKind("API killed", "apis", kill, _one(APIS, down_s=(0, 3)), 3),
    StrikeKind("API stopped", "apis", pause, _one(APIS, for_s=(11, 25)), weight=0.5, early=True),
    StrikeKind("Postgres restarted", "postgres", restart, _one(("postgres",), down_s=(0, 2))),
    StrikeKind("Postgres killed", "postgres", kill, _one(("postgres",), down_s=(0, 2))),
    StrikeKind("Temporal restarted", "temporal", restart, _one(("temporal",), down_s=(0, 2))),
    StrikeKind("Temporal killed", "temporal", kill, _one(("temporal",), down_s=(0, 2))),
    StrikeKind("Temporal's store lost", "temporal", lose_store, _one(("temporal",), down_s=(0, 2)), 0.3),
    StrikeKind("workflows cancelled", "workflows", workflow_strikes.cancel, workflow_strikes.some),
    StrikeKind("workflows terminated", "workflows", workflow_strikes.terminate, workflow_strikes.some),
    StrikeKind("workflows reset", "workflows", workflow_strikes.reset, workflow_strikes.some),
    StrikeKind("connections dropped", "connections", drop_connections, _drops, 2),
    StrikeKind("gateway killed", "gateway", kill_gateway, _one(("simulator",), down_s=(0, 2))),
    StrikeKind("receiver away", "receivers", hide_receiver, _hidden, 2),
    _fault("executed_then_timeout", *CALLS, delay_s=20),
    _fault("executed_then_dropped", *CALLS, "void"),
    _fault("error_after_charge", *CALLS),
    _fault("error_before", *CALLS),
    _fault("rate_limited", *CALLS),
    _fault("malformed", *CALLS),
    _fault("slow", *CALLS, delay_s=2),
    _fault("not_found_yet", "look_up", delay_s=30, beside=DOUBTS),
    _fault("wrong_amount", *CALLS, times=2),
    _fault("duplicate_webhook", "webhook"),
    _fault("late_webhook", "webhook", delay_s=6),
    _fault("reordered_webhook", "webhook"),
    _fault("no_webhook", "webhook"),
)
LONG_KINDS: Final = (
    StrikeKind("Postgres restored", "postgres", restore_database, _one(("postgres",), age_s=(20, 40)), 0.1),
)
"""Strikes of a long run only, or of one that asks for them by name."""
GATEWAY_KINDS: Final = (
    StrikeKind("three gateways ill", "gateways", gateway_strikes.fall_ill, gateway_strikes.ill, weight=2, early=True),
)
"""Strikes of a run with three gateways."""
LONG_GATEWAY_KINDS: Final = (
    StrikeKind("failovers forgotten", "postgres", forget_failovers, gateway_strikes.failing_over, 0.1),
)
"""Strikes of a long run with three gateways."""
BY_NAME: Final = {kind.name: kind for kind in (*KINDS, *LONG_KINDS, *GATEWAY_KINDS, *LONG_GATEWAY_KINDS)}
