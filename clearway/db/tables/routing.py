"""Routing: rules of merchants in versions, and the circuit breakers of their gateways."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from clearway.db.tables.base import metadata, moment, one_of
from clearway.domain.breaker import BreakerState
from clearway.domain.routing_version import VersionStatus

routing_versions = Table(
    "routing_versions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("number", Integer, nullable=False, comment="counts the versions of the merchant"),
    Column("program", JSONB, nullable=False, comment="as clearway.domain.routing_program reads it; never changed"),
    Column("note", Text),
    Column("status", Text, nullable=False),
    Column("created_by", Text, nullable=False, comment="as in audit_log.actor"),
    moment("created_at"),
    moment("activated_at", nullable=True),
    moment("retired_at", nullable=True),
    UniqueConstraint("merchant_id", "number"),
    CheckConstraint("number > 0", name="number_positive"),
    CheckConstraint(one_of("status", VersionStatus), name="status_known"),
    Index("ix_routing_versions_merchant_id_id", "merchant_id", text("id DESC")),
    Index("uq_routing_versions_active", "merchant_id", unique=True, postgresql_where=text("status = 'active'")),
)

gateway_breakers = Table(
    "gateway_breakers",
    metadata,
    Column("gateway_id", Text, primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("successes", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    moment("window_started_at", nullable=True),
    Column("openings", Integer, nullable=False, server_default="0", comment="how often it opened in a row"),
    moment("opened_at", nullable=True),
    moment("open_until", nullable=True),
    moment("probe_until", nullable=True),
    Column("last_failure", Text, comment="the kind of the last one: unknown, retryable, slow, refused"),
    Column("version", Integer, nullable=False, server_default="0", comment="counts the changes of the state"),
    moment("updated_at"),
    CheckConstraint(one_of("state", BreakerState), name="state_known"),
    CheckConstraint("successes >= 0 AND failures >= 0 AND openings >= 0", name="counts_not_negative"),
    # Every process reads these rows each second: usually none.
    Index("ix_gateway_breakers_not_closed", "gateway_id", postgresql_where=text("state <> 'closed'")),
)

gateway_usage = Table(
    "gateway_usage",
    metadata,
    Column("gateway_id", Text, primary_key=True),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("free_at", DateTime(timezone=True), comment="the next moment that is not reserved"),
    Column("line_at", DateTime(timezone=True), comment="the last moment at which one asks again"),
    Column("held_until", DateTime(timezone=True), comment="the gateway asked for no request till then"),
    Column(
        "under_way",
        JSONB,
        nullable=False,
        server_default=text("'{}'"),
        comment="requests, each with the moment at which it is over at the latest",
    ),
    # Every process reads the held ones each second: usually none.
    Index("ix_gateway_usage_held_until", "held_until"),
)
