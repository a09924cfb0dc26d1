"""E-mails: the outbox and the status of each mail. The content is sealed, and removed once it is sent."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, text

from clearway.db.tables.base import SEALED, metadata, moment, one_of
from clearway.domain.mail import MailStatus, Template

mails = Table(
    "mails",
    metadata,
    Column("id", Text, primary_key=True),
    Column("template", Text, nullable=False),
    Column("user_id", Text, comment="whose mails are deleted with them; null: of operators, or not yet a user"),
    Column("status", Text, nullable=False, server_default=MailStatus.PENDING),
    Column("sealed_letter", Text, info=SEALED, comment="encrypted: address, text and links; null once it is sent"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("error", Text, comment="why the last try failed; names no address"),
    moment("useless_after", nullable=True),
    moment("give_up_at"),
    moment("due_at"),
    moment("created_at"),
    moment("ended_at", nullable=True),
    CheckConstraint(one_of("status", MailStatus), name="status_known"),
    CheckConstraint(one_of("template", Template), name="template_known"),
    CheckConstraint("(status = 'pending') = (ended_at IS NULL)", name="ended_when_final"),
    CheckConstraint("status = 'sent' OR sealed_letter IS NOT NULL", name="letter_kept_until_sent"),
    Index("ix_mails_due_at", "due_at", postgresql_where=text("status = 'pending'")),
    Index("ix_mails_created_at", "created_at"),
    Index("ix_mails_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
)
