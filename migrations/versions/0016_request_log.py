"""Requests of merchants: a row each, append-only, in monthly partitions that are dropped when they are old."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MONTHS_AHEAD = 6

PARTITIONED = """
    CREATE OR REPLACE VIEW partitioned_tables (name, prefix, unique_columns) AS VALUES
        ('events', 'evt', 'subject_id, step, type'),
        ('webhook_attempts', 'dlv', NULL),
        ('audit_log', 'aud', NULL),
        ('gateway_calls', 'gwc', NULL),
        ('gateway_health_checks', 'ghc', NULL),
        ('request_log', 'rql', NULL)
"""

REFUSE = "FOR EACH {scope} EXECUTE FUNCTION refuse_change()"
GUARDS = (
    f"CREATE TRIGGER refuse_update BEFORE UPDATE OR DELETE ON request_log {REFUSE.format(scope='ROW')}",
    f"CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON request_log {REFUSE.format(scope='STATEMENT')}",
    "CREATE TABLE request_log_default PARTITION OF request_log DEFAULT",
    "SELECT finish_partition('request_log_default', NULL)",
)

# With the rights of its owner, for this table alone: the application can drop no table. A month is dropped when all of
# it is older than asked, and nobody waits longer than the lock timeout for it.
FORGET = """
    CREATE FUNCTION forget_request_log(before timestamptz) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '500ms' AS $$
    DECLARE
        each record;
        forgotten integer := 0;
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('ensure_partitions'));
        FOR each IN
            SELECT relname AS name, to_date(right(relname, 7), 'YYYY_MM') AS month
            FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
            WHERE inhparent = 'request_log'::regclass AND relname ~ '^request_log_[0-9]{4}_[0-9]{2}$'
        LOOP
            CONTINUE WHEN (each.month + interval '1 month') AT TIME ZONE 'UTC' > least(before, now());
            BEGIN
                EXECUTE format('DROP TABLE %I', each.name);
                forgotten := forgotten + 1;
            EXCEPTION WHEN lock_not_available THEN
                RAISE WARNING 'partition % is not dropped: %', each.name, SQLERRM;
            END;
        END LOOP;
        RETURN forgotten;
    END $$
"""


def upgrade() -> None:
    """Create the table, its guards, its partitions and the function that drops old ones."""
    op.create_table(
        "request_log",
        sa.Column("id", sa.Text(), nullable=False, comment="its time is the start of the request"),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False, comment="the template of the path"),
        sa.Column("subject_id", sa.Text(), nullable=True, comment="the id in the path that Clearway made"),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True, comment="of a problem"),
        sa.Column("actor", sa.Text(), nullable=False, comment="key:… or user:…"),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("request_body", sa.Text(), nullable=True, comment="masked JSON"),
        sa.Column("response_body", sa.Text(), nullable=True, comment="masked JSON"),
        sa.CheckConstraint("duration_ms >= 0", name=op.f("ck_request_log_duration_not_negative")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_request_log_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_log")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index("ix_request_log_merchant_id_id", "request_log", ["merchant_id", sa.literal_column("id DESC")])
    op.create_index("ix_request_log_merchant_id_request_id", "request_log", ["merchant_id", "request_id"])
    for statement in (*GUARDS, PARTITIONED, FORGET):
        op.execute(statement)
    op.execute("REVOKE ALL ON FUNCTION forget_request_log(timestamptz) FROM PUBLIC")
    op.execute(f"SELECT ensure_partitions({MONTHS_AHEAD})")


def downgrade() -> None:
    """Refuse: the partitions hold the rows."""
    message = "the partitions hold the rows; to go back, restore a backup"
    raise RuntimeError(message)
