"""Mails that wait to be sent: recorded with the act that they tell of, then sent by a workflow each.

A mail is a row before it is a workflow. So an act that is recorded has its mail, also when Temporal or the mail server
is away: housekeeping starts what has no workflow, and the workflow tries until the mail is too old.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from clearway.crypto.encryption import Cipher
from clearway.db import audit, mails
from clearway.domain.actor import Actor
from clearway.domain.ids import MAIL, new_id
from clearway.durable.calls import SIGNAL_TIMEOUT
from clearway.durable.messages import MAIL_WORKFLOW, QUEUE_MAILS, MailInput, mail_workflow_id
from clearway.mail.letters import Letter

GIVE_UP_AFTER: Final = timedelta(days=3)
"""How long a mail server may be away before a mail ends as failed, as between mail servers (RFC 5321, 4.5.4.1)."""

_LETTER: Final = TypeAdapter(Letter)
log = structlog.get_logger(__name__)


async def record(
    connection: AsyncConnection,
    cipher: Cipher,
    letter: Letter,
    *,
    user_id: str | None = None,
    mail_id: str | None = None,
) -> str:
    """Record a mail in the transaction of the act that it tells of; return its id. After the commit call `start`.

    user_id: the mail is deleted with this user. mail_id: of the caller, so that a repeated act sends one mail.
    """
    mail_id = mail_id or new_id(MAIL)
    give_up_at = datetime.now(UTC) + GIVE_UP_AFTER
    if letter.useless_after is not None:
        give_up_at = min(give_up_at, letter.useless_after)
    sealed = cipher.encrypt(_LETTER.dump_json(letter).decode(), letter_context(mail_id))
    new = mails.NewMail(mail_id, letter.template, sealed, give_up_at, letter.useless_after, user_id)
    await mails.add(connection, new)
    return mail_id


async def start(temporal: Client, *mail_ids: str) -> None:
    """Start the workflows of recorded mails. Never raises: what can't be started now, housekeeping starts."""
    await asyncio.gather(*(_start(temporal, mail_id) for mail_id in mail_ids))


async def reopen(connection: AsyncConnection, mail_id: str | None = None) -> list[str]:
    """Let failed mails be sent again, one or all; return their ids. Those whose links have expired stay failed."""
    now = datetime.now(UTC)
    return list(await mails.reopen(connection, mail_id, now, now + GIVE_UP_AFTER))


async def resend(connection: AsyncConnection, actor: Actor, mail_id: str) -> list[str]:
    """Let one failed mail be sent again, and record who did. Empty: it did not fail, or its links have expired."""
    reopened = await reopen(connection, mail_id)
    for each in reopened:
        await audit.record(connection, actor, "mail.resend", each)
    return reopened


async def read(connection: AsyncConnection, cipher: Cipher, actor: Actor, mail_id: str) -> dict[str, Any] | None:
    """Return a mail that is not sent yet, and record who read it. None: it is unknown, or sent."""
    row = await mails.find(connection, mail_id)
    if row is None or row.sealed_letter is None:
        return None
    await audit.record(connection, actor, "mail.read", mail_id)
    letter: dict[str, Any] = _LETTER.dump_python(open_letter(cipher, mail_id, row.sealed_letter), mode="json")
    return letter


def open_letter(cipher: Cipher, mail_id: str, sealed: str) -> Letter:
    """Return the letter of a row. Raises DecryptionError."""
    return _LETTER.validate_json(cipher.decrypt(sealed, letter_context(mail_id)))


def letter_context(mail_id: str) -> str:
    """Return the context that binds a sealed letter to its row."""
    return f"mails/{mail_id}/letter"


async def _start(temporal: Client, mail_id: str) -> None:
    try:
        await temporal.start_workflow(
            MAIL_WORKFLOW,
            MailInput(mail_id),
            id=mail_workflow_id(mail_id),
            task_queue=QUEUE_MAILS,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            rpc_timeout=SIGNAL_TIMEOUT,
        )
    except (RPCError, RuntimeError, WorkflowAlreadyStartedError) as error:
        log.warning("mail_not_started", mail_id=mail_id, error=type(error).__name__, next="housekeeping starts it")
