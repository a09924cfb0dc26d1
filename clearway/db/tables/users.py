"""People who sign in, their memberships in accounts, and their sessions.

A person is in the row of `users`, which can be changed and emptied. Network addresses of sessions are sealed.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from clearway.db.tables.base import SEALED, metadata, moment, one_of, search_key_sql
from clearway.domain.roles import Role
from clearway.domain.user import SessionEnd, SessionKind, TokenPurpose

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, comment="verified; null: the user is deleted"),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, comment="argon2id; null: the user is deleted"),
    moment("password_changed_at"),
    Column("short_password", Boolean, nullable=False, server_default=text("false"), comment="only beside TOTP"),
    Column("is_operator", Boolean, nullable=False, server_default=text("false")),
    Column("sealed_totp_secret", Text, info=SEALED, comment="encrypted; it counts from totp_enabled_at on"),
    moment("totp_enabled_at", nullable=True),
    Column("totp_step", BigInteger, comment="the time step of the last accepted code: a code counts once"),
    moment("created_at"),
    moment("disabled_at", nullable=True),
    moment("deleted_at", nullable=True),
    Index("uq_users_email", search_key_sql("email"), unique=True),
    CheckConstraint("(deleted_at IS NULL) = (email IS NOT NULL)", name="deleted_is_emptied"),
    CheckConstraint("totp_enabled_at IS NULL OR sealed_totp_secret IS NOT NULL", name="totp_has_secret"),
    CheckConstraint("NOT short_password OR totp_enabled_at IS NOT NULL", name="short_password_beside_totp"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("role", Text, nullable=False),
    Column("created_by", Text, nullable=False, comment="as in audit_log.actor"),
    moment("created_at"),
    PrimaryKeyConstraint("account_id", "user_id"),
    CheckConstraint(one_of("role", Role), name="role_known"),
    Index("ix_memberships_user_id", "user_id"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("secret_hash", LargeBinary, comment="keyed hash of the cookie's secret; null: a program, which has tokens"),
    Column("pepper_id", Text),
    Column("generation", Integer, nullable=False, server_default="0", comment="of the newest refresh token"),
    Column("device", Text, nullable=False),
    Column("sealed_address", Text, info=SEALED, comment="encrypted; the network address of the last use"),
    Column("network_hash", LargeBinary, nullable=False, comment="keyed hash of the network of the sign-in"),
    moment("created_at"),
    moment("last_used_at"),
    moment("expires_at"),
    moment("stepped_up_at", nullable=True),
    moment("ended_at", nullable=True),
    Column("end_reason", Text),
    CheckConstraint(one_of("kind", SessionKind), name="kind_known"),
    CheckConstraint(one_of("end_reason", SessionEnd), name="end_known"),
    CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="end_has_reason"),
    CheckConstraint("(kind = 'browser') = (secret_hash IS NOT NULL)", name="browser_has_secret"),
    Index("ix_sessions_user_id", "user_id"),
    Index("ix_sessions_expires_at", "expires_at"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("session_id", Text, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("token_hash", LargeBinary, nullable=False, comment="keyed hash"),
    Column("pepper_id", Text, nullable=False),
    moment("created_at"),
    moment("used_at", nullable=True),
    PrimaryKeyConstraint("session_id", "generation"),
)

one_time_tokens = Table(
    "one_time_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("user_id", Text, ForeignKey("users.id"), comment="null: somebody who registers"),
    Column("token_hash", LargeBinary, nullable=False, comment="keyed hash"),
    Column("pepper_id", Text, nullable=False),
    Column("sealed_data", Text, info=SEALED, comment="encrypted: the address and names that the link is for"),
    moment("created_at"),
    moment("expires_at"),
    moment("used_at", nullable=True),
    CheckConstraint(one_of("purpose", TokenPurpose), name="purpose_known"),
    Index("ix_one_time_tokens_user_id", "user_id"),
    Index("ix_one_time_tokens_expires_at", "expires_at"),
)

mail_requests = Table(
    "mail_requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column(
        "sealed_request",
        Text,
        nullable=False,
        info=SEALED,
        comment="encrypted: the address and the kind of mail",
    ),
    moment("created_at"),
    Index("ix_mail_requests_created_at", "created_at"),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("code_hash", LargeBinary, nullable=False, comment="keyed hash; a used code is deleted"),
    Column("pepper_id", Text, nullable=False),
    PrimaryKeyConstraint("user_id", "code_hash"),
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("subject", LargeBinary, primary_key=True, comment="keyed hash of an account, a network or a user"),
    Column("failures", Integer, nullable=False),
    moment("last_at"),
    Index("ix_sign_in_failures_last_at", "last_at"),
)
