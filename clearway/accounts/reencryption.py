"""Encrypting stored values again with the first of SECRET_KEYS, so that an older key can be removed.

It goes through the tables in batches, each with its audit row in one transaction, and rewrites only values of other
keys. So it can run while other programs work, can be interrupted, and continues when it is run again. Every column
marked `SEALED` (`clearway.db.tables`) has a `Kind` here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, bindparam, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from clearway.crypto.encryption import VERSION, Cipher
from clearway.db import api_keys as keys
from clearway.db import audit, endpoints, idempotency
from clearway.db.deliveries.reading import response_context
from clearway.db.tables import (
    api_keys,
    audit_log,
    gateway_configs,
    gateway_events,
    idempotency_keys,
    mail_requests,
    mails,
    one_time_tokens,
    payments,
    sessions,
    users,
    webhook_attempts,
    webhook_endpoints,
)
from clearway.db.users import codes
from clearway.db.users import mail_requests as mail_requests_rows
from clearway.db.users import sessions as session_rows
from clearway.db.users.users import totp_context
from clearway.domain.actor import Actor
from clearway.domain.gateway import credentials_context
from clearway.domain.gateway_event import body_context
from clearway.domain.ids import INSTALLATION
from clearway.durable import sealed
from clearway.mail.outbox import letter_context
from clearway.settings import Settings

BATCH: Final = 500
Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """One encrypted column. context_of: makes the context from the column `bound_to`. around: the text around it."""

    name: str
    column: Column[Any]
    context_of: Callable[..., str]
    around: tuple[bytes, bytes] | None = None
    bound_by: Column[Any] | None = None

    @property
    def key(self) -> list[Column[Any]]:
        """The primary key of the column's table."""
        return list(self.column.table.primary_key.columns)

    @property
    def bound_to(self) -> list[Column[Any]]:
        """The column that a token is bound to: the primary key, or another column of the row."""
        return self.key if self.bound_by is None else [self.bound_by]

    def stored(self, text: str) -> str | bytes:
        """Return the column's text for a token, or the start of the text for the start of a token."""
        return text if self.around is None else self.around[0] + text.encode()

    def token(self, value: Any) -> str:
        """Return the token in a value of the column."""
        if self.around is None:
            return str(value)
        before, after = self.around
        return bytes(value).removeprefix(before).removesuffix(after).decode()

    def value(self, token: str) -> str | bytes:
        """Return the value of the column that holds a token."""
        return token if self.around is None else self.around[0] + token.encode() + self.around[1]


KINDS: Final = (
    Kind("endpoint_secrets", webhook_endpoints.c.secret, endpoints.secret_context),
    Kind("endpoint_secrets", webhook_endpoints.c.previous_secret, endpoints.secret_context),
    Kind("api_key_secrets", api_keys.c.sealed_secret, keys.secret_context),
    Kind("payments", payments.c.personal, sealed.personal_context),
    Kind("return_urls", payments.c.sealed_return_url, sealed.return_context),
    Kind("forms", payments.c.action_form, sealed.form_context),
    Kind("gateway_credentials", gateway_configs.c.sealed_credentials, credentials_context),
    Kind("endpoint_answers", webhook_attempts.c.response_body, response_context),
    Kind("addresses", audit_log.c.address, audit.address_context, bound_by=audit_log.c.request_id),
    Kind("sessions", sessions.c.sealed_address, session_rows.address_context),
    Kind("links", one_time_tokens.c.sealed_data, codes.data_context),
    Kind("mail_requests", mail_requests.c.sealed_request, mail_requests_rows.request_context),
    Kind("totp_secrets", users.c.sealed_totp_secret, totp_context),
    Kind("gateway_events", gateway_events.c.sealed_body, body_context),
    Kind("letters", mails.c.sealed_letter, letter_context),
    Kind("answers", idempotency_keys.c.response_body, idempotency.answer_context, idempotency.SEALED_ANSWER),
)


async def reencrypt(engine: AsyncEngine, settings: Settings, actor: Actor) -> Mapping[str, int]:
    """Encrypt the values of other keys with the first of SECRET_KEYS. Return how many, by kind.

    Raises DecryptionError for a value that can't be read; the batches before it stay done.
    """
    cipher = Cipher.from_settings(settings.secret_keys.get_secret_value())
    counts = {kind.name: 0 for kind in KINDS}
    for kind in KINDS:
        after: Values | None = None
        while True:
            async with engine.begin() as connection:
                rows = await _sealed_by_others(connection, kind, cipher, after)
                if not rows:
                    break
                await _rewrite(connection, kind, cipher, rows)
                detail = {"kind": kind.name, "values": len(rows)}
                await audit.record(connection, actor, "secrets.reencrypt", INSTALLATION, detail)
            counts[kind.name] += len(rows)
            after = rows[-1][: len(kind.key)]
    return counts


async def _sealed_by_others(
    connection: AsyncConnection, kind: Kind, cipher: Cipher, after: Values | None
) -> Sequence[Values]:
    """Return the next rows by primary key: the key, the context column of the token, and the value."""
    key = kind.key
    tokens, ours = kind.stored(f"{VERSION}."), kind.stored(cipher.prefix)
    bound_to = (column.label(f"bound_{number}") for number, column in enumerate(kind.bound_to))
    query = (
        select(*key, *bound_to, kind.column)
        .where(kind.column.is_not(None), _beginning(kind, tokens) == tokens, _beginning(kind, ours) != ours)
        .order_by(*key)
        .limit(BATCH)
    )
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*after))
    return [tuple(row) for row in await connection.execute(query)]


def _beginning(kind: Kind, wanted: str | bytes) -> Any:
    return func.substr(kind.column, 1, len(wanted), type_=kind.column.type)


async def _rewrite(connection: AsyncConnection, kind: Kind, cipher: Cipher, rows: Sequence[Values]) -> None:
    """Replace values, except those that a program has replaced or removed since they were read."""
    key = kind.key
    these = [column == bindparam(f"key_{number}") for number, column in enumerate(key)]
    same = kind.column == bindparam("old", type_=kind.column.type)
    statement = (
        update(kind.column.table).where(*these, same).values({kind.column: bindparam("new", type_=kind.column.type)})
    )
    await connection.execute(statement, [_fresh(kind, cipher, row) for row in rows])


def _fresh(kind: Kind, cipher: Cipher, row: Values) -> dict[str, Any]:
    parts = len(kind.key)
    key, bound_to, value = row[:parts], row[parts:-1], row[-1]
    context = kind.context_of(*bound_to)
    token = cipher.encrypt(cipher.decrypt(kind.token(value), context), context)
    named = {f"key_{number}": part for number, part in enumerate(key)}
    return {**named, "old": value, "new": kind.value(token)}
