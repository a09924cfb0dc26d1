"""Events: what merchants receive, and the history of payments, refunds and other resources.

Partitioned by month, by the time in the id. A unique index of the whole table would have to contain the id, so "one
event of a type for a step of a subject" is enforced twice by other means: by the conditional write of the subject's row
(its `version`, see `clearway.db.writing`), over all months; by a unique index of each partition, within a month.
`migrations/` makes the partitions with that index, which also serves the look-up of a step.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table, Text, text

from clearway.db.tables.base import metadata, moment

events = Table(
    "events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("type", Text, nullable=False),
    Column("subject_type", Text, nullable=False, comment="payment, refund, webhook_endpoint: see clearway.domain.ids"),
    Column("subject_id", Text, nullable=False),
    Column("payment_id", Text, comment="the payment it is about, if any: finds all events of a payment"),
    Column("step", Text, nullable=False, comment="the step of the subject that made it"),
    Column("from_status", Text),
    Column("to_status", Text),
    Column("reason", Text),
    Column("actor", Text),
    Column("body", Text, nullable=False, comment="the delivery body, without what is personal"),
    moment("created_at"),
    Index("ix_events_merchant_id_id", "merchant_id", text("id DESC")),
    Index("ix_events_merchant_id_type_id", "merchant_id", "type", text("id DESC")),
    Index("ix_events_payment_id_id", "payment_id", "id"),
    postgresql_partition_by="RANGE (id)",
)
