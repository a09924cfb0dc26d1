"""People who sign in: memberships, sessions, tokens, codes and failed attempts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "sign_in_failures",
        sa.Column("subject", sa.LargeBinary(), nullable=False, comment="keyed hash of an account, a network or a user"),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_sign_in_failures")),
    )
    op.create_index("ix_sign_in_failures_last_at", "sign_in_failures", ["last_at"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True, comment="verified; null: the user is deleted"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True, comment="argon2id; null: the user is deleted"),
        sa.Column("password_changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "short_password", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="only beside TOTP"
        ),
        sa.Column("is_operator", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "sealed_totp_secret", sa.Text(), nullable=True, comment="encrypted; it counts from totp_enabled_at on"
        ),
        sa.Column("totp_enabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "totp_step",
            sa.BigInteger(),
            nullable=True,
            comment="the time step of the last accepted code: a code counts once",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(deleted_at IS NULL) = (email IS NOT NULL)", name=op.f("ck_users_deleted_is_emptied")),
        sa.CheckConstraint(
            "NOT short_password OR totp_enabled_at IS NOT NULL", name=op.f("ck_users_short_password_beside_totp")
        ),
        sa.CheckConstraint(
            "totp_enabled_at IS NULL OR sealed_totp_secret IS NOT NULL", name=op.f("ck_users_totp_has_secret")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index("uq_users_email", "users", [sa.literal_column('lower(btrim(email) COLLATE "C")')], unique=True)
    op.create_table(
        "memberships",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False, comment="as in audit_log.actor"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "role IN ('admin', 'developer', 'finance', 'owner', 'support', 'viewer')",
            name=op.f("ck_memberships_role_known"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_memberships_account_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_memberships_user_id")),
        sa.PrimaryKeyConstraint("account_id", "user_id", name=op.f("pk_memberships")),
    )
    op.create_index("ix_memberships_user_id", "memberships", ["user_id"], unique=False)
    op.create_table(
        "one_time_tokens",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True, comment="null: somebody who registers"),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, comment="keyed hash"),
        sa.Column("pepper_id", sa.Text(), nullable=False),
        sa.Column(
            "sealed_data", sa.Text(), nullable=True, comment="encrypted: the address and names that the link is for"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "purpose IN ('change_email', 'register', 'reset_password')", name=op.f("ck_one_time_tokens_purpose_known")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_one_time_tokens_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_tokens")),
    )
    op.create_index("ix_one_time_tokens_expires_at", "one_time_tokens", ["expires_at"], unique=False)
    op.create_index("ix_one_time_tokens_user_id", "one_time_tokens", ["user_id"], unique=False)
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False, comment="keyed hash; a used code is deleted"),
        sa.Column("pepper_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id")),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name=op.f("pk_recovery_codes")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "secret_hash",
            sa.LargeBinary(),
            nullable=True,
            comment="keyed hash of the cookie's secret; null: a program, which has tokens",
        ),
        sa.Column("pepper_id", sa.Text(), nullable=True),
        sa.Column(
            "generation", sa.Integer(), server_default="0", nullable=False, comment="of the newest refresh token"
        ),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("sealed_address", sa.Text(), nullable=True, comment="encrypted; the network address of the last use"),
        sa.Column("network_hash", sa.LargeBinary(), nullable=False, comment="keyed hash of the network of the sign-in"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("stepped_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'browser') = (secret_hash IS NOT NULL)", name=op.f("ck_sessions_browser_has_secret")
        ),
        sa.CheckConstraint(
            "end_reason IN ('email_changed', 'password_changed', 'replaced', 'revoked', 'signed_out', "
            "'token_reused', 'totp_changed', 'user_deleted', 'user_disabled')",
            name=op.f("ck_sessions_end_known"),
        ),
        sa.CheckConstraint("kind IN ('browser', 'program')", name=op.f("ck_sessions_kind_known")),
        sa.CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name=op.f("ck_sessions_end_has_reason")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"], unique=False)
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"], unique=False)
    op.create_table(
        "refresh_tokens",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, comment="keyed hash"),
        sa.Column("pepper_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_refresh_tokens_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "generation", name=op.f("pk_refresh_tokens")),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("sign_in_failures")
    op.drop_table("recovery_codes")
    op.drop_table("one_time_tokens")
    op.drop_table("refresh_tokens")
    op.drop_table("sessions")
    op.drop_table("memberships")
    op.drop_table("users")
