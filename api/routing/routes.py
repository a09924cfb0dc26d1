"""`/routing`: write, check, try, activate and roll back routing rules, and ask where a payment goes and why."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Depends, Path
from starlette.responses import Response

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.idempotency import Answer, OnceDep
from api.http.paging import Page, page_of, page_request
from api.http.problems import ONCE, TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.routing.schemas import (
    PAYMENTS_TRIED_MAX,
    Activation,
    DryRun,
    Explain,
    Explanation,
    ProgramCheck,
    ProgramChecked,
    RoutingResource,
    TrialResource,
    VersionCreate,
    VersionResource,
    explanation,
    trial_resource,
    version_resource,
)
from clearway.db import routing as stored
from clearway.db.pages import PageRequest
from clearway.domain.errors import ConflictError
from clearway.domain.ids import ROUTING_VERSION
from clearway.domain.permissions import Permission
from clearway.routing import asking, versions
from clearway.services import Allocation

ACTIVATION: Final = "act"
"""Prefix of the ids of requests for activations; they name no resource."""
TRIED_BEFORE_ACTIVATION: Final = 1_000

router = Router(prefix="/routing", tags=["routing"])

Reader = Annotated[Principal, requires(Permission.ROUTING_READ)]
Editor = Annotated[Principal, requires(Permission.ROUTING_WRITE)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="The number of the version.")]


@router.get("", responses=declare(*TO_MERCHANTS), summary="Read the active routing")
async def get_routing(principal: Reader, services: ServicesDep) -> RoutingResource:
    """Read the rules by which your new payments are routed."""
    async with services.reader.connect() as connection:
        row = await stored.active(connection, principal.merchant_id)
        if row is None:
            return RoutingResource(version=None)
        found = await versions.find(connection, principal.merchant_id, row.number)
    return RoutingResource(version=version_resource(found))


@router.post(
    "/versions",
    status_code=HTTPStatus.CREATED,
    response_model=VersionResource,
    responses=declare(*TO_MERCHANTS, *WITH_BODY, *ONCE, "routing_program_invalid", "routing_version_limit"),
    summary="Save routing rules",
)
async def create_routing_version(
    body: VersionCreate, principal: Editor, services: ServicesDep, once: OnceDep
) -> Response:
    """Save rules as a draft. They route nothing until you activate them."""
    configs = await services.gateways.of_merchant(principal.merchant_id, fresh=True)
    asking.refuse_foreign(body.program, configs)

    async def operation(allocation: Allocation) -> Answer:
        async with services.engine.begin() as connection:
            made = await versions.create(connection, principal.actor, allocation.resource_id, body.program, body.note)
        return Answer(HTTPStatus.CREATED, version_resource(made))

    return await once.answer(ROUTING_VERSION, operation)


@router.get("/versions", responses=declare(*TO_MERCHANTS, "cursor_invalid"), summary="List versions")
async def list_routing_versions(
    principal: Reader, services: ServicesDep, page: Annotated[PageRequest, Depends(page_request(ROUTING_VERSION))]
) -> Page[VersionResource]:
    """List your versions, newest first."""
    async with services.reader.connect() as connection:
        found = await stored.list_versions(connection, principal.merchant_id, page)
    return page_of(map(version_resource, found.rows), found.next_cursor)


@router.get(
    "/versions/{number}", responses=declare(*TO_MERCHANTS, "routing_version_not_found"), summary="Read a version"
)
async def get_routing_version(number: Number, principal: Reader, services: ServicesDep) -> VersionResource:
    """Read a version of your rules."""
    async with services.reader.connect() as connection:
        return version_resource(await versions.find(connection, principal.merchant_id, number))


@router.post("/validate", responses=declare(*TO_MERCHANTS, *WITH_BODY), summary="Check routing rules")
async def validate_routing(body: ProgramCheck, principal: Reader, services: ServicesDep) -> ProgramChecked:
    """Check rules without saving them: their form, and whether the gateways are yours and enabled."""
    configs = await services.gateways.of_merchant(principal.merchant_id, fresh=True)
    checked = asking.check(body.program, configs)
    valid = checked.program is not None and not checked.problems
    return ProgramChecked(valid=valid, problems=list(checked.problems), warnings=list(checked.warnings))


@router.post(
    "/versions/{number}/dry_run",
    responses=declare(*TO_MERCHANTS, *WITH_BODY, "routing_version_not_found"),
    summary="Try a version on past payments",
)
async def dry_run_routing_version(
    number: Number, principal: Reader, services: ServicesDep, body: DryRun | None = None
) -> TrialResource:
    """Compare a version with the active rules on your last payments. Nothing is sent and nothing changes."""
    configs = await services.gateways.of_merchant(principal.merchant_id, fresh=True)
    count = body.payments if body else TRIED_BEFORE_ACTIVATION
    async with services.reader.connect() as connection:
        trial = await asking.dry_run(connection, principal.merchant_id, number, configs, count)
    return trial_resource(trial)


@router.post(
    "/versions/{number}/activate",
    response_model=VersionResource,
    responses=declare(*TO_MERCHANTS, *WITH_BODY, *ONCE, "routing_version_not_found", "routing_refuses"),
    summary="Activate a version",
)
async def activate_routing_version(
    number: Number, principal: Editor, services: ServicesDep, once: OnceDep, body: Activation | None = None
) -> Response:
    """Route new payments by this version, within seconds. Payments in progress are not rerouted.

    It is tried on your recent payments first. It is refused when one of them would find no gateway, unless you send
    `force`.
    """
    configs = await services.gateways.of_merchant(principal.merchant_id, fresh=True)

    async def operation(_: Allocation) -> Answer:
        async with services.engine.begin() as connection:
            if not (body and body.force):
                trial = await asking.dry_run(
                    connection, principal.merchant_id, number, configs, TRIED_BEFORE_ACTIVATION
                )
                _refuse_if_it_refuses(number, trial.refused, trial.payments)
            row = await versions.activate(connection, principal.actor, number, datetime.now(UTC))
        services.programs.forget(principal.merchant_id)
        return Answer(HTTPStatus.OK, version_resource(row))

    return await once.answer(ACTIVATION, operation)


@router.post(
    "/rollback",
    response_model=VersionResource,
    responses=declare(*TO_MERCHANTS, *ONCE, "routing_nothing_before"),
    summary="Roll back to the previous version",
)
async def roll_back_routing(principal: Editor, services: ServicesDep, once: OnceDep) -> Response:
    """Activate the version that was active before the current one."""

    async def operation(_: Allocation) -> Answer:
        async with services.engine.begin() as connection:
            row = await versions.roll_back(connection, principal.actor, datetime.now(UTC))
        services.programs.forget(principal.merchant_id)
        return Answer(HTTPStatus.OK, version_resource(row))

    return await once.answer(ACTIVATION, operation)


@router.delete(
    "",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=declare(*TO_MERCHANTS),
    summary="Route by priority alone",
)
async def deactivate_routing(principal: Editor, services: ServicesDep) -> None:
    """Deactivate the active version. New payments go to your enabled gateways in the order of their priority."""
    async with services.engine.begin() as connection:
        await versions.deactivate(connection, principal.actor, datetime.now(UTC))
    services.programs.forget(principal.merchant_id)


@router.post(
    "/explain",
    responses=declare(*TO_MERCHANTS, *WITH_BODY, "routing_version_not_found"),
    summary="Explain the routing of a payment",
)
async def explain_routing(body: Explain, principal: Reader, services: ServicesDep) -> Explanation:
    """Evaluate the routing of a hypothetical payment: its gateways, the rule, and why other rules did not match."""
    configs = await services.gateways.of_merchant(principal.merchant_id, fresh=True)
    now = datetime.now(UTC)
    async with services.reader.connect() as connection:
        decision, asked = await asking.explain(
            connection,
            principal.merchant_id,
            body.facts(),
            configs,
            body.version,
            says=lambda gateway_id: services.breakers.says(gateway_id, now),
            now=now,
        )
    return explanation(decision, asked)


def _refuse_if_it_refuses(number: int, refused: int, payments: int) -> None:
    if refused:
        detail = (
            f"Version {number} would leave {refused} of your last {payments} payments without a gateway. Nothing was "
            f"changed. See POST /routing/versions/{number}/dry_run, and send `force: true` to activate it anyway."
        )
        raise ConflictError("routing_refuses", detail)


assert TRIED_BEFORE_ACTIVATION <= PAYMENTS_TRIED_MAX
