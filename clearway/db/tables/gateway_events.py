"""Events received from gateways."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from clearway.db.tables.base import metadata, moment, one_of
from clearway.domain.gateway_event import Disposition, Verdict

gateway_events = Table(
    "gateway_events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("gateway", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("disposition", Text, nullable=False),
    Column("event_id", Text, comment="the gateway's; a repeat is recognised by it"),
    Column("operation_key", Text),
    Column("subject_id", Text, comment="the payment or refund that the key names"),
    Column("reason", Text, comment="why it was refused or ignored"),
    Column("headers", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False, comment="as received; of refused ones only the beginning"),
    moment("received_at"),
    CheckConstraint(one_of("verdict", Verdict), name="verdict_known"),
    CheckConstraint(one_of("disposition", Disposition), name="disposition_known"),
    CheckConstraint(
        "verdict <> 'verified' OR (event_id IS NOT NULL AND subject_id IS NOT NULL)", name="verified_named"
    ),
    Index(
        "uq_gateway_events_gateway_event_id",
        "gateway",
        "event_id",
        unique=True,
        postgresql_where=text("verdict = 'verified'"),
    ),
    Index("ix_gateway_events_subject_id", "subject_id"),
    Index("ix_gateway_events_refused", "received_at", postgresql_where=text("verdict <> 'verified'")),
)
