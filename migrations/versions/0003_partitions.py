"""Monthly partitions of the append-only tables, by the time in their ids, and the function that makes more of them.

`ensure_partitions` runs with the rights of its owner, so that the application, which may not change tables, can ask for
the next months (activity `ensure_partitions`). To partition a further table, add it to `partitioned_tables`,
as `0004_gateway_calls` does.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MONTHS_AHEAD = 6

# The lowest id of a moment: 48 bits of milliseconds in ten digits of base 32, as in clearway.domain.ids.
ID_BOUND = """
    CREATE FUNCTION id_bound(prefix text, moment timestamptz) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
    DECLARE
        digits CONSTANT text := '0123456789abcdefghjkmnpqrstvwxyz';
        rest bigint := floor(extract(epoch FROM moment) * 1000);
        body text := '';
    BEGIN
        FOR place IN 1..10 LOOP
            body := substr(digits, (rest % 32)::integer + 1, 1) || body;
            rest := rest / 32;
        END LOOP;
        RETURN prefix || '_' || body;
    END $$
"""

TABLES = """
    CREATE VIEW partitioned_tables (name, prefix, unique_columns) AS VALUES
        ('events', 'evt', 'subject_id, step, type'),
        ('webhook_attempts', 'dlv', NULL),
        ('audit_log', 'aud', NULL)
"""

# What a partition has beyond its table: a unique index that the table cannot have, and the guard against TRUNCATE,
# which fires for the table that is named only.
FINISH = """
    CREATE FUNCTION finish_partition(partition text, unique_columns text) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        IF unique_columns IS NOT NULL THEN
            EXECUTE format('CREATE UNIQUE INDEX %I ON %I (%s)', 'uq_' || partition, partition, unique_columns);
        END IF;
        EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON %I EXECUTE FUNCTION refuse_change()',
            partition);
    END $$
"""

# A partition is made apart and attached: that locks the default partition for a moment, and nobody waits longer than
# the lock timeout. What cannot be made now is left out with a warning, and the next round tries again.
ENSURE = """
    CREATE FUNCTION ensure_partitions(months_ahead integer)
    RETURNS TABLE (table_name text, made integer, missing integer, outside bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '500ms' AS $$
    DECLARE
        each record;
        month timestamp;
        partition text;
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('ensure_partitions'));
        FOR each IN SELECT * FROM partitioned_tables LOOP
            table_name := each.name;
            made := 0;
            missing := 0;
            FOR ahead IN 0..least(months_ahead, 24) LOOP
                month := date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead);
                partition := each.name || to_char(month, '_YYYY_MM');
                CONTINUE WHEN to_regclass(partition) IS NOT NULL;
                BEGIN
                    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', partition, each.name);
                    PERFORM finish_partition(partition, each.unique_columns);
                    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', each.name,
                        partition, id_bound(each.prefix, month AT TIME ZONE 'UTC'),
                        id_bound(each.prefix, (month + interval '1 month') AT TIME ZONE 'UTC'));
                    made := made + 1;
                EXCEPTION WHEN check_violation OR lock_not_available THEN
                    missing := missing + 1;
                    RAISE WARNING 'partition % is not made: %', partition, SQLERRM;
                END;
            END LOOP;
            EXECUTE format('SELECT count(*) FROM (SELECT FROM %I LIMIT 10000) rows', each.name || '_default')
                INTO outside;
            RETURN NEXT;
        END LOOP;
    END $$
"""

DEFAULTS = """
    DO $$
    DECLARE
        each record;
    BEGIN
        FOR each IN SELECT * FROM partitioned_tables LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', each.name || '_default', each.name);
            PERFORM finish_partition(each.name || '_default', each.unique_columns);
        END LOOP;
    END $$
"""


def upgrade() -> None:
    """Create the functions and the first partitions."""
    for statement in (ID_BOUND, TABLES, FINISH, ENSURE, DEFAULTS):
        op.execute(statement)
    op.execute("REVOKE ALL ON FUNCTION ensure_partitions(integer), finish_partition(text, text) FROM PUBLIC")
    op.execute(f"SELECT ensure_partitions({MONTHS_AHEAD})")


def downgrade() -> None:
    """Refuse: the partitions hold the rows."""
    message = "the partitions hold the rows; to go back, restore a backup"
    raise RuntimeError(message)
