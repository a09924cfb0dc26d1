"""`/errors`: what the error codes of payments and refunds mean. Public, the same for everybody."""

from __future__ import annotations

from fastapi import Depends

from api.auth.principal import limit_address
from api.errors.schemas import GatewayErrors, UnifiedErrors, gateway_error, unified_error
from api.http.problems import TO_ANYBODY, declare
from api.http.routing import Router
from clearway.domain.errors import NotFoundError
from clearway.gateways.errors import TABLE

router = Router(prefix="/errors", tags=["errors"], dependencies=[Depends(limit_address)])


@router.get("", responses=declare(*TO_ANYBODY), summary="List error codes")
async def list_error_codes() -> UnifiedErrors:
    """List what `error_code` of a payment or refund can be, with texts for you and for the customer."""
    return UnifiedErrors(data=[unified_error(row) for row in TABLE.unified.values()])


@router.get(
    "/{gateway}", responses=declare(*TO_ANYBODY, "gateway_kind_not_found"), summary="List the errors of a gateway"
)
async def list_gateway_errors(gateway: str) -> GatewayErrors:
    """List the errors of a kind of gateway, such as `stripe`, and what Clearway makes of each.

    An error that is not in the list is never taken for a decline: Clearway asks the gateway what happened.
    """
    rows = TABLE.rows.get(gateway)
    if rows is None:
        known = ", ".join(f"`{kind}`" for kind in TABLE.rows)
        raise NotFoundError("gateway_kind_not_found", f"There is no kind of gateway {gateway!r}. There are: {known}.")
    return GatewayErrors(data=[gateway_error(row) for row in rows])
