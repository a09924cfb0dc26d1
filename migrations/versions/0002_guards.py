"""The triggers that keep the books balanced and the past unchanged, whatever code runs against the tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY_TABLES = (
    "ledger_accounts",
    "ledger_transactions",
    "ledger_entries",
    "captures",
    "events",
    "webhook_attempts",
    "audit_log",
)

# What is sealed in an append-only table may be sealed again with another key, and removed: `BEFORE UPDATE OF` the rest.
SEALED = {"webhook_attempts": "response_body", "audit_log": "address"}

# Checked by statement: the lines of a transaction are inserted together, so it is never unbalanced, not even inside
# its database transaction, and no later line can be added that would unbalance it.
BALANCE = (
    """
    CREATE FUNCTION ledger_entries_balance() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (
            SELECT FROM ledger_entries e
            WHERE e.transaction_id IN (SELECT transaction_id FROM written)
            GROUP BY e.transaction_id, e.currency
            HAVING sum(e.amount_minor) <> 0
        ) THEN
            RAISE EXCEPTION 'a ledger transaction does not sum to zero' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER ledger_entries_balance AFTER INSERT ON ledger_entries
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION ledger_entries_balance()
    """,
)

REFUSE_CHANGE = """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only: write a further row instead', TG_TABLE_NAME
            USING ERRCODE = 'check_violation';
    END $$
"""

ROW_GUARDS = (
    """
    CREATE FUNCTION guard_payment() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (NEW.id, NEW.merchant_id, NEW.order_id, NEW.amount_minor, NEW.currency, NEW.quote_id,
                NEW.settlement_minor, NEW.settlement_currency, NEW.fx_exact_minor, NEW.fx_rate)
            IS DISTINCT FROM (OLD.id, OLD.merchant_id, OLD.order_id, OLD.amount_minor, OLD.currency, OLD.quote_id,
                OLD.settlement_minor, OLD.settlement_currency, OLD.fx_exact_minor, OLD.fx_rate) THEN
            RAISE EXCEPTION 'what a payment is for never changes' USING ERRCODE = 'check_violation';
        END IF;
        IF OLD.status IN ('success', 'failed', 'cancelled', 'expired') AND NEW.status <> OLD.status THEN
            RAISE EXCEPTION 'payment % is % for good', OLD.id, OLD.status USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.captured_minor < OLD.captured_minor THEN
            RAISE EXCEPTION 'the captured amount only grows' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    "CREATE TRIGGER guard_payment BEFORE UPDATE ON payments FOR EACH ROW EXECUTE FUNCTION guard_payment()",
    """
    CREATE FUNCTION guard_refund() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (NEW.id, NEW.merchant_id, NEW.payment_id, NEW.currency)
            IS DISTINCT FROM (OLD.id, OLD.merchant_id, OLD.payment_id, OLD.currency) THEN
            RAISE EXCEPTION 'what a refund is for never changes' USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.amount_minor <> OLD.amount_minor AND NOT (OLD.status = 'needs_review' AND NEW.status = 'processed') THEN
            RAISE EXCEPTION 'a refund''s amount changes only when a review finds what moved'
                USING ERRCODE = 'check_violation';
        END IF;
        IF OLD.status IN ('processed', 'failed', 'reversed') AND NEW.status <> OLD.status
            AND NOT (OLD.status = 'processed' AND NEW.status = 'reversed') THEN
            RAISE EXCEPTION 'refund % is % for good', OLD.id, OLD.status USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    "CREATE TRIGGER guard_refund BEFORE UPDATE ON refunds FOR EACH ROW EXECUTE FUNCTION guard_refund()",
)

# An order ends under `FOR UPDATE`, and then looks for payments (`clearway.db.order_ends`). A new payment waits for that
# lock here, after it has been inserted and its uniqueness checked: so the order of locks is that of other steps.
ORDER_GUARDS = (
    """
    CREATE FUNCTION payments_order_open() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM FROM orders WHERE id = NEW.order_id AND status NOT IN ('cancelled', 'expired') FOR KEY SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'payments_order_open: order % takes no payment', NEW.order_id
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER payments_order_open AFTER INSERT ON payments FOR EACH ROW EXECUTE FUNCTION payments_order_open()",
    """
    CREATE FUNCTION guard_order() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.status IN ('paid', 'cancelled', 'expired') AND NEW.status <> OLD.status THEN
            RAISE EXCEPTION 'order % is % for good', OLD.id, OLD.status USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    "CREATE TRIGGER guard_order BEFORE UPDATE OF status ON orders FOR EACH ROW EXECUTE FUNCTION guard_order()",
)


def upgrade() -> None:
    """Create the guards; the driver takes one statement at a time."""
    for statement in (*BALANCE, REFUSE_CHANGE, *ROW_GUARDS, *ORDER_GUARDS):
        op.execute(statement)
    for table in APPEND_ONLY_TABLES:
        for action, scope in ((f"UPDATE{_guarded(table)} OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
            name = f"refuse_{action.split()[0].lower()}"
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {action} ON {table} FOR EACH {scope} EXECUTE FUNCTION refuse_change()"
            )


def _guarded(table: str) -> str:
    """Name the columns that a trigger guards; nothing: all of them."""
    if table not in SEALED:
        return ""
    columns = [column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)]
    guarded = [f'"{name}"' for name in columns if name != SEALED[table]]
    return f" OF {', '.join(guarded)}"


def downgrade() -> None:
    """Refuse: without the guards nothing holds the books."""
    message = "the guards hold the books; to go back, restore a backup"
    raise RuntimeError(message)
