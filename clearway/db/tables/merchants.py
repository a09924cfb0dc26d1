"""Accounts, their merchants (a live and a test one each), and the API keys of merchants."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from clearway.db.tables.base import SEALED, metadata, moment, one_of
from clearway.domain.merchant import Mode

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column(
        "totp_required", Boolean, nullable=False, server_default=text("false"), comment="members sign in with TOTP only"
    ),
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
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("permissions", ARRAY(Text), comment="null: all current and future ones"),
    Column("allowed_networks", ARRAY(Text), nullable=False, server_default="{}", comment="CIDR; empty: any address"),
    moment("expires_at", nullable=True),
    Column("secret_hash", LargeBinary, nullable=False, comment="HMAC-SHA256 of the secret with the pepper"),
    Column("pepper_id", Text, nullable=False),
    moment("secret_set_at"),
    Column(
        "sealed_secret", Text, info=SEALED, comment="encrypted, as long as the request that made it may be repeated"
    ),
    Column("rotation_id", Text, comment="the id under which the secret was rotated last"),
    Column("previous_secret_hash", LargeBinary),
    Column("previous_pepper_id", Text),
    moment("previous_secret_expires_at", nullable=True),
    moment("last_used_at", nullable=True),
    Column("created_by", Text, nullable=False, comment="as in audit_log.actor"),
    moment("created_at"),
    moment("revoked_at", nullable=True),
    Index("ix_api_keys_merchant_id_id", "merchant_id", text("id DESC")),
    Index("ix_api_keys_sealed", "secret_set_at", postgresql_where=text("sealed_secret IS NOT NULL")),
)
