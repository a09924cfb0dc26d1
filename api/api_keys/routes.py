"""`/api_keys`: list, create, rotate and revoke the keys of a merchant."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Depends
from starlette.responses import Response

from api.api_keys.schemas import ApiKeyCreate, KeyRotation, PermissionList, PermissionResource
from api.auth.permissions import requires
from api.auth.principal import Principal
from api.auth.step_up import requires_step_up
from api.http.idempotency import Answer, OnceDep
from api.http.paging import Page, page_of, page_request
from api.http.problems import ONCE, TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.sealing import SealedOnceDep
from api.http.services import ServicesDep
from clearway.accounts import keys
from clearway.db import api_keys
from clearway.db.api_keys import api_key_resource
from clearway.db.pages import PageRequest
from clearway.domain.ids import API_KEY, api_key_prefix
from clearway.domain.permissions import MEANING, Permission
from clearway.domain.resources import ApiKeyResource, ApiKeyWithSecret
from clearway.services import Allocation

ROTATION: Final = "rot"
REVOCATION: Final = "rvk"
"""Prefixes of the ids of requests for rotations and revocations; they name no resource."""

router = Router(prefix="/api_keys", tags=["API keys"])

Reader = Annotated[Principal, requires(Permission.KEYS_READ)]
Editor = Annotated[Principal, requires(Permission.KEYS_WRITE)]


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=ApiKeyWithSecret,
    dependencies=[requires_step_up],
    responses=declare(*TO_MERCHANTS, *WITH_BODY, *ONCE, "step_up_required", "api_key_limit", "api_key_closed"),
    summary="Create an API key",
)
async def create_api_key(body: ApiKeyCreate, principal: Editor, services: ServicesDep, once: SealedOnceDep) -> Response:
    """Create a key with a name, permissions, an expiry and allowed networks. Only this answer shows its secret.

    The new key cannot exceed the key that creates it, neither in permissions nor in networks nor in validity.
    """

    async def operation(allocation: Allocation) -> Answer:
        async with services.engine.begin() as connection:
            made = await keys.create(
                connection, services.keyring, principal.actor, allocation, body.asked(), granted=principal.grant
            )
        return Answer(HTTPStatus.CREATED, made)

    return await once.answer(api_key_prefix(principal.mode), operation)


@router.get("", responses=declare(*TO_MERCHANTS, "cursor_invalid"), summary="List API keys")
async def list_api_keys(
    principal: Reader, services: ServicesDep, page: Annotated[PageRequest, Depends(page_request(API_KEY))]
) -> Page[ApiKeyResource]:
    """List your keys, newest first, including revoked ones. Secrets are never shown."""
    async with services.reader.connect() as connection:
        found = await api_keys.list_keys(connection, principal.merchant_id, page)
    return page_of(map(api_key_resource, found.rows), found.next_cursor)


@router.get("/permissions", responses=declare(*TO_MERCHANTS), summary="List permissions")
async def list_permissions(principal: Reader) -> PermissionList:
    """List the permissions that a key can have, with their meaning. A new key can have those that you hold."""
    held = principal.grant.allowed
    return PermissionList(
        everything=principal.grant.permissions is None,
        data=[PermissionResource(permission=each, description=MEANING[each], held=each in held) for each in Permission],
    )


@router.get("/{key_id}", responses=declare(*TO_MERCHANTS, "api_key_not_found"), summary="Read an API key")
async def get_api_key(key_id: str, principal: Reader, services: ServicesDep) -> ApiKeyResource:
    """Read one of your keys, without its secret."""
    async with services.reader.connect() as connection:
        return await keys.find(connection, principal.merchant_id, key_id)


@router.post(
    "/{key_id}/rotate",
    response_model=ApiKeyWithSecret,
    dependencies=[requires_step_up],
    responses=declare(*TO_MERCHANTS, *WITH_BODY, *ONCE, "step_up_required", "api_key_not_found", "api_key_closed"),
    summary="Rotate an API key's secret",
)
async def rotate_api_key(
    key_id: str, principal: Editor, services: ServicesDep, once: SealedOnceDep, body: KeyRotation | None = None
) -> Response:
    """Create a new secret for a key. Only this answer shows it. The previous secret stays valid until the overlap ends.

    At most two secrets are valid. A second rotation within the overlap ends the oldest at once.
    """
    asked = body.overlap_s if body else None
    overlap_s = services.settings.api_key_overlap_s if asked is None else asked

    async def operation(allocation: Allocation) -> Answer:
        async with services.engine.begin() as connection:
            rotated = await keys.rotate(
                connection,
                services.keyring,
                principal.actor,
                allocation,
                key_id,
                overlap_s=overlap_s,
                granted=principal.grant,
            )
        return Answer(HTTPStatus.OK, rotated)

    return await once.answer(ROTATION, operation)


@router.post(
    "/{key_id}/revoke",
    response_model=ApiKeyResource,
    responses=declare(*TO_MERCHANTS, *ONCE, "api_key_not_found"),
    summary="Revoke an API key",
)
async def revoke_api_key(key_id: str, principal: Editor, services: ServicesDep, once: OnceDep) -> Response:
    """Revoke a key permanently, with immediate effect. A key may revoke itself."""

    async def operation(_: Allocation) -> Answer:
        async with services.engine.begin() as connection:
            return Answer(HTTPStatus.OK, await keys.revoke(connection, principal.actor, key_id))

    return await once.answer(REVOCATION, operation)
