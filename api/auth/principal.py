"""Who is calling: an API key and its secret, checked in constant time.

An unknown key, a revoked key and a wrong secret get the same answer after the same work, so that nobody learns which
keys exist. Secrets are compared as keyed hashes (`clearway.crypto.encryption`) and never logged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final

import structlog
from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from api.http.services import ServicesDep
from clearway.crypto.encryption import api_secret_matches
from clearway.db import across_merchants
from clearway.db.across_merchants import StoredKey
from clearway.domain.actor import Actor
from clearway.domain.errors import AuthenticationError
from clearway.services import Services

KEY_FORM: Final = re.compile(r"[A-Za-z0-9_]{1,64}")
NO_HASH: Final = bytes(32)

_key_header = APIKeyHeader(
    name="X-Api-Key", scheme_name="ApiKey", auto_error=False, description="The public half, `key_…`."
)
_secret_header = APIKeyHeader(
    name="X-Api-Secret", scheme_name="ApiSecret", auto_error=False, description="The secret half, `secret_…`."
)


@dataclass(frozen=True, slots=True)
class Merchant:
    """The merchant on whose behalf a request is made, and the key it was made with."""

    id: str
    key_id: str

    @property
    def actor(self) -> Actor:
        """How the audit log names the caller."""
        return Actor(f"key:{self.key_id}", self.id, structlog.contextvars.get_contextvars().get("request_id"))


async def authenticate(
    request: Request,
    services: ServicesDep,
    key_id: Annotated[str | None, Security(_key_header)],
    secret: Annotated[str | None, Security(_secret_header)],
) -> Merchant:
    """Return the calling merchant, having counted the request against their limit. Raises AuthenticationError."""
    if not key_id or not secret:
        raise AuthenticationError(
            "credentials_missing", "Send your API key as X-Api-Key and its secret as X-Api-Secret. Nothing was done."
        )
    key = await _find_key(services, key_id)
    pepper = services.settings.api_key_pepper.get_secret_value()
    matches = api_secret_matches(secret, pepper, key.secret_hash if key else NO_HASH)
    if key is None or not matches or not key.usable:
        detail = "The API key is unknown or revoked, or the secret is wrong. Nothing was done; check both."
        raise AuthenticationError("credentials_invalid", detail)
    structlog.contextvars.bind_contextvars(merchant_id=key.merchant_id)
    await services.rate_limits.count_merchant(request, key.merchant_id)
    return Merchant(key.merchant_id, key.id)


async def _find_key(services: Services, key_id: str) -> StoredKey | None:
    if not KEY_FORM.fullmatch(key_id):
        return None
    async with services.reader.connect() as connection:
        return await across_merchants.find_key(connection, key_id)


async def limit_address(request: Request, services: ServicesDep) -> None:
    """Count a request that needs no key against the limit of its address."""
    await services.rate_limits.count_address(request)


MerchantDep = Annotated[Merchant, Depends(authenticate)]
