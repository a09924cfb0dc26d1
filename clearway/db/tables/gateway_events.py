"""Gateway events."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKeyConstraint, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from clearway.db.tables.base import SEALED, metadata, moment, one_of
from clearway.domain.gateway_event import Disposition, Verdict

gateway_events = Table(
    "gateway_events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("gateway", Text, nullable=False, comment="the kind of the configuration"),
    Column("gateway_id", Text, nullable=False),
    Column("merchant_id", Text, nullable=False, comment="whose gateway it is"),
    Column("verdict", Text, nullable=False),
    Column("disposition", Text, nullable=False),
    Column("event_id", Text, comment="the gateway's; a repeat is recognised by it"),
    Column("operation_key", Text),
    Column("subject_id", Text, comment="the payment or refund that it is about"),
    Column("reason", Text, comment="why it was refused or ignored"),
    Column("method", Text, nullable=False),
    Column("query", Text, nullable=False, server_default="", comment="as received, without the question mark"),
    Column("headers", JSONB, nullable=False, comment="without credentials"),
    Column("sealed_body", Text, nullable=False, info=SEALED, comment="encrypted: as received; empty: forgotten"),
    Column("complete", Boolean, nullable=False, comment="false: only the beginning of the body is kept"),
    moment("received_at"),
    ForeignKeyConstraint(
        ["gateway_id", "merchant_id"],
        ["gateway_configs.id", "gateway_configs.merchant_id"],
        name="fk_gateway_events_gateway",
    ),
    CheckConstraint(one_of("verdict", Verdict), name="verdict_known"),
    CheckConstraint(one_of("disposition", Disposition), name="disposition_known"),
    CheckConstraint(
        "verdict <> 'verified' OR (event_id IS NOT NULL AND subject_id IS NOT NULL)", name="verified_named"
    ),
    Index(
        "uq_gateway_events_gateway_id_event_id",
        "gateway_id",
        "event_id",
        unique=True,
        postgresql_where=text("verdict = 'verified'"),
    ),
    Index("ix_gateway_events_merchant_id_id", "merchant_id", text("id DESC")),
    Index("ix_gateway_events_subject_id", "subject_id"),
    Index(
        "ix_gateway_events_unused",
        text("id DESC"),
        postgresql_where=text("verdict <> 'verified' OR disposition IN ('unheard', 'unknown_subject')"),
    ),
    Index("ix_gateway_events_refused", "gateway_id", "received_at", postgresql_where=text("verdict <> 'verified'")),
)
