"""Dropping months of the audit log that are no longer kept.

The function runs with the rights of its owner, because the application may not change tables. It keeps a year at least,
so that nobody who has the application's role can remove what they did.
"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

EXPIRE = """
    CREATE FUNCTION expire_audit_log(months_kept integer) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '500ms' AS $$
    DECLARE
        partition text;
        first_kept text := to_char((date_trunc('month', now() AT TIME ZONE 'UTC')
            - make_interval(months => months_kept)), '"audit_log_"YYYY_MM');
    BEGIN
        IF months_kept < 12 THEN
            RAISE EXCEPTION 'at least 12 months of the audit log are kept' USING ERRCODE = 'check_violation';
        END IF;
        FOR partition IN
            SELECT child.relname::text FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
            WHERE inhparent = 'audit_log'::regclass AND child.relname ~ '^audit_log_[0-9]{4}_[0-9]{2}$'
                AND child.relname::text COLLATE "C" < first_kept COLLATE "C"
            ORDER BY 1
        LOOP
            BEGIN
                EXECUTE format('DROP TABLE %I', partition);
                RETURN NEXT partition;
            EXCEPTION WHEN lock_not_available THEN
                RAISE WARNING 'partition % is not dropped: %', partition, SQLERRM;
            END;
        END LOOP;
    END $$
"""


def upgrade() -> None:
    """Create the function."""
    op.execute(EXPIRE)
    op.execute("REVOKE ALL ON FUNCTION expire_audit_log(integer) FROM PUBLIC")


def downgrade() -> None:
    """Drop the function."""
    op.execute("DROP FUNCTION expire_audit_log(integer)")
