"""The payment methods that a gateway is used for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

COMMENT = "those that new payments may use; null: all that the kind takes"


def upgrade() -> None:
    """Add the column."""
    op.add_column("gateway_configs", sa.Column("methods", postgresql.ARRAY(sa.Text()), nullable=True, comment=COMMENT))
    op.create_check_constraint(
        op.f("ck_gateway_configs_methods_not_empty"), "gateway_configs", "cardinality(methods) > 0"
    )


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("gateway_configs", "methods")
