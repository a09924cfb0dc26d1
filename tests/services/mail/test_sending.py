"""A mail from its row to the mail server, by the workflow, in skipped time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment

import worker
from activities.mail import MailActivities
from activities.maintenance import MaintenanceActivities
from clearway.crypto.encryption import Cipher
from clearway.db import mails as stored
from clearway.db.tables import audit_log, mails
from clearway.domain.actor import Actor
from clearway.durable.client import DATA_CONVERTER, connect
from clearway.durable.deliveries import TemporalDeliveries
from clearway.durable.messages import QUEUE_MAILS, mail_workflow_id
from clearway.mail import letters, outbox
from clearway.settings import Settings
from tests.services.api.conftest import changed, free_port
from tests.support.mail_server import MailServer, running_mail_server
from tests.support.patience import patient
from workflows.registry import strict_workflow_runner

TO = "ann@example.test"
LINK = "https://dashboard.example/reset?token=very-secret"
PATIENCE_S = 20.0


@dataclass
class Post:
    """The mail side: the outbox, a worker, and a port where a mail server may listen."""

    environment: WorkflowEnvironment
    client: Client
    engine: AsyncEngine
    settings: Settings
    port: int

    @property
    def cipher(self) -> Cipher:
        """What seals letters."""
        return Cipher.from_settings(self.settings.secret_keys.get_secret_value())

    async def record(self, letter: letters.Letter | None = None, **more: Any) -> str:
        """Record a mail."""
        async with self.engine.begin() as connection:
            return await outbox.record(connection, self.cipher, letter or a_letter(), **more)

    async def send(self, letter: letters.Letter | None = None, **more: Any) -> str:
        """Record a mail and start its workflow."""
        mail_id = await self.record(letter, **more)
        await outbox.start(self.client, mail_id)
        return mail_id

    async def row(self, mail_id: str) -> Any:
        """Return a mail's row."""
        async with self.engine.connect() as connection:
            return (await connection.execute(select(mails).where(mails.c.id == mail_id))).one_or_none()

    async def until(self, mail_id: str, status: str, *, tries: int = 0) -> Any:
        """Skip time, a minute at a time, until a mail has a status after so many tries."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                row = await self.row(mail_id)
                if row.status == status and row.tries >= tries:
                    return row
                await self.environment.sleep(timedelta(minutes=1))


def a_letter(expires_at: datetime | None = None) -> letters.Letter:
    """Return a letter with a secret link."""
    expires_at = expires_at or datetime.now(UTC) + timedelta(days=1)
    return letters.reset_password(TO, link=LINK, expires_at=expires_at, network_address="203.0.113.7")


@pytest.fixture(scope="module")
async def post_office(
    time_skipping: WorkflowEnvironment,
    engine: AsyncEngine,
    settings: Settings,
) -> AsyncIterator[Post]:
    """Run a worker of the mails queue whose settings name a port where nothing listens yet."""
    client = Client(**{**time_skipping.client.config(), "data_converter": DATA_CONVERTER})
    port = free_port()
    named = changed(settings, **MailServer(port).settings)
    post = Post(time_skipping, client, engine, named, port)
    activities = [MailActivities(engine, named, post.cipher).send]
    built = worker.build_worker(client, QUEUE_MAILS, activities, strict_workflow_runner())
    async with worker.working(patient([built])):
        yield post


@pytest.fixture
async def post(post_office: Post) -> Post:
    """Give a test the mail side."""
    return post_office


async def test_a_mail_server_that_is_away_loses_nothing(post: Post) -> None:
    """The mail waits and is tried again; when the server is back it gets it once, and the letter is removed."""
    mail_id = await post.send()
    waiting = await post.until(mail_id, "pending", tries=3)
    assert "Connect" in waiting.error
    async with running_mail_server(port=post.port) as server:
        sent = await post.until(mail_id, "sent")
    assert [mail["Message-ID"] for mail in server.mails()] == [f"<{mail_id}@shop.example>"]
    assert (sent.sealed_letter, sent.error) == (None, None)
    assert sent.ended_at is not None


async def test_a_temporary_refusal_is_tried_again(post: Post) -> None:
    """Greylisting delays a mail."""
    async with running_mail_server(port=post.port) as server:
        server.recipient_answers = ["450 4.2.0 greylisted"] * 2
        mail_id = await post.send()
        sent = await post.until(mail_id, "sent")
    assert (sent.tries, len(server.envelopes)) == (3, 1)


async def test_a_permanent_refusal_ends_at_once_and_can_be_sent_again_by_hand(post: Post) -> None:
    """5xx ends the mail after one try; its letter is kept, and `reopen` sends it."""
    async with running_mail_server(port=post.port) as server:
        server.recipient_answers = ["550 5.1.1 unknown"]
        mail_id = await post.send()
        failed = await post.until(mail_id, "failed")
        assert (failed.tries, server.seen) == (1, 1)
        assert "550" in failed.error
        async with post.engine.begin() as connection:
            assert await outbox.reopen(connection, mail_id) == [mail_id]
        await outbox.start(post.client, mail_id)
        await post.until(mail_id, "sent")
    assert len(server.envelopes) == 1


async def test_a_mail_ends_as_failed_when_it_is_too_old(post: Post) -> None:
    """After three days, or when its link has expired, a mail is given up, on record, and is not sent later."""
    mail_id = await post.send()
    row = await post.until(mail_id, "pending", tries=1)
    assert row.give_up_at == row.useless_after
    async with post.engine.begin() as connection:
        long_ago = datetime.now(UTC) - timedelta(minutes=1)
        aged = {"give_up_at": long_ago, "useless_after": long_ago}
        await connection.execute(update(mails).where(mails.c.id == mail_id).values(**aged))
    failed = await post.until(mail_id, "failed")
    assert failed.error.startswith("given up: SMTPConnectError")
    async with post.engine.begin() as connection:
        assert await outbox.reopen(connection, mail_id) == []


async def test_a_mail_without_a_link_that_expires_is_tried_for_three_days(post: Post) -> None:
    """The schedule of a notice ends after three days."""
    row = await post.row(await post.record(letters.trial(TO)))
    assert timedelta(days=2, hours=23) < row.give_up_at - row.created_at < timedelta(days=3, hours=1)


async def test_the_same_mail_is_sent_once(post: Post) -> None:
    """A repeated act records and sends one mail: the id decides, also after it was sent."""
    async with running_mail_server(port=post.port) as server:
        mail_id = await post.send(mail_id="mail_of_one_act")
        await post.until(mail_id, "sent")
        await post.send(letters.trial(TO), mail_id="mail_of_one_act")
        handle = post.client.get_workflow_handle(mail_workflow_id(mail_id))
        assert await handle.result() == "sent"
    assert len(server.envelopes) == 1


async def test_neither_temporal_nor_the_row_has_the_address_or_the_link(post: Post) -> None:
    """The history and every column hold no address and no link in clear, also of a mail that fails."""
    async with running_mail_server(port=post.port) as server:
        server.recipient_answers = [f"450 4.2.0 <{TO}> later", f"550 5.1.1 <{TO}> unknown"]
        mail_id = await post.send()
        row = await post.until(mail_id, "failed")
    history = (await post.client.get_workflow_handle(mail_workflow_id(mail_id)).fetch_history()).to_json()
    for text in (history, str(tuple(row))):
        assert TO not in text
        assert "very-secret" not in text
    assert "@" not in row.error


async def test_without_a_mail_server_a_mail_fails_on_record(post: Post, settings: Settings) -> None:
    """Nothing breaks: the mail ends as failed, the reason names the setting, and it can be sent later."""
    mail_id = await post.record()
    activities = MailActivities(post.engine, settings, post.cipher)
    assert await ActivityEnvironment().run(activities.send, mail_id) == "failed"
    row = await post.row(mail_id)
    assert "SMTP_HOST" in row.error
    assert row.sealed_letter is not None


async def test_a_mail_that_was_not_started_is_found(post: Post) -> None:
    """Temporal was away when the act was recorded: the request is not disturbed, and housekeeping starts the mail."""
    away = await connect(changed(post.settings, temporal_address=f"127.0.0.1:{free_port()}"), lazy=True)
    mail_id = await post.record()
    await outbox.start(away, mail_id)
    housekeeping = MaintenanceActivities(
        post.engine, TemporalDeliveries(post.client, ()), changed(post.settings, recovery_after_s=0)
    )
    async with running_mail_server(port=post.port) as server:
        assert await housekeeping.take_up_mails() >= 1
        await post.until(mail_id, "sent")
    assert len([mail for mail in server.mails() if mail["Message-ID"] == f"<{mail_id}@shop.example>"]) == 1


async def test_the_record_of_old_mails_is_deleted(post: Post) -> None:
    """After thirty days an ended mail is deleted."""
    old, new = [await post.record(letters.trial(TO)) for _ in range(2)]
    async with post.engine.begin() as connection:
        for mail_id in (old, new):
            await stored.note_end(connection, mail_id, "refused", tried=True)
        past = datetime.now(UTC) - timedelta(days=31)
        await connection.execute(update(mails).where(mails.c.id == old).values(created_at=past))
        assert await stored.forget_old(connection) == 1
    assert [await post.row(mail_id) is None for mail_id in (old, new)] == [True, False]


async def test_only_who_may_read_letters_reads_them_and_it_is_recorded(post: Post) -> None:
    """`clearway mail show` returns a letter that is not sent yet, with its link; the audit log has who read it."""
    mail_id = await post.record()
    async with post.engine.begin() as connection:
        letter = await outbox.read(connection, post.cipher, Actor("operator:ana", None), mail_id)
        assert letter is not None
        assert letter["action"]["link"] == LINK
        rows = (await connection.execute(select(audit_log.c.action).where(audit_log.c.subject_id == mail_id))).scalars()
        assert list(rows) == ["mail.read"]
        assert await outbox.read(connection, post.cipher, Actor("operator:ana", None), "mail_unknown") is None
