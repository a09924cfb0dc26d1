"""Merchants' own rows over the error table."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, Table, Text, UniqueConstraint, text

from clearway.db.tables.base import metadata, moment, one_of
from clearway.domain.gateway_error import Elsewhere

error_overrides = Table(
    "error_overrides",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("gateway", Text, nullable=False, comment="the kind"),
    Column("operation", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("network_code", Text, nullable=False, server_default=text("''")),
    Column("decline_code", Text, comment="null, as in the columns after it: as in the table"),
    Column("elsewhere", Text),
    Column("wait_s", Integer),
    Column("merchant_text", Text),
    Column("customer_text", Text),
    moment("created_at"),
    moment("updated_at"),
    UniqueConstraint("merchant_id", "gateway", "operation", "code", "network_code"),
    CheckConstraint(one_of("elsewhere", Elsewhere), name="elsewhere_known"),
)
