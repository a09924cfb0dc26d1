"""Views of lists, each of one person at one merchant."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from clearway.db.tables.base import metadata, moment, one_of
from clearway.domain.saved_views import ListPage

saved_views = Table(
    "saved_views",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("page", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("query", JSONB, nullable=False, comment="the values of each filter"),
    Column("columns", ARRAY(Text), comment="those that are shown; null: the usual ones"),
    moment("created_at"),
    moment("updated_at"),
    CheckConstraint(one_of("page", ListPage), name="page_known"),
    UniqueConstraint("user_id", "merchant_id", "page", "name"),
)
