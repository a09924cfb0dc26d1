"""The health of gateways: its state, and its checks in monthly partitions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MONTHS_AHEAD = 6

PARTITIONED = """
    CREATE OR REPLACE VIEW partitioned_tables (name, prefix, unique_columns) AS VALUES
        ('events', 'evt', 'subject_id, step, type'),
        ('webhook_attempts', 'dlv', NULL),
        ('audit_log', 'aud', NULL),
        ('gateway_calls', 'gwc', NULL),
        ('gateway_health_checks', 'ghc', NULL)
"""

REFUSE = "FOR EACH {scope} EXECUTE FUNCTION refuse_change()"
GUARDS = (
    f"CREATE TRIGGER refuse_update BEFORE UPDATE OR DELETE ON gateway_health_checks {REFUSE.format(scope='ROW')}",
    f"CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON gateway_health_checks {REFUSE.format(scope='STATEMENT')}",
    "CREATE TABLE gateway_health_checks_default PARTITION OF gateway_health_checks DEFAULT",
    "SELECT finish_partition('gateway_health_checks_default', NULL)",
)


def upgrade() -> None:
    """Create the tables, the guards and the partitions."""
    _create_state()
    _create_checks()
    for statement in (*GUARDS, PARTITIONED):
        op.execute(statement)
    op.execute(f"SELECT ensure_partitions({MONTHS_AHEAD})")


def _create_state() -> None:
    op.create_table(
        "gateway_health",
        sa.Column("gateway_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="unknown", nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "streak",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="checks in a row that contradict the status",
        ),
        sa.Column(
            "degraded_by",
            postgresql.ARRAY(sa.Text()),
            server_default="{}",
            nullable=False,
            comment="thresholds that are passed",
        ),
        sa.Column("degraded_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "quiet", sa.Integer(), server_default="0", nullable=False, comment="checks in a row that found none passed"
        ),
        sa.Column("message", sa.Text(), nullable=True, comment="of the last check, for people"),
        sa.Column("latency_ms", sa.Integer(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "version",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="counts the changes that have an event",
        ),
        sa.CheckConstraint(
            "status IN ('healthy', 'unhealthy', 'unknown')", name=op.f("ck_gateway_health_status_known")
        ),
        sa.CheckConstraint(
            "(degraded_since IS NULL) = (cardinality(degraded_by) = 0)",
            name=op.f("ck_gateway_health_degraded_has_reasons"),
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_gateway_health_merchant_id")),
        sa.PrimaryKeyConstraint("gateway_id", name=op.f("pk_gateway_health")),
    )
    op.create_index("ix_gateway_health_merchant_id", "gateway_health", ["merchant_id"])


def _create_checks() -> None:
    op.create_table(
        "gateway_health_checks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("gateway_id", sa.Text(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("latency_ms", sa.Integer(), nullable=True, comment="null: the gateway did not answer"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_gateway_health_checks_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_health_checks")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index(
        "ix_gateway_health_checks_merchant_id_gateway_id_id",
        "gateway_health_checks",
        ["merchant_id", "gateway_id", sa.literal_column("id DESC")],
    )


def downgrade() -> None:
    """Refuse: the rows would be lost."""
    message = "the rows would be lost; to go back, restore a backup"
    raise RuntimeError(message)
