"""Requests of merchants: append-only, partitioned by month by the time in the id, and forgotten by month."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, text

from clearway.db.tables.base import metadata, moment

request_log = Table(
    "request_log",
    metadata,
    Column("id", Text, primary_key=True, comment="its time is the start of the request"),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("method", Text, nullable=False),
    Column("route", Text, nullable=False, comment="the template of the path"),
    Column("subject_id", Text, comment="the id in the path that Clearway made"),
    Column("status", Integer, nullable=False),
    Column("error_code", Text, comment="of a problem"),
    Column("actor", Text, nullable=False, comment="key:… or user:…"),
    Column("request_id", Text, nullable=False),
    Column("idempotency_key", Text),
    moment("started_at"),
    Column("duration_ms", Integer, nullable=False),
    Column("request_body", Text, comment="masked JSON"),
    Column("response_body", Text, comment="masked JSON"),
    CheckConstraint("duration_ms >= 0", name="duration_not_negative"),
    Index("ix_request_log_merchant_id_id", "merchant_id", text("id DESC")),
    Index("ix_request_log_merchant_id_request_id", "merchant_id", "request_id"),
    postgresql_partition_by="RANGE (id)",
)
