"""Accounts, their merchants (a live and a test one each), and the API keys of merchants."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, LargeBinary, Table, Text, UniqueConstraint, text

from clearway.db.tables.base import metadata, moment, one_of
from clearway.domain.merchant import Mode

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    moment("created_at"),
)

merchants = Table(
    "merchants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("mode", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    moment("created_at"),
    CheckConstraint(one_of("mode", Mode), name="mode_known"),
    UniqueConstraint("account_id", "mode"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True, comment="the public half, sent as X-Api-Key"),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False, index=True),
    Column("secret_hash", LargeBinary, nullable=False, comment="HMAC-SHA256 of the secret with the pepper"),
    moment("created_at"),
    moment("revoked_at", nullable=True),
)
