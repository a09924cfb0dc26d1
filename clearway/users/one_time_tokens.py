"""Tokens of the links in mails: random, valid for a while, used once. They prove that a person reads an address."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.api_secrets import SecretHash
from clearway.db.users import codes
from clearway.db.users.codes import NewToken, data_context
from clearway.domain.errors import UnprocessableError
from clearway.domain.ids import ONE_TIME_TOKEN, is_id, new_id
from clearway.domain.user import TokenPurpose
from clearway.services import Services
from clearway.users.keys import Keys

SECRET_BYTES: Final = 32
LIFE: Final = {
    TokenPurpose.REGISTER: timedelta(hours=24),
    TokenPurpose.RESET_PASSWORD: timedelta(hours=1),
    TokenPurpose.CHANGE_EMAIL: timedelta(hours=24),
}
PATHS: Final = {
    TokenPurpose.REGISTER: "/verify",
    TokenPurpose.RESET_PASSWORD: "/reset",
    TokenPurpose.CHANGE_EMAIL: "/confirm-address",
}
"""The pages of the dashboard that take the token."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link for a mail."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Used:
    """A token that was used. user_id None: somebody who registers. data: what it was made for."""

    user_id: str | None
    data: Mapping[str, str]


async def make(
    connection: AsyncConnection,
    keys: Keys,
    purpose: TokenPurpose,
    user_id: str | None,
    data: Mapping[str, str] | None = None,
) -> Link:
    """Record a token and return the link that carries it."""
    token_id, secret = new_id(ONE_TIME_TOKEN), secrets.token_urlsafe(SECRET_BYTES)
    expires_at = datetime.now(UTC) + LIFE[purpose]
    sealed = keys.cipher.encrypt(json.dumps(data), data_context(token_id)) if data else None
    new = NewToken(token_id, purpose, keys.peppers.hash(secret), user_id, sealed, expires_at)
    await codes.add_token(connection, new)
    page = f"{keys.settings.dashboard_url.rstrip('/')}{PATHS[purpose]}"
    return Link(f"{page}?token={token_id}.{secret}", expires_at)


async def use(connection: AsyncConnection, services: Services, purpose: TokenPurpose, token: str) -> Used:
    """Use up a token, in the transaction of what it allows. Raises UnprocessableError."""
    token_id, _, secret = token.partition(".")
    row = await codes.lock_token(connection, token_id, purpose) if is_id(ONE_TIME_TOKEN, token_id) else None
    stored = None if row is None else SecretHash(row.pepper_id, bytes(row.token_hash))
    if not services.peppers.matches(secret, stored) or row is None:
        detail = "The link is wrong, expired or already used. Nothing was changed. Request a new one."
        raise UnprocessableError("token_invalid", detail)
    sealed = row.sealed_data
    data = json.loads(services.cipher.decrypt(sealed, data_context(row.id))) if sealed else {}
    await codes.use_token(connection, row)
    return Used(row.user_id, data)
