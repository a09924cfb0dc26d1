"""Calls to gateways: a row each, append-only, in monthly partitions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MONTHS_AHEAD = 6

PARTITIONED = """
    CREATE OR REPLACE VIEW partitioned_tables (name, prefix, unique_columns) AS VALUES
        ('events', 'evt', 'subject_id, step, type'),
        ('webhook_attempts', 'dlv', NULL),
        ('audit_log', 'aud', NULL),
        ('gateway_calls', 'gwc', NULL)
"""

REFUSE = "FOR EACH {scope} EXECUTE FUNCTION refuse_change()"
GUARDS = (
    f"CREATE TRIGGER refuse_update BEFORE UPDATE OR DELETE ON gateway_calls {REFUSE.format(scope='ROW')}",
    f"CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON gateway_calls {REFUSE.format(scope='STATEMENT')}",
    "CREATE TABLE gateway_calls_default PARTITION OF gateway_calls DEFAULT",
    "SELECT finish_partition('gateway_calls_default', NULL)",
)


def upgrade() -> None:
    """Create the table, its guards and its partitions."""
    op.create_table(
        "gateway_calls",
        sa.Column("id", sa.Text(), nullable=False, comment="its time is the start of the call"),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("gateway_id", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("operation_key", sa.Text(), nullable=False, comment="the same for every repeat of the operation"),
        sa.Column("attempt", sa.Integer(), nullable=False, comment="the number in the operation key"),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=True, comment="of an authorisation"),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("latency_ms", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False, comment="a kind of clearway.gateways.contract.OutcomeKind"),
        sa.Column("executed", sa.Text(), nullable=False),
        sa.Column(
            "failure", sa.Text(), nullable=True, comment="unknown, retryable, slow, refused; null: no technical failure"
        ),
        sa.Column("error_code", sa.Text(), nullable=True, comment="the unified code"),
        sa.Column(
            "http_status",
            sa.Integer(),
            nullable=True,
            comment="of the last answer; null: none came, or it is not known",
        ),
        sa.CheckConstraint(
            "operation IN ('abort', 'authorise', 'capture', 'prepare', 'recover', 'refund', 'void')",
            name=op.f("ck_gateway_calls_operation_known"),
        ),
        sa.CheckConstraint("executed IN ('maybe', 'no', 'yes')", name=op.f("ck_gateway_calls_executed_known")),
        sa.CheckConstraint("latency_ms >= 0", name=op.f("ck_gateway_calls_latency_not_negative")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_gateway_calls_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_calls")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index("ix_gateway_calls_merchant_id_id", "gateway_calls", ["merchant_id", sa.literal_column("id DESC")])
    for statement in (*GUARDS, PARTITIONED):
        op.execute(statement)
    op.execute(f"SELECT ensure_partitions({MONTHS_AHEAD})")


def downgrade() -> None:
    """Refuse: the rows would be lost."""
    message = "the rows would be lost; to go back, restore a backup"
    raise RuntimeError(message)
