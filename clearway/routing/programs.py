"""The active rules of merchants, kept in the process. A version never changes, so its JSON is read once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db import routing
from clearway.db.engine import each_for_itself
from clearway.domain.routing_program import EMPTY, Program, ProgramInvalidError, read_program
from clearway.routing.kept import PerMerchant

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ActiveProgram:
    """The rules that are active. version: None: the merchant has no rules."""

    program: Program
    version: int | None


NO_RULES: Final = ActiveProgram(EMPTY, None)


class ActivePrograms(PerMerchant[ActiveProgram]):
    """The cached active rules, by merchant."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__()
        self._reader = each_for_itself(engine)

    async def _read(self, merchant_id: str, known: ActiveProgram | None) -> ActiveProgram:
        async with self._reader.connect() as connection:
            row = await routing.active(connection, merchant_id)
        if row is None:
            return NO_RULES
        if known is not None and row.number == known.version:
            return known
        try:
            return ActiveProgram(read_program(row.program), row.number)
        except ProgramInvalidError as error:
            # Only a version of another release can be unreadable. The priority of the gateways is the fallback.
            log.error("routing_program_unreadable", merchant_id=merchant_id, version=row.number, problems=str(error))  # noqa: TRY400
            return ActiveProgram(EMPTY, row.number)
