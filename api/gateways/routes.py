"""`/gateways`: connect, list, read, change, enable, disable, delete and test the gateways of a merchant."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Depends
from sqlalchemy import Row
from starlette.responses import Response

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.auth.step_up import requires_step_up
from api.gateways.dry_runs import GatewayDryRun, GatewayDryRunResult, dry_run_result
from api.gateways.schemas import (
    Checklist,
    GatewayCreate,
    GatewayPatch,
    GatewayResource,
    GatewaySaved,
    GatewayTest,
    checklist_of,
    gateway_resource,
    gateway_saved,
    gateway_test,
)
from api.gateways.transfers import GatewayExport, GatewayImport, GatewaysImported, SealedFile
from api.http.idempotency import Answer, OnceDep
from api.http.paging import Page, page_of, page_request
from api.http.problems import ONCE, TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from clearway.db import gateway_health, gateways
from clearway.db.pages import PageRequest
from clearway.domain.gateway_health import HealthStatus
from clearway.domain.ids import GATEWAY
from clearway.domain.merchant import Mode
from clearway.domain.permissions import Permission
from clearway.gateway_configs import checklist, commands, dry_run, transfer, trial
from clearway.gateway_configs.finding import find
from clearway.services import Allocation, Services

router = Router(prefix="/gateways", tags=["gateways"])

Reader = Annotated[Principal, requires(Permission.GATEWAYS_READ)]
Editor = Annotated[Principal, requires(Permission.GATEWAYS_WRITE)]
Exporter = Annotated[Principal, requires(Permission.GATEWAYS_EXPORT)]

CHANGED: Final = ("gateway_not_found", "gateway_config_invalid", "gateway_test_failed", "gateway_changed")


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=GatewaySaved,
    dependencies=[requires_step_up],
    responses=declare(
        *(*TO_MERCHANTS, *WITH_BODY, *ONCE, "step_up_required"),
        *("gateway_config_invalid", "gateway_test_failed", "gateway_limit"),
    ),
    summary="Connect a gateway",
)
async def create_gateway(body: GatewayCreate, principal: Editor, services: ServicesDep, once: OnceDep) -> Response:
    """Connect a gateway. Clearway tests the credentials first, unless you send `test: false`."""

    async def operation(allocation: Allocation) -> Answer:
        saved = await commands.create(services, principal.actor, principal.mode, allocation.resource_id, body.asked())
        resource = gateway_saved(saved.row, principal.mode, saved.warnings, services.settings.api_public_url)
        return Answer(HTTPStatus.CREATED, resource)

    return await once.answer(GATEWAY, operation)


@router.get("", responses=declare(*TO_MERCHANTS, "cursor_invalid"), summary="List gateways")
async def list_gateways(
    principal: Reader, services: ServicesDep, page: Annotated[PageRequest, Depends(page_request(GATEWAY))]
) -> Page[GatewayResource]:
    """List your gateways, newest first. Credentials are never shown."""
    async with services.reader.connect() as connection:
        found = await gateways.list_page(connection, principal.merchant_id, page)
        health = await gateway_health.statuses(connection, principal.merchant_id)
    public_url, unknown = services.settings.api_public_url, HealthStatus.UNKNOWN
    shown = (gateway_resource(row, principal.mode, public_url, health.get(row.id, unknown)) for row in found.rows)
    return page_of(shown, found.next_cursor)


@router.get("/checklist", responses=declare(*TO_MERCHANTS), summary="Read the go-live checklist")
async def get_gateway_checklist(principal: Reader, services: ServicesDep) -> Checklist:
    """Read which requirements for live payments are met now. Clearway tests your enabled gateways for it."""
    return checklist_of(await checklist.checklist(services, principal.merchant_id, principal.mode))


@router.post(
    "/export",
    dependencies=[requires_step_up],
    responses=declare(*TO_MERCHANTS, *WITH_BODY, "step_up_required", "gateway_changed"),
    summary="Export all gateways",
)
async def export_gateways(body: GatewayExport, principal: Exporter, services: ServicesDep) -> SealedFile:
    """Return all your gateways with their credentials, as a file that only your passphrase opens.

    Keep both apart: whoever has the file and the passphrase has your credentials.
    """
    passphrase = body.passphrase.get_secret_value()
    return SealedFile(**await transfer.export(services, principal.actor, principal.mode, passphrase))


@router.post(
    "/import",
    dependencies=[requires_step_up],
    responses=declare(
        *(*TO_MERCHANTS, *WITH_BODY, "step_up_required"),
        *("gateway_import_invalid", "gateway_config_invalid", "gateway_limit"),
    ),
    summary="Import gateways",
)
async def import_gateways(body: GatewayImport, principal: Editor, services: ServicesDep) -> GatewaysImported:
    """Save the gateways of an exported file, all or none. One of the same kind and name is replaced; none is deleted.

    The credentials are not tested: test them afterwards.
    """
    file, passphrase = body.file.model_dump(), body.passphrase.get_secret_value()
    saved = await transfer.import_(services, principal.actor, principal.mode, file, passphrase)
    public_url = services.settings.api_public_url
    return GatewaysImported(data=[gateway_saved(one.row, principal.mode, one.warnings, public_url) for one in saved])


@router.get("/{gateway_id}", responses=declare(*TO_MERCHANTS, "gateway_not_found"), summary="Read a gateway")
async def get_gateway(gateway_id: str, principal: Reader, services: ServicesDep) -> GatewayResource:
    """Read one of your gateways, without its credentials."""
    row = await find(services, principal.merchant_id, gateway_id)
    return await _resource(services, principal.mode, row)


@router.patch(
    "/{gateway_id}",
    dependencies=[requires_step_up],
    responses=declare(*TO_MERCHANTS, *WITH_BODY, *CHANGED, "step_up_required"),
    summary="Change a gateway",
)
async def update_gateway(gateway_id: str, body: GatewayPatch, principal: Editor, services: ServicesDep) -> GatewaySaved:
    """Change only the fields that you send. Calls in progress finish with the credentials they began with."""
    saved = await commands.change(services, principal.actor, principal.mode, gateway_id, body.asked())
    health = await _health(services, saved.row)
    return gateway_saved(saved.row, principal.mode, saved.warnings, services.settings.api_public_url, health)


@router.post("/{gateway_id}/enable", responses=declare(*TO_MERCHANTS, "gateway_not_found"), summary="Enable a gateway")
async def enable_gateway(gateway_id: str, principal: Editor, services: ServicesDep) -> GatewayResource:
    """Let new payments use it. Enabling it again changes nothing."""
    row = await commands.switch(services, principal.actor, principal.mode, gateway_id, on=True)
    return await _resource(services, principal.mode, row)


@router.post(
    "/{gateway_id}/disable", responses=declare(*TO_MERCHANTS, "gateway_not_found"), summary="Disable a gateway"
)
async def disable_gateway(gateway_id: str, principal: Editor, services: ServicesDep) -> GatewayResource:
    """Keep new payments from using it. Payments that used it can still be captured, cancelled and refunded."""
    row = await commands.switch(services, principal.actor, principal.mode, gateway_id, on=False)
    return await _resource(services, principal.mode, row)


@router.delete(
    "/{gateway_id}",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=declare(*TO_MERCHANTS, "gateway_not_found", "gateway_in_use"),
    summary="Delete a gateway",
)
async def delete_gateway(gateway_id: str, principal: Editor, services: ServicesDep) -> None:
    """Delete a gateway and its credentials permanently. Payments that used it can no longer be refunded here.

    It is refused while payments or refunds are open on it. Disable it if you may want to refund payments.
    """
    await commands.delete(services, principal.actor, principal.mode, gateway_id)


@router.post(
    "/{gateway_id}/test",
    responses=declare(*TO_MERCHANTS, "gateway_not_found", "gateway_config_invalid"),
    summary="Test a gateway",
)
async def test_gateway(gateway_id: str, principal: Editor, services: ServicesDep) -> GatewayTest:
    """Test the stored credentials at the gateway. The answer says what is wrong. No money is moved."""
    report, warnings = await trial.test(services, principal.merchant_id, principal.mode, gateway_id)
    return gateway_test(report, warnings)


@router.post(
    "/{gateway_id}/dry_run",
    responses=declare(*TO_MERCHANTS, *WITH_BODY, "gateway_not_found", "gateway_config_invalid", "dry_run_invalid"),
    summary="Show what a gateway would send",
)
async def dry_run_gateway(
    gateway_id: str, body: GatewayDryRun, principal: Editor, services: ServicesDep
) -> GatewayDryRunResult:
    """Show the requests of a payment at a custom gateway, and how given answers and callbacks would be read.

    Nothing is sent or changed. Requests have `[name]` in the place of each credential.
    """
    steps = await dry_run.dry_run(services, principal.merchant_id, principal.mode, gateway_id, body.model_dump())
    return dry_run_result(steps)


async def _resource(services: Services, mode: Mode, row: Row[Any]) -> GatewayResource:
    return gateway_resource(row, mode, services.settings.api_public_url, await _health(services, row))


async def _health(services: Services, row: Row[Any]) -> HealthStatus:
    async with services.reader.connect() as connection:
        state = await gateway_health.find(connection, row.merchant_id, row.id)
    return HealthStatus.UNKNOWN if state is None else HealthStatus(state.status)
