"""The application's database role: not the owner of the tables, and granted no more than the programs need.

It cannot change the schema, and what is append-only it can neither update nor delete. Only encrypted columns of these
tables can be re-encrypted with another key, or emptied. Only the owner can truncate. The triggers of `migrations/`
enforce the same for every role, the owner too. Only the owner can drop them. `clearway migrate` grants after the
migrations, each time, so a table that a migration adds is never forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import metadata

APPEND_ONLY: Final = frozenset(
    {
        *("ledger_accounts", "ledger_transactions", "ledger_entries", "captures"),
        *("events", "webhook_attempts", "audit_log", "gateway_calls", "gateway_health_checks", "request_log"),
        "reconciliation_corrections",
        *("fx_rates", "fx_quotes"),
    }
)
FUNCTIONS: Final = (
    *("ensure_partitions(integer)", "id_bound(text, timestamptz)"),
    *("expire_audit_log(integer)", "forget_request_log(timestamptz)"),
)
DELETED_FROM: Final = frozenset(
    {
        *("card_declines", "error_overrides", "idempotency_keys", "mails", "mail_requests", "saved_views"),
        *("memberships", "sessions", "refresh_tokens", "one_time_tokens", "recovery_codes", "sign_in_failures"),
    }
)


class RoleMissingError(Exception):
    """The application's role does not exist; str(error) says how to create it."""


def privileges(table: str) -> str:
    """Return what the application may do with a table."""
    if table in APPEND_ONLY:
        sealed = [column.name for column in metadata.tables[table].columns if column.info.get("sealed")]
        return f"SELECT, INSERT, UPDATE ({', '.join(sealed)})" if sealed else "SELECT, INSERT"
    return "SELECT, INSERT, UPDATE, DELETE" if table in DELETED_FROM else "SELECT, INSERT, UPDATE"


async def grant(connection: AsyncConnection, role: str) -> bool:
    """Grant the role what the programs need; return False, with nothing done, when the role is the connected owner.

    Raises RoleMissingError.
    """
    await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('clearway grants'))"))  # one at a time
    if await connection.scalar(text("SELECT :role = current_user"), {"role": role}):
        return False
    if not await connection.scalar(text("SELECT count(*) FROM pg_roles WHERE rolname = :role"), {"role": role}):
        message = (
            f"The database has no role {role!r}, which DATABASE_URL names. Create it and run this again: "
            f"CREATE ROLE {role} LOGIN PASSWORD '…'"
        )
        raise RoleMissingError(message)
    quoted = connection.dialect.identifier_preparer.quote(role)
    for statement in _grants(quoted):
        await connection.execute(text(statement))
    return True


def _grants(role: str) -> Iterator[str]:
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}"
    yield f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role}"
    yield f"GRANT USAGE ON SCHEMA public TO {role}"
    yield f"GRANT SELECT ON alembic_version TO {role}"
    for table in metadata.tables:
        yield f"GRANT {privileges(table)} ON {table} TO {role}"
    for function in FUNCTIONS:
        yield f"GRANT EXECUTE ON FUNCTION {function} TO {role}"
