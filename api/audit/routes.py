"""`/audit_log`: read and export who did what."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends
from starlette.responses import StreamingResponse

from api.audit.schemas import AuditEntry, audit_entry, wanted_rows
from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.paging import Page, page_of, page_request
from api.http.problems import TO_MERCHANTS, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from clearway.accounts.audit_log import as_csv
from clearway.db import audit
from clearway.db.audit import Wanted
from clearway.db.pages import PageRequest
from clearway.domain.ids import AUDIT_ENTRY
from clearway.domain.permissions import Permission

router = Router(prefix="/audit_log", tags=["audit log"])

CSV: Final = {
    "description": "CSV in UTF-8 with a header line.",
    "content": {"text/csv": {"schema": {"type": "string"}}},
}

Reader = Annotated[Principal, requires(Permission.AUDIT_READ)]
WantedDep = Annotated[Wanted, Depends(wanted_rows)]


@router.get("", responses=declare(*TO_MERCHANTS, "cursor_invalid"), summary="List the audit log")
async def list_audit_log(
    principal: Reader,
    services: ServicesDep,
    wanted: WantedDep,
    page: Annotated[PageRequest, Depends(page_request(AUDIT_ENTRY))],
) -> Page[AuditEntry]:
    """List who did what for your merchant and to your account, newest first. Entries are never changed."""
    async with services.reader.connect() as connection:
        found = await audit.list_page(connection, principal.merchant_id, wanted, page)
    return page_of((audit_entry(services.cipher, row) for row in found.rows), found.next_cursor)


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses=declare(*TO_MERCHANTS)
    | {
        200: {
            "description": "CSV in UTF-8 with a header line.",
            "content": {"text/csv": {"schema": {"type": "string"}}},
        }
    },
    summary="Export the audit log",
)
async def export_audit_log(principal: Reader, services: ServicesDep, wanted: WantedDep) -> StreamingResponse:
    """Export all entries that match the filters as CSV, newest first. Cells that would be formulas are escaped."""
    headers = {"Content-Disposition": 'attachment; filename="audit_log.csv"'}
    rows = as_csv(services, principal.merchant_id, wanted)
    return StreamingResponse(rows, media_type="text/csv; charset=utf-8", headers=headers)
