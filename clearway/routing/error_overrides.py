"""Merchants' own rows over the error table: change them, and cache them in the process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from clearway.db import audit, error_overrides
from clearway.db.engine import each_for_itself
from clearway.domain.actor import Actor
from clearway.domain.errors import NotFoundError, UnprocessableError
from clearway.domain.ids import ERROR_OVERRIDE, new_id
from clearway.gateways.errors import TABLE, ErrorRow
from clearway.gateways.errors.overrides import NONE, Override, OverrideInvalidError, Overrides, effective
from clearway.routing.kept import PerMerchant

OVERRIDES_MAX: Final = 500
_INDEX: Final = TABLE.index()

log = structlog.get_logger(__name__)


class ErrorOverrides(PerMerchant[Overrides]):
    """The cached rows of merchants. While the database is away, the rows read last count."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__()
        self._reader = each_for_itself(engine)

    async def _read(self, merchant_id: str, known: Overrides | None) -> Overrides:
        try:
            async with self._reader.connect() as connection:
                rows = await error_overrides.of_merchant(connection, merchant_id)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("error_overrides_not_read", merchant_id=merchant_id, error=type(error).__name__)
            return NONE if known is None else known
        return {each.key: each for each in map(error_overrides.override_of, rows)}


async def put(connection: AsyncConnection, actor: Actor, override: Override) -> tuple[Row[Any], ErrorRow]:
    """Store a row; return it with the effective row of the table. Raises NotFoundError or UnprocessableError."""
    row = _INDEX.get(override.key)
    if row is None:
        detail = (
            f"The error table has no row for {' '.join(filter(None, override.key))}. Nothing was saved. "
            "`GET /errors/{gateway}` lists the rows, with the operation and the codes that name each."
        )
        raise NotFoundError("error_row_not_found", detail)
    try:
        shown = effective(row, override)
    except OverrideInvalidError as error:
        detail = f"The fields of the override contradict each other, and nothing was saved: {error}."
        raise UnprocessableError("error_override_invalid", detail) from None
    before = {each.key: each for each in map(error_overrides.override_of, await _all(connection, actor.merchant_id))}
    if len(before) >= OVERRIDES_MAX and override.key not in before:
        detail = f"You have {OVERRIDES_MAX} error overrides, the maximum. Nothing was saved."
        raise UnprocessableError("error_override_invalid", detail)
    stored = await error_overrides.put(
        connection, actor.merchant_id, new_id(ERROR_OVERRIDE), override, datetime.now(UTC)
    )
    earlier = before.get(override.key)
    detail_of_audit = {"before": asdict(earlier) if earlier else None, "after": asdict(override)}
    await audit.record(connection, actor, "error_override.put", stored.id, detail_of_audit)
    return stored, shown


async def remove(connection: AsyncConnection, actor: Actor, override_id: str) -> None:
    """Remove a row: the table counts again. Raises NotFoundError."""
    row = await error_overrides.remove(connection, actor.merchant_id, override_id)
    if row is None:
        raise NotFoundError("error_override_not_found", f"You have no error override {override_id!r}.")
    before = asdict(error_overrides.override_of(row))
    await audit.record(connection, actor, "error_override.delete", override_id, {"before": before})


async def listed(connection: AsyncConnection, merchant_id: str) -> Sequence[tuple[Row[Any], ErrorRow]]:
    """Return the merchant's rows with the effective rows of the table; one that the table lost is left out."""
    rows = await _all(connection, merchant_id)
    overrides = [(row, error_overrides.override_of(row)) for row in rows]
    return [(row, effective(_INDEX[each.key], each)) for row, each in overrides if each.key in _INDEX]


async def _all(connection: AsyncConnection, merchant_id: str) -> Sequence[Row[Any]]:
    return await error_overrides.of_merchant(connection, merchant_id)
