"""Invitations to an account. The address is emptied when it is no longer needed."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, Table, Text, text

from clearway.db.tables.base import metadata, moment, one_of, search_key_sql
from clearway.domain.roles import Role

invitations = Table(
    "invitations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("email", Text, comment="null: accepted or revoked"),
    Column("role", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False, comment="keyed hash of the link's secret"),
    Column("pepper_id", Text, nullable=False),
    Column("created_by", Text, nullable=False, comment="as in audit_log.actor"),
    moment("created_at"),
    moment("expires_at"),
    moment("accepted_at", nullable=True),
    Column("accepted_by", Text, ForeignKey("users.id")),
    moment("revoked_at", nullable=True),
    CheckConstraint(one_of("role", Role), name="role_known"),
    CheckConstraint("accepted_at IS NULL OR revoked_at IS NULL", name="ended_once"),
    CheckConstraint("(accepted_at IS NULL) = (accepted_by IS NULL)", name="accepted_by_somebody"),
    CheckConstraint(
        "(accepted_at IS NULL AND revoked_at IS NULL) = (email IS NOT NULL)", name="address_as_long_as_needed"
    ),
    Index("ix_invitations_account_id_id", "account_id", text("id DESC")),
    Index("uq_invitations_account_id_email", "account_id", search_key_sql("email"), unique=True),
)
