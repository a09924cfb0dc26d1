"""The active rules of merchants, kept in the process: a payment reads no row for them.

A change reaches every process within `FRESH_S`. A version never changes, so a program is read from its JSON once.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db import routing
from clearway.db.engine import each_for_itself
from clearway.domain.routing_program import EMPTY, Program, ProgramInvalidError, read_program

FRESH_S: Final = 5.0
KEPT_MAX: Final = 1_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ActiveProgram:
    """The rules that are active. version: None: the merchant has no rules."""

    program: Program
    version: int | None


NO_RULES: Final = ActiveProgram(EMPTY, None)


class ActivePrograms:
    """The cached active rules, by merchant."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._reader = each_for_itself(engine)
        self._known: OrderedDict[str, tuple[float, ActiveProgram]] = OrderedDict()

    async def of_merchant(self, merchant_id: str) -> ActiveProgram:
        """Return the merchant's active rules."""
        known = self._known.get(merchant_id)
        if known is not None and time.monotonic() - known[0] < FRESH_S:
            return known[1]
        found = await self._read(merchant_id, known[1] if known else NO_RULES)
        self._known[merchant_id] = (time.monotonic(), found)
        self._known.move_to_end(merchant_id)
        if len(self._known) > KEPT_MAX:
            self._known.popitem(last=False)
        return found

    def forget(self, merchant_id: str) -> None:
        """Read the rules of a merchant again at their next use: this process has just changed them."""
        self._known.pop(merchant_id, None)

    async def _read(self, merchant_id: str, known: ActiveProgram) -> ActiveProgram:
        async with self._reader.connect() as connection:
            row = await routing.active(connection, merchant_id)
        if row is None:
            return NO_RULES
        if row.number == known.version:
            return known
        try:
            return ActiveProgram(read_program(row.program), row.number)
        except ProgramInvalidError as error:
            # Only a version of another release can be unreadable. The priority of the gateways is the fallback.
            log.error("routing_program_unreadable", merchant_id=merchant_id, version=row.number, problems=str(error))  # noqa: TRY400
            return ActiveProgram(EMPTY, row.number)
