"""`POST /reconciliations/imports`: balance rows and bank lines from a file, for gateways that list none."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from starlette.responses import Response

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.idempotency import Answer, OnceDep
from api.http.problems import ONCE, TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.reconciliations.import_schemas import (
    FileRow,
    ImportResult,
    RowProblem,
    SettlementImport,
)
from clearway.domain.ids import SETTLEMENT_IMPORT
from clearway.domain.permissions import Permission
from clearway.gateway_configs.finding import find
from clearway.reconciliation import importing
from clearway.reconciliation.csv_files import ReadFile
from clearway.services import Allocation

SHOWN: int = 5
"""Rows that a dry run shows."""

router = Router(prefix="/reconciliations", tags=["reconciliations"])

Starter = Annotated[Principal, requires(Permission.RECONCILIATIONS_WRITE)]


@router.post(
    "/imports",
    response_model=ImportResult,
    responses=declare(
        *TO_MERCHANTS, *WITH_BODY, *ONCE, "gateway_not_found", "settlement_file_invalid", "card_number_refused"
    ),
    summary="Import a settlement file",
)
async def import_settlement_file(
    body: SettlementImport, principal: Starter, services: ServicesDep, once: OnceDep
) -> Response:
    """Import balance rows or bank lines from a CSV file, all of it or nothing. The next reconciliation compares them.

    `dry_run` reads the file and shows its first rows and problems. The same file twice changes nothing.
    """
    await find(services, principal.merchant_id, body.gateway_id)
    columns = body.columns.column_map()
    found = importing.check(body.content, body.target, columns, body.first_row)

    async def operation(allocation: Allocation) -> Answer:
        if body.dry_run:
            return Answer(HTTPStatus.OK, _shown(found))
        importing.refuse_problems(found)
        owner = importing.Owner(body.gateway_id, principal.merchant_id)
        async with services.engine.begin() as connection:
            done = await importing.store(
                connection,
                principal.actor,
                owner,
                allocation.resource_id,
                found,
                target=body.target,
                columns=columns,
                now=datetime.now(UTC),
            )
        result = _shown(found).model_copy(
            update={"id": done.id, "added": done.added, "changed": list(done.changed), "repeated": done.again}
        )
        return Answer(HTTPStatus.OK, result)

    return await once.answer(SETTLEMENT_IMPORT, operation)


def _shown(found: ReadFile) -> ImportResult:
    rows = [
        FileRow(
            id=row.id,
            kind=row.kind,
            amount=row.gross_minor,
            fee=row.fee_minor,
            currency=row.currency,
            at=row.created_at,
        )
        for row in found.rows[:SHOWN]
    ] + [
        FileRow(id=line.id, kind=None, amount=line.amount_minor, fee=0, currency=line.currency, at=line.booked_at)
        for line in found.lines[:SHOWN]
    ]
    problems = [RowProblem(row=each.row, message=each.message) for each in found.problems]
    return ImportResult(rows=len(found.rows) + len(found.lines), first=rows, problems=problems)
