"""Who is calling: an API key and its secret, checked in constant time, or a person in a session.

An unknown key, a revoked key and a wrong secret get the same answer after the same work, so that nobody learns which
keys exist. A key or secret of a wrong form is refused for its form (`api.auth.refused_keys`). Secrets are compared as
keyed hashes (`clearway.crypto.api_secrets`) and never logged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import structlog
from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials

from api.auth.operators import acts_as_operator, check_operator
from api.auth.refused_keys import NOT_VALID, malformed_pair, missing_half
from api.auth.session import brings_session, cookie_scheme, find_caller, token_scheme
from api.http.addresses import address_of, is_within
from api.http.errors import request_id_of
from api.http.request_log import note_caller
from api.http.services import ApiServices, ServicesDep
from clearway.db import across_merchants
from clearway.db.across_merchants import StoredKey
from clearway.db.audit import address_context
from clearway.domain.actor import Actor
from clearway.domain.api_key import KEY_ID_FORM, Grant
from clearway.domain.errors import AuthenticationError, ForbiddenError, InvalidRequestError, NotFoundError
from clearway.domain.ids import MERCHANT, is_id
from clearway.domain.merchant import Mode
from clearway.domain.permissions import ALL, Permission
from clearway.domain.roles import OPERATOR, permissions_of_role
from clearway.domain.user import SignedIn
from clearway.services import Services

_key_header = APIKeyHeader(
    name="X-Api-Key", scheme_name="ApiKey", auto_error=False, description="The public half, `key_…`."
)
_secret_header = APIKeyHeader(
    name="X-Api-Secret", scheme_name="ApiSecret", auto_error=False, description="The secret half, `secret_…`."
)


MERCHANT_HEADER: Final = "X-Clearway-Merchant"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request, on behalf of which merchant, and what they may do. user None: an API key.

    grant: what they have as a key or by their role, and may give to others. as_operator: what only the flag allows.
    """

    merchant_id: str
    mode: Mode
    actor: Actor
    grant: Grant
    user: SignedIn | None = None
    as_operator: frozenset[Permission] = frozenset()

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the caller may do."""
        return self.grant.allowed | self.as_operator


async def authenticate(
    request: Request,
    services: ServicesDep,
    key_id: Annotated[str | None, Security(_key_header)],
    secret: Annotated[str | None, Security(_secret_header)],
    _cookie: Annotated[str | None, Security(cookie_scheme)],
    _token: Annotated[HTTPAuthorizationCredentials | None, Security(token_scheme)],
) -> Principal:
    """Authenticate the caller, and count the request against the limit of their merchant.

    Raises AuthenticationError, ForbiddenError from an address that the key does not allow, and RateLimitedError.
    """
    if not key_id and not secret and brings_session(request, services):
        return await authenticate_member(request, services)
    if not key_id or not secret:
        raise AuthenticationError("credentials_missing", missing_half(key_id, secret))
    key = await _valid_key(request, services, key_id, secret)
    structlog.contextvars.bind_contextvars(merchant_id=key.merchant_id)
    note_caller(request, key.merchant_id, f"key:{key.id}")
    address = address_of(request.scope)
    if key.grant.networks and not is_within(address, key.grant.networks):
        detail = f"This API key may not be used from {address}. Nothing was done. Use a key that allows this address."
        raise ForbiddenError("address_not_allowed", detail)
    await services.rate_limits.count_merchant(request, key.merchant_id)
    services.used_keys.note(key.id)
    request_id = request_id_of(request)
    sealed = services.cipher.encrypt(address, address_context(request_id))
    actor = Actor(f"key:{key.id}", key.merchant_id, request_id, sealed)
    return Principal(key.merchant_id, key.mode, actor, key.grant)


async def authenticate_member(request: Request, services: ApiServices) -> Principal:
    """Return the signed-in person as a member of the account whose merchant the request names, or as an operator."""
    merchant_id = request.headers.get(MERCHANT_HEADER)
    if not merchant_id or not is_id(MERCHANT, merchant_id):
        await find_caller(request, services, None)  # without a session that is the answer
        detail = f"Name the merchant in the header {MERCHANT_HEADER}. Nothing was done. `GET /users/me` lists yours."
        raise InvalidRequestError("merchant_missing", detail)
    caller = await find_caller(request, services, merchant_id)
    role, mode = caller.user.role, caller.row.mode
    if mode is None or (role is None and not caller.user.is_operator):
        raise NotFoundError("merchant_not_found", f"You have no merchant {merchant_id!r}. Nothing was done.")
    if caller.row.totp_required and not caller.user.totp_enabled:
        detail = "The account requires a second factor (TOTP). Nothing was done. Turn it on in your profile."
        raise ForbiddenError("totp_required_by_account", detail)
    structlog.contextvars.bind_contextvars(merchant_id=merchant_id)
    note_caller(request, merchant_id, caller.actor.name)
    await services.rate_limits.count_merchant(request, merchant_id)
    if role is None:
        check_operator(caller.user, services.settings)
    by_role = frozenset() if role is None else permissions_of_role(role, Mode(mode))
    as_operator = OPERATOR - by_role if acts_as_operator(caller.user, services.settings) else frozenset()
    grant = Grant(None if by_role == ALL else tuple(sorted(permission.value for permission in by_role)))
    return Principal(merchant_id, Mode(mode), caller.actor, grant, caller.user, as_operator)


async def _valid_key(request: Request, services: ApiServices, key_id: str, secret: str) -> StoredKey:
    """Return the key when the pair is valid. Raises AuthenticationError and RateLimitedError."""
    name = services.guard.name(key_id, secret)
    if not await services.guard.is_refused(request, name):
        key = await _find_key(services, key_id)
        if _matches(services, secret, key) and key is not None and key.usable:
            services.guard.succeeded(name)
            return key
        await services.guard.failed(request, name)
    raise malformed_pair(key_id, secret) or AuthenticationError("credentials_invalid", NOT_VALID)


async def _find_key(services: Services, key_id: str) -> StoredKey | None:
    if not KEY_ID_FORM.fullmatch(key_id):
        return None
    async with services.reader.connect() as connection:
        return await across_merchants.find_key(connection, key_id)


def _matches(services: ApiServices, secret: str, key: StoredKey | None) -> bool:
    """Compare with the current and the previous secret, in the same time whether or not they exist."""
    peppers = services.keyring.peppers
    is_current = peppers.matches(secret, key.secret if key else None)
    is_former = peppers.matches(secret, key.previous_secret if key else None)
    if key is not None and is_current and not peppers.is_current(key.secret):
        services.used_keys.hash_again(key.id, key.secret, peppers.hash(secret))
    return is_current or is_former


async def limit_address(request: Request, services: ServicesDep) -> None:
    """Count a request that needs no key against the limit of its address."""
    await services.rate_limits.count_address(request)


PrincipalDep = Annotated[Principal, Depends(authenticate)]
"""The caller, whatever they may do: a route asks for a permission instead (`api.auth.permissions.requires`)."""
