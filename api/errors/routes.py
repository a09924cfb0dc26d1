"""`/errors`: what the error codes of payments and refunds mean. The table is public; a merchant's own rows are not."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends

from api.auth.permissions import requires
from api.auth.principal import Principal, limit_address
from api.errors.schemas import (
    GatewayErrors,
    OverriddenError,
    OverriddenErrors,
    OverridePut,
    UnifiedErrors,
    error_override,
    gateway_error,
    unified_error,
)
from api.http.problems import TO_ANYBODY, TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from clearway.domain.errors import NotFoundError
from clearway.domain.permissions import Permission
from clearway.gateways.errors import TABLE
from clearway.routing import error_overrides

router = Router(prefix="/errors", tags=["errors"], dependencies=[Depends(limit_address)])
overrides = Router(prefix="/errors", tags=["errors"])

Reader = Annotated[Principal, requires(Permission.ROUTING_READ)]
Editor = Annotated[Principal, requires(Permission.ROUTING_WRITE)]


@router.get("", responses=declare(*TO_ANYBODY), summary="List error codes")
async def list_error_codes() -> UnifiedErrors:
    """List what `error_code` of a payment or refund can be, with texts for you and for the customer."""
    return UnifiedErrors(data=[unified_error(row) for row in TABLE.unified.values()])


@overrides.get("/overrides", responses=declare(*TO_MERCHANTS), summary="List your error overrides")
async def list_overrides(principal: Reader, services: ServicesDep) -> OverriddenErrors:
    """List your overrides of the error table, each with the row that results."""
    async with services.reader.connect() as connection:
        found = await error_overrides.listed(connection, principal.merchant_id)
    return OverriddenErrors(data=[error_override(stored, row) for stored, row in found])


@overrides.put(
    "/overrides",
    responses=declare(*TO_MERCHANTS, *WITH_BODY, "error_row_not_found", "error_override_invalid"),
    summary="Override an error",
)
async def put_override(body: OverridePut, principal: Editor, services: ServicesDep) -> OverriddenError:
    """Change what a known error of a gateway means for you: its code, failover, the wait, the texts.

    `executed` stays as in the table. An earlier override of the same error is replaced. The change applies within 5
    seconds.
    """
    async with services.engine.begin() as connection:
        stored, row = await error_overrides.put(connection, principal.actor, body.override())
    services.error_overrides.forget(principal.merchant_id)
    return error_override(stored, row)


@overrides.delete(
    "/overrides/{override_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=declare(*TO_MERCHANTS, "error_override_not_found"),
    summary="Remove an error override",
)
async def delete_override(override_id: str, principal: Editor, services: ServicesDep) -> None:
    """Remove your override. The row of the table applies again."""
    async with services.engine.begin() as connection:
        await error_overrides.remove(connection, principal.actor, override_id)
    services.error_overrides.forget(principal.merchant_id)


@router.get(
    "/{gateway}", responses=declare(*TO_ANYBODY, "gateway_kind_not_found"), summary="List the errors of a gateway"
)
async def list_gateway_errors(gateway: str) -> GatewayErrors:
    """List the errors of a kind of gateway, such as `stripe`, and how Clearway classifies each.

    An error that is not in the list is never treated as a decline: Clearway asks the gateway what happened.
    """
    rows = TABLE.rows.get(gateway)
    if rows is None:
        known = ", ".join(f"`{kind}`" for kind in TABLE.rows)
        raise NotFoundError("gateway_kind_not_found", f"There is no kind of gateway {gateway!r}. There are: {known}.")
    return GatewayErrors(data=[gateway_error(row) for row in rows])
