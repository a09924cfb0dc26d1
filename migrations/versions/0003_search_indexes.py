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
    for table, name, sought in (
        ("orders", "receipt", "receipt"),
        ("payments", "vpa", "instrument ->> 'vpa'"),
        ("payments", "email", "customer ->> 'email'"),
    ):
        key = sa.text(f"""lower(btrim({sought}) COLLATE "C")""")
        op.create_index(f"ix_{table}_merchant_id_{name}", table, ["merchant_id", key])


def downgrade() -> None:
    """Drop the indexes."""
    op.drop_index("ix_payments_merchant_id_email", "payments")
    op.drop_index("ix_payments_merchant_id_vpa", "payments")
    op.drop_index("ix_orders_merchant_id_receipt", "orders")
    op.drop_index("ix_orders_merchant_id_status_id", "orders")
