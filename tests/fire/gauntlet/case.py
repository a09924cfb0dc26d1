"""What all witnesses of a run say, read once after quiet. A witness that can't be read is named in `unread`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncEngine

from tests.fire.gauntlet.client import Exchange
from tests.fire.gauntlet.receivers import Arrival
from tests.fire.gauntlet.site import Site
from tests.support.evidence import Evidence, Record, read_database, read_gateway, read_ledger


class Witness(StrEnum):
    """Whose evidence it is."""

    CLIENTS = "clients"
    """Every answer that clients were given."""
    GATEWAY = "gateway"
    """The gateway's own journal of its effects."""
    DATABASE = "database"
    RECEIVERS = "receivers"
    """What each merchant's receiver got."""
    LEDGER_BEFORE = "ledger before"
    """The ledger as it was at moments of the run."""


@dataclass
class Case:
    """The evidence. stack holds what database and gateway say."""

    stack: Evidence = field(default_factory=Evidence)
    exchanges: Sequence[Exchange] = ()
    arrivals: Sequence[Arrival] = ()
    ledgers_before: list[list[Record]] = field(default_factory=list)
    restores: int = 0
    """How often the database was put back to an earlier moment."""
    forgotten: dict[str, float] = field(default_factory=dict)
    """Ids that clients first received between a copy of the database and its restore; when they were there again."""
    unread: dict[Witness, str] = field(default_factory=dict)
    """Which witnesses could not be read, or not completely, and why."""


async def hear(site: Site, engine: AsyncEngine, failures: Sequence[str], before: LedgerWatch) -> Case:
    """Read every witness. failures: clients that broke off, so that their logs are incomplete."""
    case = Case(exchanges=site.log)
    case.ledgers_before = before.seen
    case.arrivals = [arrival for receiver in site.receivers for arrival in receiver.arrivals]

    async def database() -> None:
        async with engine.connect() as connection:
            await read_database(connection, case.stack)

    async def gateway() -> None:
        await read_gateway(site.gateway, site.stack.simulator_url, case.stack)

    await _ask(case, Witness.DATABASE, database)
    await _ask(case, Witness.GATEWAY, gateway)
    if failures:
        case.unread[Witness.CLIENTS] = f"{len(failures)} clients broke off: {failures[0]}"
    broken = [receiver for receiver in site.receivers if receiver.failure is not None]
    if broken:
        case.unread[Witness.RECEIVERS] = f"{broken[0].endpoint.kind} receiver broke: {broken[0].failure!r}"
    if not before.seen:
        case.unread[Witness.LEDGER_BEFORE] = "the ledger could not be read during the run"
    return case


async def _ask(case: Case, witness: Witness, read: Callable[[], Awaitable[None]]) -> None:
    try:
        await read()
    except Exception as error:  # noqa: BLE001 - whatever keeps a witness from speaking makes the verdict unknown
        case.unread[witness] = f"{type(error).__name__}: {error}"


class LedgerWatch:
    """Reads the ledger now and then during a run, so that a later change of an entry is seen."""

    def __init__(self, engine: AsyncEngine, seen: list[list[Record]] | None = None) -> None:
        self._engine = engine
        self.seen: list[list[Record]] = [] if seen is None else seen

    async def look(self) -> None:
        """Read it, unless the database is being struck just now."""
        try:
            async with self._engine.connect() as connection:
                self.seen.append(await read_ledger(connection))
        except Exception:  # noqa: BLE001 - it is tried again; `hear` says when it never worked
            return
