"""Reviews of gateway events that contradict ended payments and refunds."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from clearway.db.tables.base import metadata, moment, one_of
from clearway.domain.review import ReviewKind, SubjectType

reviews = Table(
    "reviews",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("subject_type", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("detail", JSONB, nullable=False, comment="the event as merchants receive it"),
    moment("opened_at"),
    moment("resolved_at", nullable=True),
    Column("resolved_by", Text),
    Column("resolution", Text),
    CheckConstraint(one_of("subject_type", SubjectType), name="subject_type_known"),
    CheckConstraint(one_of("kind", ReviewKind), name="kind_known"),
    CheckConstraint(
        "(resolved_at IS NULL) = (resolved_by IS NULL) AND (resolved_at IS NULL) = (resolution IS NULL)",
        name="resolved_in_full",
    ),
    Index("ix_reviews_merchant_id_id", "merchant_id", text("id DESC")),
    Index("ix_reviews_subject_id", "subject_id"),
    Index("uq_reviews_open", "subject_id", "kind", unique=True, postgresql_where=text("resolved_at IS NULL")),
)
