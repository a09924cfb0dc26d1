"""What a merchant has set. A merchant without a row has the defaults."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from clearway.db.tables.base import metadata, moment

merchant_settings = Table(
    "merchant_settings",
    metadata,
    Column("merchant_id", Text, ForeignKey("merchants.id"), primary_key=True),
    Column("logo", LargeBinary),
    Column("logo_type", Text, comment="media type of the logo"),
    Column("accent", Text, comment="#rrggbb, of buttons; null: the default"),
    Column("accent_text", Text, comment="#rrggbb, of text on the accent"),
    Column("allowed_origins", ARRAY(Text), nullable=False, server_default="{}"),
    Column("customer_chooses_gateway", Boolean, nullable=False, server_default=text("false")),
    Column("support_email", Text),
    Column("support_url", Text),
    Column("terms_url", Text),
    Column("help_texts", JSONB, nullable=False, server_default=text("'{}'"), comment="by topic"),
    Column("time_zone", Text, nullable=False, server_default="UTC"),
    Column("refund_step_up", JSONB, nullable=False, server_default=text("'{}'"), comment="minor units by currency"),
    moment("updated_at"),
    CheckConstraint("(logo IS NULL) = (logo_type IS NULL)", name="logo_has_type"),
    CheckConstraint("(accent IS NULL) = (accent_text IS NULL)", name="accent_has_text"),
)
