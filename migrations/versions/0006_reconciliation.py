"""Reconciliation: runs, what gateways report, imports, items, and their append-only corrections."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# A balance row stays as it was listed. It is matched once, and booked once; what is booked as unmatched may be matched.
GUARDS = (
    """
    CREATE FUNCTION guard_settlement_row() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF to_jsonb(NEW) - 'payment_id' - 'refund_id' - 'booked_to' - 'booked_at'
            IS DISTINCT FROM to_jsonb(OLD) - 'payment_id' - 'refund_id' - 'booked_to' - 'booked_at' THEN
            RAISE EXCEPTION 'a balance row stays as it was listed' USING ERRCODE = 'check_violation';
        END IF;
        IF OLD.payment_id IS NOT NULL AND NEW.payment_id IS DISTINCT FROM OLD.payment_id
            OR OLD.refund_id IS NOT NULL AND NEW.refund_id IS DISTINCT FROM OLD.refund_id
            OR OLD.booked_to IS NOT NULL AND OLD.booked_to <> 'unmatched'
            AND NEW.booked_to IS DISTINCT FROM OLD.booked_to THEN
            RAISE EXCEPTION 'balance row % is matched and booked once', OLD.id USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER guard_settlement_row BEFORE UPDATE ON settlement_rows
    FOR EACH ROW EXECUTE FUNCTION guard_settlement_row()
    """,
    """
    CREATE FUNCTION guard_reconciliation_item() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.state <> 'open' AND NEW.state IS DISTINCT FROM OLD.state THEN
            RAISE EXCEPTION 'item % is closed for good', OLD.id USING ERRCODE = 'check_violation';
        END IF;
        IF to_jsonb(NEW) - 'state' - 'closed_at' IS DISTINCT FROM to_jsonb(OLD) - 'state' - 'closed_at' THEN
            RAISE EXCEPTION 'an item stays as it was found' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER guard_reconciliation_item BEFORE UPDATE ON reconciliation_items
    FOR EACH ROW EXECUTE FUNCTION guard_reconciliation_item()
    """,
    """
    CREATE TRIGGER refuse_update BEFORE UPDATE OR DELETE ON reconciliation_corrections
    FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON reconciliation_corrections
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    "CREATE TRIGGER refuse_delete BEFORE DELETE ON settlement_rows FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER refuse_delete BEFORE DELETE ON reconciliation_items FOR EACH ROW EXECUTE FUNCTION refuse_change()",
)


