"""Webhook endpoints, the deliveries to them, and every delivery attempt.

Delivery attempts are partitioned by month, by the time in the id of their delivery: all attempts of one delivery are in
one partition, and their primary key is unique over all months.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from clearway.db.tables.base import SEALED, metadata, moment, one_of
from clearway.domain.delivery import AttemptTrigger, DeliveryStatus, RecoveryScope, RecoveryStatus
from clearway.domain.endpoint import EndpointStatus

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("description", Text),
    Column("event_types", ARRAY(Text), nullable=False, comment="empty: all of them"),
    Column("status", Text, nullable=False, server_default=EndpointStatus.ENABLED.value),
    Column("disabled_reason", Text),
    Column("retry_intervals_s", ARRAY(Integer), comment="null: the installation's schedule"),
    Column("secret", Text, nullable=False, info=SEALED, comment="encrypted"),
    Column("previous_secret", Text, info=SEALED, comment="encrypted; signs beside the new one until it expires"),
    moment("previous_secret_expires_at", nullable=True),
    moment("created_at"),
    moment("updated_at"),
    moment("deleted_at", nullable=True),
    CheckConstraint(one_of("status", EndpointStatus), name="status_known"),
    Index("ix_webhook_endpoints_merchant_id", "merchant_id", "id", postgresql_where=text("deleted_at IS NULL")),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("event_id", Text, ForeignKey("events.id"), nullable=False),
    Column("endpoint_id", Text, ForeignKey("webhook_endpoints.id"), nullable=False),
    Column("event_type", Text, nullable=False),
    Column("payment_id", Text),
    Column("status", Text, nullable=False, server_default=DeliveryStatus.PENDING.value),
    Column("attempt_count", Integer, nullable=False, server_default="0", comment="all, retries by hand included"),
    Column("schedule_attempts", Integer, nullable=False, server_default="0", comment="of the present schedule alone"),
    Column("recovery_id", Text, comment="the recovery that began the present schedule; null: the event did"),
    moment("next_attempt_at", nullable=True),
    Column("last_response_status", Integer),
    Column("last_error", Text),
    moment("created_at"),
    moment("updated_at"),
    CheckConstraint(one_of("status", DeliveryStatus), name="status_known"),
    UniqueConstraint("event_id", "endpoint_id"),
    Index("ix_webhook_deliveries_merchant_id_id", "merchant_id", text("id DESC")),
    # The lists by status and type, see `clearway.db.walks`.
    Index("ix_webhook_deliveries_merchant_id_parts", "merchant_id", "status", "event_type", text("id DESC")),
    Index("ix_webhook_deliveries_payment_id_id", "payment_id", "id"),
    Index("ix_webhook_deliveries_endpoint_id_id", "endpoint_id", "id"),
    Index("ix_webhook_deliveries_overdue", "next_attempt_at", "id", postgresql_where=text("status = 'pending'")),
    Index("ix_webhook_deliveries_failed", text("id DESC"), postgresql_where=text("status = 'failed'")),
    Index("ix_webhook_deliveries_recovery_id", "recovery_id", postgresql_where=text("recovery_id IS NOT NULL")),
)

webhook_recoveries = Table(
    "webhook_recoveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("endpoint_id", Text, ForeignKey("webhook_endpoints.id"), nullable=False),
    Column("scope", Text, nullable=False),
    moment("since"),
    moment("until"),
    Column("status", Text, nullable=False, server_default=RecoveryStatus.RUNNING.value),
    Column("reached", Text, nullable=False, comment="the last event that was looked at; the next page begins after it"),
    Column("recovered", Integer, nullable=False, server_default="0", comment="deliveries begun"),
    Column("stopped_reason", Text),
    moment("created_at"),
    moment("updated_at"),
    CheckConstraint(one_of("scope", RecoveryScope), name="scope_known"),
    CheckConstraint(one_of("status", RecoveryStatus), name="status_known"),
    Index("uq_webhook_recoveries_running", "endpoint_id", unique=True, postgresql_where=text("status = 'running'")),
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("delivery_id", Text, ForeignKey("webhook_deliveries.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("trigger", Text, nullable=False, server_default=AttemptTrigger.SCHEDULE.value),
    Column("retry_id", Text, comment="allocated for the request that asked for this attempt: it is made once"),
    Column("url", Text, nullable=False),
    Column("request_headers", JSONB, nullable=False),
    Column("response_status", Integer),
    Column("response_headers", JSONB(none_as_null=True)),
    Column("response_body", Text, info=SEALED, comment="encrypted: it may be what was sent"),
    Column("error_code", Text),
    Column("error", Text),
    Column("duration_ms", Integer, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("delivery_id", "number"),
    CheckConstraint(one_of("trigger", AttemptTrigger), name="trigger_known"),
    postgresql_partition_by="RANGE (delivery_id)",
)
