"""Indexes for the search of payments and for the list of orders by status."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the indexes."""
    op.create_index("ix_orders_merchant_id_status_id", "orders", ["merchant_id", "status", sa.text("id DESC")])
    op.create_index("ix_orders_merchant_id_receipt", "orders", ["merchant_id", "receipt"])
    op.create_index("ix_payments_merchant_id_vpa", "payments", ["merchant_id", sa.text("lower(instrument ->> 'vpa')")])
    op.create_index(
        "ix_payments_merchant_id_email", "payments", ["merchant_id", sa.text("lower(customer ->> 'email')")]
    )


def downgrade() -> None:
    """Drop the indexes."""
    op.drop_index("ix_payments_merchant_id_email", "payments")
    op.drop_index("ix_payments_merchant_id_vpa", "payments")
    op.drop_index("ix_orders_merchant_id_receipt", "orders")
    op.drop_index("ix_orders_merchant_id_status_id", "orders")