def upgrade() -> None:
    """Create the tables and their guards."""
    op.create_table(
        "payouts",
        sa.Column("gateway_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("bank_reference", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("arrives_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status IN ('failed', 'paid', 'pending')", name=op.f("ck_payouts_status_known")),
        sa.ForeignKeyConstraint(
            ["gateway_id", "merchant_id"],
            ["gateway_configs.id", "gateway_configs.merchant_id"],
            name="fk_payouts_gateway",
        ),
        sa.PrimaryKeyConstraint("gateway_id", "id", name=op.f("pk_payouts")),
    )
    op.create_index("ix_payouts_created_at", "payouts", ["gateway_id", "created_at"], unique=False)
    op.create_table(
        "reconciliations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("gateway_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True, comment="where the next page of the step begins"),
        sa.Column(
            "pages",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="counts the pages: a page is written once",
        ),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'running') = (ended_at IS NULL)", name=op.f("ck_reconciliations_ended_when_done")
        ),
        sa.CheckConstraint(
            "status IN ('completed', 'failed', 'running')", name=op.f("ck_reconciliations_status_known")
        ),
        sa.CheckConstraint(
            "step IN ('book', 'compare_bank', 'compare_operations', 'compare_payments', 'compare_payouts', "
            "'compare_refunds', 'compare_unlisted', 'done', 'operations', 'payout_rows', 'payouts', 'rows')",
            name=op.f("ck_reconciliations_step_known"),
        ),
        sa.CheckConstraint("since < until", name=op.f("ck_reconciliations_period_not_empty")),
        sa.ForeignKeyConstraint(
            ["gateway_id", "merchant_id"],
            ["gateway_configs.id", "gateway_configs.merchant_id"],
            name="fk_reconciliations_gateway",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliations")),
    )
    op.create_index("ix_reconciliations_gateway_id_until", "reconciliations", ["gateway_id", "until"], unique=False)
    op.create_index(
        "ix_reconciliations_merchant_id_id",
        "reconciliations",
        ["merchant_id", sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "uq_reconciliations_running",
        "reconciliations",
        ["gateway_id"],
        unique=True,
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_table(
        "settlement_imports",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("gateway_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False, comment="of the file: the same file is imported once"),
        sa.Column("columns", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="the column map"),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False, comment="rows that were not there before"),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("target IN ('balance_rows', 'bank_lines')", name=op.f("ck_settlement_imports_target_known")),
        sa.ForeignKeyConstraint(
            ["gateway_id", "merchant_id"],
            ["gateway_configs.id", "gateway_configs.merchant_id"],
            name="fk_settlement_imports_gateway",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_imports")),
        sa.UniqueConstraint(
            "gateway_id", "target", "digest", name=op.f("uq_settlement_imports_gateway_id_target_digest")
        ),
    )
    op.create_table(
        "bank_lines",
        sa.Column("gateway_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("booked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("listed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("import_id", sa.Text(), nullable=False),
        sa.Column("payout_id", sa.Text(), nullable=True, comment="set once, when it is matched"),
        sa.ForeignKeyConstraint(
            ["gateway_id", "merchant_id"],
            ["gateway_configs.id", "gateway_configs.merchant_id"],
            name="fk_bank_lines_gateway",
        ),
        sa.ForeignKeyConstraint(["import_id"], ["settlement_imports.id"], name=op.f("fk_bank_lines_import_id")),
        sa.PrimaryKeyConstraint("gateway_id", "id", name=op.f("pk_bank_lines")),
    )
    op.create_index(
        "ix_bank_lines_unmatched",
        "bank_lines",
        ["gateway_id", "id"],
        unique=False,
        postgresql_where=sa.text("payout_id IS NULL"),
    )
    op.create_table(
        "gateway_operations",
        sa.Column("gateway_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False, comment="our operation key, or the gateway's id where it has none"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("operation_key", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.Text(), nullable=True, comment="as the gateway reports it: it may be of nobody"),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("captured", sa.Boolean(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("reconciliation_id", sa.Text(), nullable=False, comment="which listed it last"),
        sa.Column("listed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["gateway_id", "merchant_id"],
            ["gateway_configs.id", "gateway_configs.merchant_id"],
            name="fk_gateway_operations_gateway",
        ),
        sa.ForeignKeyConstraint(
            ["reconciliation_id"], ["reconciliations.id"], name=op.f("fk_gateway_operations_reconciliation_id")
        ),
        sa.PrimaryKeyConstraint("gateway_id", "id", name=op.f("pk_gateway_operations")),
    )
    op.create_index(
        "ix_gateway_operations_payment_id", "gateway_operations", ["gateway_id", "payment_id"], unique=False
    )
    op.create_index(
        "ix_gateway_operations_reconciliation_id_id", "gateway_operations", ["reconciliation_id", "id"], unique=False
    )
    op.create_table(
        "payout_rows",
        sa.Column("gateway_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("payout_id", sa.Text(), nullable=False),
        sa.Column("row_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["gateway_id", "merchant_id"],
            ["gateway_configs.id", "gateway_configs.merchant_id"],
            name="fk_payout_rows_gateway",
        ),
        sa.ForeignKeyConstraint(
            ["gateway_id", "payout_id"], ["payouts.gateway_id", "payouts.id"], name="fk_payout_rows_payout"
        ),
        sa.PrimaryKeyConstraint("gateway_id", "payout_id", "row_id", name=op.f("pk_payout_rows")),
    )
    op.create_table(
        "reconciliation_items",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("gateway_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("reconciliation_id", sa.Text(), nullable=False, comment="which found it first"),
        sa.Column("comparison", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("at_risk_minor", sa.BigInteger(), nullable=False),
        sa.Column("expected_minor", sa.BigInteger(), nullable=True),
        sa.Column("found_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("refund_id", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'open') = (closed_at IS NULL)", name=op.f("ck_reconciliation_items_closed_in_full")
        ),
        sa.CheckConstraint(
            "comparison IN ('balance', 'operations', 'payouts')", name=op.f("ck_reconciliation_items_comparison_known")
        ),
        sa.CheckConstraint(
            "kind IN ('amount_differs', 'currency_differs', 'data_unreadable', 'dispute_unbooked', "
            "'duplicate_at_gateway', 'fee_unexpected', 'fx_outside_tolerance', 'late', "
            "'missing_at_gateway', 'missing_with_us', 'payout_over', 'payout_short', 'reversed_payment', "
            "'state_differs', 'too_early', 'unmatched_bank_line')",
            name=op.f("ck_reconciliation_items_kind_known"),
        ),
        sa.CheckConstraint(
            "severity IN ('high', 'info', 'low', 'medium')", name=op.f("ck_reconciliation_items_severity_known")
        ),
        sa.CheckConstraint(
            "state IN ('corrected', 'explained', 'open', 'written_off')",
            name=op.f("ck_reconciliation_items_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["gateway_id", "merchant_id"],
            ["gateway_configs.id", "gateway_configs.merchant_id"],
            name="fk_reconciliation_items_gateway",
        ),
        sa.ForeignKeyConstraint(
            ["reconciliation_id"], ["reconciliations.id"], name=op.f("fk_reconciliation_items_reconciliation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_items")),
    )
    op.create_index(
        "ix_reconciliation_items_gateway_id_subject", "reconciliation_items", ["gateway_id", "subject"], unique=False
    )
    op.create_index(
        "uq_reconciliation_items_open",
        "reconciliation_items",
        ["gateway_id", "comparison", "subject", "kind"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_reconciliation_items_merchant_id_id",
        "reconciliation_items",
        ["merchant_id", sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_reconciliation_items_open",
        "reconciliation_items",
        ["merchant_id", sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_reconciliation_items_reconciliation_id", "reconciliation_items", ["reconciliation_id"], unique=False
    )
    op.create_table(
        "reconciliation_corrections",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("ledger_reference", sa.Text(), nullable=True, comment="of the transaction that books it, if any"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('corrected', 'explained', 'written_off')",
            name=op.f("ck_reconciliation_corrections_outcome_known"),
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["reconciliation_items.id"], name=op.f("fk_reconciliation_corrections_item_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_corrections")),
    )
    op.create_index(
        op.f("ix_reconciliation_corrections_item_id"), "reconciliation_corrections", ["item_id"], unique=False
    )
    op.create_table(
        "settlement_rows",
        sa.Column("gateway_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False, comment="the gateway's"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("customer_minor", sa.BigInteger(), nullable=True),
        sa.Column("customer_currency", sa.Text(), nullable=True),
        sa.Column("exchange_rate", sa.Numeric(precision=24, scale=12), nullable=True),
        sa.Column("source", sa.Text(), nullable=True, comment="the gateway's id of the operation"),
        sa.Column("payment_reference", sa.Text(), nullable=True),
        sa.Column("operation_key", sa.Text(), nullable=True),
        sa.Column("claimed_payment_id", sa.Text(), nullable=True, comment="our payment id as the gateway reports it"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("import_id", sa.Text(), nullable=True, comment="null: listed by the gateway"),
        sa.Column("payment_id", sa.Text(), nullable=True, comment="set once, when it is matched"),
        sa.Column("refund_id", sa.Text(), nullable=True),
        sa.Column(
            "booked_to",
            sa.Text(),
            nullable=True,
            comment="the account that the row is booked against; null: not booked yet",
        ),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('adjustment', 'charge', 'conversion', 'dispute', 'fee', 'payout', 'refund', 'reversal')",
            name=op.f("ck_settlement_rows_kind_known"),
        ),
        sa.CheckConstraint("(booked_at IS NULL) = (booked_to IS NULL)", name=op.f("ck_settlement_rows_booked_in_full")),
        sa.CheckConstraint(
            "net_minor = gross_minor - fee_minor", name=op.f("ck_settlement_rows_net_is_gross_less_fee")
        ),
        sa.ForeignKeyConstraint(
            ["gateway_id", "merchant_id"],
            ["gateway_configs.id", "gateway_configs.merchant_id"],
            name="fk_settlement_rows_gateway",
        ),
        sa.ForeignKeyConstraint(["import_id"], ["settlement_imports.id"], name=op.f("fk_settlement_rows_import_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_settlement_rows_payment_id")),
        sa.ForeignKeyConstraint(["refund_id"], ["refunds.id"], name=op.f("fk_settlement_rows_refund_id")),
        sa.PrimaryKeyConstraint("gateway_id", "id", name=op.f("pk_settlement_rows")),
    )
    op.create_index("ix_settlement_rows_created_at", "settlement_rows", ["gateway_id", "created_at"], unique=False)
    op.create_index("ix_settlement_rows_payment_id", "settlement_rows", ["payment_id"], unique=False)
    op.create_index("ix_settlement_rows_refund_id", "settlement_rows", ["refund_id"], unique=False)
    op.create_index(
        "ix_settlement_rows_unbooked",
        "settlement_rows",
        ["gateway_id", "id"],
        unique=False,
        postgresql_where=sa.text("booked_to IS NULL OR booked_to = 'unmatched'"),
    )
    for statement in GUARDS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: the rows are booked in the ledger."""
    message = "the rows are booked in the ledger; to go back, restore a backup"
    raise RuntimeError(message)
