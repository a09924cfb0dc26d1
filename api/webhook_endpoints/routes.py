"""`/webhook_endpoints`: register, change, delete, rotate the secret of, and try out where webhooks are sent."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Depends
from starlette.responses import Response

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.auth.step_up import requires_step_up
from api.http.errors import FieldsInvalidError
from api.http.idempotency import Answer, OnceDep
from api.http.paging import Page, page_of, page_request
from api.http.problems import ONCE, TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.sealing import SealedOnceDep
from api.http.services import ServicesDep
from api.webhook_endpoints.schemas import (
    EndpointCreate,
    EndpointPatch,
    EndpointResource,
    EndpointTest,
    EndpointWithSecret,
    RecoveryCreate,
    RecoveryResource,
    SecretRotation,
    endpoint_resource,
    endpoint_with_secret,
    recovery_resource,
)
from api.webhooks.schemas import DeliveryResource, delivery_resource
from clearway.db import endpoints
from clearway.db.pages import PageRequest
from clearway.domain.ids import ENDPOINT, RECOVERY
from clearway.domain.permissions import Permission
from clearway.endpoints import commands, recovery, trial
from clearway.services import Allocation

ROTATION: Final = "rot"
TEST: Final = "test"
"""Prefixes of the ids of requests for rotations and tests; they name no resource."""

RECOVERY_PROBLEMS: Final = (
    "webhook_endpoint_closed",
    "webhook_recovery_running",
    "recovery_period_invalid",
    "temporal_unavailable",
)

router = Router(prefix="/webhook_endpoints", tags=["webhook endpoints"])

Reader = Annotated[Principal, requires(Permission.ENDPOINTS_READ)]
Editor = Annotated[Principal, requires(Permission.ENDPOINTS_WRITE)]


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=EndpointWithSecret,
    dependencies=[requires_step_up],
    responses=declare(
        *TO_MERCHANTS, *WITH_BODY, *ONCE, "step_up_required", "webhook_url_refused", "webhook_endpoint_limit"
    ),
    summary="Register a webhook endpoint",
)
async def create_webhook_endpoint(
    body: EndpointCreate, principal: Editor, services: ServicesDep, once: SealedOnceDep
) -> Response:
    """Register a URL to receive your events. Only this answer shows the secret that verifies their signatures."""
    commands.check_url(services, body.url)  # before the key is used, so that a corrected request may use it

    async def operation(allocation: Allocation) -> Answer:
        made = await commands.create(services, principal.actor, allocation.resource_id, body.asked())
        return Answer(HTTPStatus.CREATED, endpoint_with_secret(made))

    return await once.answer(ENDPOINT, operation)


@router.get("", responses=declare(*TO_MERCHANTS, "cursor_invalid"), summary="List webhook endpoints")
async def list_webhook_endpoints(
    principal: Reader, services: ServicesDep, page: Annotated[PageRequest, Depends(page_request(ENDPOINT))]
) -> Page[EndpointResource]:
    """List your endpoints, newest first."""
    async with services.reader.connect() as connection:
        found = await endpoints.list_endpoints(connection, principal.merchant_id, page)
    return page_of(map(endpoint_resource, found.rows), found.next_cursor)


@router.get(
    "/{endpoint_id}",
    responses=declare(*TO_MERCHANTS, "webhook_endpoint_not_found"),
    summary="Read a webhook endpoint",
)
async def get_webhook_endpoint(endpoint_id: str, principal: Reader, services: ServicesDep) -> EndpointResource:
    """Read one of your endpoints."""
    return endpoint_resource(await commands.find(services, principal.merchant_id, endpoint_id))


@router.patch(
    "/{endpoint_id}",
    responses=declare(*TO_MERCHANTS, *WITH_BODY, "webhook_endpoint_not_found", "webhook_url_refused"),
    summary="Change a webhook endpoint",
)
async def update_webhook_endpoint(
    endpoint_id: str, body: EndpointPatch, principal: Editor, services: ServicesDep
) -> EndpointResource:
    """Change only the fields that you send. Enabling an endpoint clears its `disabled_reason`."""
    return endpoint_resource(await commands.change(services, principal.actor, endpoint_id, body.values()))


@router.delete(
    "/{endpoint_id}",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=declare(*TO_MERCHANTS, "webhook_endpoint_not_found"),
    summary="Delete a webhook endpoint",
)
async def delete_webhook_endpoint(endpoint_id: str, principal: Editor, services: ServicesDep) -> None:
    """Delete an endpoint permanently. Its pending deliveries are cancelled at once."""
    await commands.delete(services, principal.actor, endpoint_id)


@router.post(
    "/{endpoint_id}/rotate_secret",
    response_model=EndpointWithSecret,
    dependencies=[requires_step_up],
    responses=declare(*TO_MERCHANTS, *WITH_BODY, *ONCE, "step_up_required", "webhook_endpoint_not_found"),
    summary="Rotate an endpoint's secret",
)
async def rotate_webhook_secret(
    endpoint_id: str,
    principal: Editor,
    services: ServicesDep,
    once: SealedOnceDep,
    body: SecretRotation | None = None,
) -> Response:
    """Create a new signing secret. Only this answer shows it. The previous secret also signs until the overlap ends.

    At most two secrets sign. A second rotation within the overlap ends the oldest at once.
    """
    overlap_s = body.overlap_s if body else None

    async def operation(allocation: Allocation) -> Answer:
        rotation_id = allocation.resource_id
        rotated = await commands.rotate_secret(services, principal.actor, endpoint_id, rotation_id, overlap_s)
        return Answer(HTTPStatus.OK, endpoint_with_secret(rotated))

    return await once.answer(ROTATION, operation)


@router.post(
    "/{endpoint_id}/test",
    status_code=HTTPStatus.ACCEPTED,
    response_model=DeliveryResource,
    responses=declare(
        *(*TO_MERCHANTS, *WITH_BODY, *ONCE, "webhook_endpoint_not_found", "webhook_endpoint_closed"),
        *("test_mode_only", "temporal_unavailable"),
    ),
    summary="Send a test event",
)
async def send_webhook_test(
    endpoint_id: str, principal: Editor, services: ServicesDep, once: OnceDep, body: EndpointTest | None = None
) -> Response:
    """Send a test event to this endpoint only: `endpoint.test`, or in test mode any type.

    In test mode the event has the data of its example, or those that you send. The answer is its delivery; read it to
    see the attempts. It describes nothing that happened, and no payment changes.
    """
    test = body or EndpointTest()
    trial.check_mode(principal.mode, test.asked())
    if problems := test.problems():  # before the key is used, so that corrected data may use it
        raise FieldsInvalidError(*problems)

    async def operation(allocation: Allocation) -> Answer:
        sent = await trial.send_test(services, principal.actor, endpoint_id, allocation.resource_id, test.asked())
        return Answer(HTTPStatus.ACCEPTED, delivery_resource(sent))

    return await once.answer(TEST, operation)


@router.post(
    "/{endpoint_id}/recover",
    status_code=HTTPStatus.ACCEPTED,
    response_model=RecoveryResource,
    responses=declare(*TO_MERCHANTS, *WITH_BODY, *ONCE, *RECOVERY_PROBLEMS, "webhook_endpoint_not_found"),
    summary="Recover missed events",
)
async def recover_webhook_endpoint(
    endpoint_id: str, body: RecoveryCreate, principal: Editor, services: ServicesDep, once: OnceDep
) -> Response:
    """Send the events that the endpoint did not receive, at most 10 a second. Each delivery has its own retry schedule.

    `since` may be earlier than the endpoint's registration. Events without a delivery are sent if the endpoint now
    receives their type. Read the progress at `/recoveries/{id}`.
    """

    async def operation(allocation: Allocation) -> Answer:
        begun = await recovery.recover(services, principal.actor, endpoint_id, allocation.resource_id, body.asked())
        return Answer(HTTPStatus.ACCEPTED, recovery_resource(begun))

    return await once.answer(RECOVERY, operation)


@router.get(
    "/{endpoint_id}/recoveries/{recovery_id}",
    responses=declare(*TO_MERCHANTS, "webhook_recovery_not_found"),
    summary="Read a recovery",
)
async def get_webhook_recovery(
    endpoint_id: str, recovery_id: str, principal: Reader, services: ServicesDep
) -> RecoveryResource:
    """Read the progress of a recovery."""
    return recovery_resource(await recovery.find(services, principal.merchant_id, endpoint_id, recovery_id))
