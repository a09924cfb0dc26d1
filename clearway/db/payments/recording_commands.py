"""Record the commands of payments: before the gateway is called, and again when the outcome is known.

The database allocates a command's number, so a run that starts from the row never uses an operation key twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Executable, bindparam, exists, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import audit
from clearway.db.payments.rows import RecordMovedError, command_of
from clearway.db.tables import audit_log, payment_commands, payments
from clearway.db.writing import Changed, Rows, Write, until_written, write
from clearway.domain.command import CommandEnd, CommandKind, CommandStatus, NewCommand, PaymentCommand
from clearway.domain.payment import Payment, Retry

_NUMBER: Final = (
    select(func.coalesce(func.max(payment_commands.c.number), 0) + 1)
    .where(payment_commands.c.payment_id == bindparam("payment_id"), payment_commands.c.kind == bindparam("kind"))
    .scalar_subquery()
)
_COLUMNS: Final = ("id", "payment_id", "merchant_id", "kind", "amount_minor", "final", "created_at", "updated_at")
BEGIN: Final = (
    insert(payment_commands)
    .from_select(
        [*_COLUMNS, "status", "number"],
        select(
            *(bindparam(name, type_=payment_commands.c[name].type) for name in _COLUMNS),
            literal(CommandStatus.SENT.value),
            _NUMBER,
        ).where(exists().where(payments.c.id == bindparam("payment_id"), payments.c.version == bindparam("version"))),
    )
    .on_conflict_do_nothing()
    .returning(payment_commands)
)
_AUDITED: Final = (
    "id",
    "merchant_id",
    "actor",
    "action",
    "subject_type",
    "subject_id",
    "detail",
    "request_id",
    "address",
)
_BEGUN: Final = BEGIN.cte("begun")
_NOTED: Final = (
    insert(audit_log)
    .from_select(
        list(_AUDITED),
        select(*(bindparam(f"audit_{name}", type_=audit_log.c[name].type) for name in _AUDITED)).select_from(_BEGUN),
    )
    .cte("noted")
)
BEGIN_AUDITED: Final = select(_BEGUN).add_cte(_NOTED)
"""The command and its row in the audit log, in one statement."""
ACTIONS: Final = {
    CommandKind.CAPTURE: "payment.capture",
    CommandKind.VOID: "payment.cancel",
    CommandKind.RETRY: "payment.retry",
}
VERSION: Final = select(payments.c.version).where(payments.c.id == bindparam("payment_id"))
FIND: Final = select(payment_commands).where(payment_commands.c.id == bindparam("command_id"))


async def begin(
    connection: AsyncConnection, payment: Payment, new: NewCommand, *, now: datetime
) -> tuple[PaymentCommand, bool]:
    """Record a command before it is sent. Returns it, and whether this call recorded it (False: it was there).

    Raises RecordMovedError when the row differs from the run's state: then its command numbers may differ too.
    """
    values = {
        "id": new.id,
        "payment_id": payment.id,
        "merchant_id": payment.merchant_id,
        "kind": new.kind.value,
        "amount_minor": new.amount_minor,
        "final": new.final,
        "created_at": now,
        "updated_at": now,
        "version": payment.version,
    }

    statement: Executable = BEGIN
    if new.asked_by is not None:
        detail = {"command_id": new.id, "amount": new.amount_minor, "final": new.final}
        row = audit.entry(new.asked_by, ACTIONS[new.kind], payment.id, detail)
        values |= {f"audit_{name}": value for name, value in row.items()}
        statement = BEGIN_AUDITED

    async def attempt() -> tuple[PaymentCommand, bool] | None:
        row = (await connection.execute(statement, values)).first()
        if row is not None:
            return command_of(row), True
        there = (await connection.execute(FIND, {"command_id": new.id})).first()
        if there is not None:
            return command_of(there), False
        version = await connection.scalar(VERSION, {"payment_id": payment.id})
        if version != payment.version:
            message = f"{payment.id} is at step {version}, and its run, at {payment.version}, is about to send {new.id}"
            raise RecordMovedError(message)
        return None

    return await until_written(new.id, attempt)


async def end(connection: AsyncConnection, ended: CommandEnd, *, now: datetime) -> None:
    """Record the end of a command that changes nothing else."""
    await write(connection, [ending(ended, now)])


def retrying(payment: Payment, retry: Retry, now: datetime) -> list[Write]:
    """Return the writes of a retry that begins: its command, which is done with that, and its row in the audit log."""
    row = {
        "id": retry.id,
        "payment_id": payment.id,
        "merchant_id": payment.merchant_id,
        "kind": CommandKind.RETRY.value,
        "number": retry.number,
        "amount_minor": payment.amount_minor,
        "final": False,
        "status": CommandStatus.DONE.value,
        "created_at": now,
        "updated_at": now,
    }
    detail = {"command_id": retry.id, "attempt": retry.number, "gateway_id": payment.gateway_id}
    audited = audit.beside(retry.asked_by, ACTIONS[CommandKind.RETRY], payment.id, detail, now=now)
    return [Rows(payment_commands, [row]), *audited]


def ending(ended: CommandEnd, now: datetime) -> Write:
    """Return the write that records the end of a command. An ended command does not change."""
    values = {"status": ended.status.value, "refusal": ended.refusal, "updated_at": now}
    return Changed(payment_commands, ended.id, values, where={"status": CommandStatus.SENT.value})


async def all_of(connection: AsyncConnection, payment_id: str) -> Sequence[PaymentCommand]:
    """Return a payment's commands in the order they were recorded."""
    query = (
        select(payment_commands)
        .where(payment_commands.c.payment_id == payment_id)
        .order_by(payment_commands.c.created_at, payment_commands.c.number)
    )
    return [command_of(row) for row in await connection.execute(query)]
