"""API keys of a merchant: create, rotate the secret of, revoke. Each change and its audit row are one transaction.

The functions take a connection in a transaction, which the API or the command line begins.

A secret is stored as a keyed hash and shown once. A request with an Idempotency-Key uses the id allocated for the key,
so a repeat after a crash finds the result. The repeat must show the same secret, so it is stored encrypted for as long
as the Idempotency-Key lives (`clearway.db.across_merchants.forget_sealed_secrets`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.api_secrets import Peppers, new_secret
from clearway.crypto.encryption import Cipher
from clearway.db import api_keys, audit
from clearway.db.api_keys import NewApiKey, api_key_resource, grant_of, secret_context
from clearway.domain.actor import Actor
from clearway.domain.api_key import Grant
from clearway.domain.errors import ConflictError, ForbiddenError, NotFoundError
from clearway.domain.limits import API_KEYS_PER_MERCHANT_MAX
from clearway.domain.resources import ApiKeyResource, ApiKeyWithSecret
from clearway.services import Allocation
from clearway.settings import Settings

FIRST_KEY_NAME: Final = "First key"


@dataclass(frozen=True)
class Keyring:
    """Hashes and encrypts the secrets of API keys."""

    peppers: Peppers
    cipher: Cipher

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Read API_KEY_PEPPERS and SECRET_KEYS. Raises KeyConfigurationError."""
        return cls(
            Peppers.from_settings(settings.api_key_peppers.get_secret_value()),
            Cipher.from_settings(settings.secret_keys.get_secret_value()),
        )


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """A key to be created: its name, and what it may do."""

    name: str
    grant: Grant = field(default_factory=Grant)


def key_not_found(key_id: str) -> NotFoundError:
    """Return the error for an unknown API key of this merchant."""
    return NotFoundError("api_key_not_found", f"There is no API key {key_id!r} here. Nothing was changed.")


async def create(
    connection: AsyncConnection,
    keyring: Keyring,
    actor: Actor,
    allocation: Allocation,
    asked: KeyRequest,
    *,
    granted: Grant,
) -> ApiKeyWithSecret:
    """Create a key, or return the one that this request created before. granted: the caller's own permissions."""
    _refuse_excess(granted, asked.grant)
    key_id = allocation.resource_id
    has_room = await api_keys.has_room(connection, actor.merchant_id)
    row = await api_keys.find(connection, actor.merchant_id, key_id)
    if row is not None:
        return _shown_again(keyring, row)
    if not has_room:
        raise _too_many()
    secret = new_secret()
    new = NewApiKey(
        id=key_id,
        merchant_id=actor.merchant_id,
        name=asked.name,
        grant=asked.grant,
        secret=keyring.peppers.hash(secret),
        sealed_secret=_sealed(keyring, allocation, key_id, secret),
        created_by=actor.name,
    )
    row = await api_keys.add(connection, new, datetime.now(UTC))
    await audit.record(connection, actor, "api_key.create", key_id, _described(asked.grant) | {"name": asked.name})
    return _with_secret(row, secret)


async def find(connection: AsyncConnection, merchant_id: str, key_id: str) -> ApiKeyResource:
    """Return the merchant's key. Raises NotFoundError."""
    row = await api_keys.find(connection, merchant_id, key_id)
    if row is None:
        raise key_not_found(key_id)
    return api_key_resource(row)


async def rotate(
    connection: AsyncConnection,
    keyring: Keyring,
    actor: Actor,
    allocation: Allocation,
    key_id: str,
    *,
    overlap_s: int,
    granted: Grant,
) -> ApiKeyWithSecret:
    """Create a new secret for a key. The previous secret stays valid for `overlap_s`; older ones become invalid."""
    row = await _lock_own(connection, actor.merchant_id, key_id)
    if row.rotation_id == allocation.resource_id:
        return _shown_again(keyring, row)
    now = datetime.now(UTC)
    _refuse_excess(granted, grant_of(row))
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        raise ConflictError("api_key_closed", f"API key {key_id} is revoked or expired. Nothing was changed.")
    secret = new_secret()
    hashed = keyring.peppers.hash(secret)
    values = {
        "secret_hash": hashed.digest,
        "pepper_id": hashed.pepper_id,
        "secret_set_at": now,
        "sealed_secret": _sealed(keyring, allocation, key_id, secret),
        "rotation_id": allocation.resource_id,
        "previous_secret_hash": row.secret_hash if overlap_s else None,
        "previous_pepper_id": row.pepper_id if overlap_s else None,
        "previous_secret_expires_at": now + timedelta(seconds=overlap_s) if overlap_s else None,
    }
    row = await api_keys.change(connection, actor.merchant_id, key_id, values)
    await audit.record(connection, actor, "api_key.rotate", key_id, {"overlap_s": overlap_s})
    return _with_secret(row, secret)


async def revoke(connection: AsyncConnection, actor: Actor, key_id: str) -> ApiKeyResource:
    """Revoke a key at once. Revoking it again changes nothing."""
    row = await _lock_own(connection, actor.merchant_id, key_id)
    if row.revoked_at is None:
        values = {"revoked_at": datetime.now(UTC), "sealed_secret": None}
        row = await api_keys.change(connection, actor.merchant_id, key_id, values)
        await audit.record(connection, actor, "api_key.revoke", key_id)
    return api_key_resource(row)


async def _lock_own(connection: AsyncConnection, merchant_id: str, key_id: str) -> Row[Any]:
    row = await api_keys.lock(connection, merchant_id, key_id)
    if row is None:
        raise key_not_found(key_id)
    return row


def _refuse_excess(granted: Grant, asked: Grant) -> None:
    excess = granted.excess(asked)
    if excess is not None:
        detail = f"A key cannot give more than it has. Your key lacks {excess}. Nothing was changed."
        raise ForbiddenError("permission_missing", detail)


def _sealed(keyring: Keyring, allocation: Allocation, key_id: str, secret: str) -> str | None:
    return keyring.cipher.encrypt(secret, secret_context(key_id)) if allocation.repeatable else None


def _shown_again(keyring: Keyring, row: Row[Any]) -> ApiKeyWithSecret:
    if row.sealed_secret is None:
        detail = f"API key {row.id} was created by this request, and its secret can no longer be shown. Rotate it."
        raise ConflictError("api_key_closed", detail)
    return _with_secret(row, keyring.cipher.decrypt(row.sealed_secret, secret_context(row.id)))


def _with_secret(row: Row[Any], secret: str) -> ApiKeyWithSecret:
    return ApiKeyWithSecret(**api_key_resource(row).model_dump(), secret=secret)


def _described(grant: Grant) -> dict[str, Any]:
    return {
        "permissions": ["*"] if grant.permissions is None else list(grant.permissions),
        "allowed_networks": list(grant.networks),
        "expires_at": None if grant.expires_at is None else grant.expires_at.isoformat(),
    }


def _too_many() -> ConflictError:
    detail = (
        f"You have {API_KEYS_PER_MERCHANT_MAX} API keys that are not revoked, the maximum. Nothing was created. "
        "Revoke one first."
    )
    return ConflictError("api_key_limit", detail)
