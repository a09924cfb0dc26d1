"""Calls to gateways: append-only, and partitioned by month, by the time in the id."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, text

from clearway.db.tables.base import metadata, moment, one_of
from clearway.domain.attempt import Executed
from clearway.domain.gateway_call import CallOperation

gateway_calls = Table(
    "gateway_calls",
    metadata,
    Column("id", Text, primary_key=True, comment="its time is the start of the call"),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("gateway_id", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("payment_id", Text, nullable=False),
    Column("operation_key", Text, nullable=False, comment="the same for every repeat of the operation"),
    Column("attempt", Integer, nullable=False, comment="the number in the operation key"),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("method", Text, comment="of an authorisation"),
    moment("started_at"),
    Column("latency_ms", Integer, nullable=False),
    Column("outcome", Text, nullable=False, comment="a kind of clearway.gateways.contract.OutcomeKind"),
    Column("executed", Text, nullable=False),
    Column("failure", Text, comment="unknown, retryable, slow, refused; null: no technical failure"),
    Column("error_code", Text, comment="the unified code"),
    Column("http_status", Integer, comment="of the last answer; null: none came, or it is not known"),
    CheckConstraint(one_of("operation", CallOperation), name="operation_known"),
    CheckConstraint(one_of("executed", Executed), name="executed_known"),
    CheckConstraint("latency_ms >= 0", name="latency_not_negative"),
    Index("ix_gateway_calls_merchant_id_id", "merchant_id", text("id DESC")),
    postgresql_partition_by="RANGE (id)",
)
