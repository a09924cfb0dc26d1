"""Events received from gateways."""

from __future__ import annotations

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text

from clearway.db.tables.base import metadata, moment

gateway_events = Table(
    "gateway_events",
    metadata,
    Column("gateway", Text, nullable=False),
    Column("event_id", Text, nullable=False, comment="the gateway's; a repeat is recognised by it"),
    Column("operation_key", Text, nullable=False),
    Column("workflow_id", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("disposition", Text, nullable=False, server_default="received"),
    moment("received_at"),
    PrimaryKeyConstraint("gateway", "event_id"),
    Index("ix_gateway_events_workflow_id", "workflow_id"),
)
