"""The health of gateways: its state, one row a gateway, and its checks, append-only and partitioned by month."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY

from clearway.db.tables.base import metadata, moment, one_of
from clearway.domain.gateway_health import HealthStatus

gateway_health = Table(
    "gateway_health",
    metadata,
    Column("gateway_id", Text, primary_key=True),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("status", Text, nullable=False, server_default="unknown"),
    moment("since", nullable=True),
    Column("streak", Integer, nullable=False, server_default="0", comment="checks in a row that contradict the status"),
    Column("degraded_by", ARRAY(Text), nullable=False, server_default="{}", comment="thresholds that are passed"),
    moment("degraded_since", nullable=True),
    Column("quiet", Integer, nullable=False, server_default="0", comment="checks in a row that found none passed"),
    Column("message", Text, comment="of the last check, for people"),
    Column("latency_ms", Integer),
    moment("checked_at", nullable=True),
    Column("version", Integer, nullable=False, server_default="0", comment="counts the changes that have an event"),
    CheckConstraint(one_of("status", HealthStatus), name="status_known"),
    CheckConstraint("(degraded_since IS NULL) = (cardinality(degraded_by) = 0)", name="degraded_has_reasons"),
    Index("ix_gateway_health_merchant_id", "merchant_id"),
)

gateway_health_checks = Table(
    "gateway_health_checks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("gateway_id", Text, nullable=False),
    Column("ok", Boolean, nullable=False),
    Column("message", Text, nullable=False),
    Column("latency_ms", Integer, comment="null: the gateway did not answer"),
    moment("created_at"),
    Index("ix_gateway_health_checks_merchant_id_gateway_id_id", "merchant_id", "gateway_id", text("id DESC")),
    postgresql_partition_by="RANGE (id)",
)
