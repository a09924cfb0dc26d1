"""Merchants and their API keys."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, LargeBinary, Table, Text, text

from clearway.db.tables.base import metadata, moment

merchants = Table(
    "merchants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    moment("created_at"),
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
