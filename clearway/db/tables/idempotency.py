"""Idempotency keys and the answers stored under them."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from clearway.db.tables.base import SEALED, metadata, moment

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False, comment="keyed hash of method, path and body"),
    Column("resource_id", Text, nullable=False, comment="allocated for the key before anything is done"),
    Column("response_status", Integer),
    Column("response_body", LargeBinary, info=SEALED),
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "key"),
    Index("ix_idempotency_keys_created_at", "created_at"),
)
