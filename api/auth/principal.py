"""Who is calling: an API key and its secret, checked in constant time.

An unknown key, a revoked key and a wrong secret get the same answer after the same work, so that nobody learns which
keys exist. Secrets are compared as keyed hashes (`clearway.crypto.api_secrets`) and never logged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final

import structlog
from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from api.http.addresses import address_of, is_within
from api.http.errors import request_id_of
from api.http.services import ApiServices, ServicesDep
from clearway.db import across_merchants
from clearway.db.across_merchants import StoredKey
from clearway.db.audit import address_context
from clearway.domain.actor import Actor
from clearway.domain.api_key import Grant
from clearway.domain.errors import AuthenticationError, ForbiddenError
from clearway.domain.merchant import Mode
from clearway.domain.permissions import Permission
from clearway.services import Services

KEY_FORM: Final = re.compile(r"[A-Za-z0-9_]{1,64}")

_key_header = APIKeyHeader(
    name="X-Api-Key", scheme_name="ApiKey", auto_error=False, description="The public half, `key_…`."
)
_secret_header = APIKeyHeader(
    name="X-Api-Secret", scheme_name="ApiSecret", auto_error=False, description="The secret half, `secret_…`."
)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request, on behalf of which merchant, and what they may do."""

    merchant_id: str
    mode: Mode
    key_id: str
    actor: Actor
    grant: Grant

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the caller may do."""
        return self.grant.allowed


async def authenticate(
    request: Request,
    services: ServicesDep,
    key_id: Annotated[str | None, Security(_key_header)],
    secret: Annotated[str | None, Security(_secret_header)],
) -> Principal:
    """Authenticate the caller, and count the request against the limit of their merchant.

    Raises AuthenticationError, ForbiddenError from an address that the key does not allow, and RateLimitedError.
    """
    if not key_id or not secret:
        raise AuthenticationError(
            "credentials_missing", "Send your API key as X-Api-Key and its secret as X-Api-Secret. Nothing was done."
        )
    key = await _valid_key(request, services, key_id, secret)
    structlog.contextvars.bind_contextvars(merchant_id=key.merchant_id)
    address = address_of(request.scope)
    if key.grant.networks and not is_within(address, key.grant.networks):
        detail = f"This API key may not be used from {address}. Nothing was done. Use a key that allows this address."
        raise ForbiddenError("address_not_allowed", detail)
    await services.rate_limits.count_merchant(request, key.merchant_id)
    services.used_keys.note(key.id)
    request_id = request_id_of(request)
    sealed = services.cipher.encrypt(address, address_context(request_id))
    actor = Actor(f"key:{key.id}", key.merchant_id, request_id, sealed)
    return Principal(key.merchant_id, key.mode, key.id, actor, key.grant)


async def _valid_key(request: Request, services: ApiServices, key_id: str, secret: str) -> StoredKey:
    """Return the key when the pair is valid. Raises AuthenticationError and RateLimitedError."""
    name = services.guard.name(key_id, secret)
    if not await services.guard.is_refused(request, name):
        key = await _find_key(services, key_id)
        if _matches(services, secret, key) and key is not None and key.usable:
            services.guard.succeeded(name)
            return key
        await services.guard.failed(request, name)
    detail = "The API key is unknown, revoked or expired, or the secret is wrong. Nothing was done; check both."
    raise AuthenticationError("credentials_invalid", detail)


async def _find_key(services: Services, key_id: str) -> StoredKey | None:
    if not KEY_FORM.fullmatch(key_id):
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
