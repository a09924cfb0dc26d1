"""The audit log. Partitioned by month, by the time in the id."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from clearway.db.tables.base import SEALED, metadata, moment

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject_type", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'")),
    Column("request_id", Text),
    Column("address", Text, info=SEALED, comment="encrypted: of the client that sent the request"),
    moment("created_at"),
    Index("ix_audit_log_merchant_id_id", "merchant_id", text("id DESC")),
    Index("ix_audit_log_merchant_id_actor_id", "merchant_id", "actor", text("id DESC")),
    Index("ix_audit_log_subject_id_id", "subject_id", "id"),
    postgresql_partition_by="RANGE (id)",
)
