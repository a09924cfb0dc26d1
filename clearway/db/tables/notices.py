"""Which notices people chose, and until when notices were sent."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from clearway.db.tables.base import metadata, moment

notice_choices = Table(
    "notice_choices",
    metadata,
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("kinds", ARRAY(Text), nullable=False),
    moment("updated_at"),
    PrimaryKeyConstraint("merchant_id", "user_id"),
)

notice_rounds = Table(
    "notice_rounds",
    metadata,
    Column("id", Text, primary_key=True),
    moment("sent_until"),
    CheckConstraint("id = 'notices'", name="one_row"),
)
