"""Gateway configurations: the gateways that merchants have connected, with sealed credentials."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from clearway.db.tables.base import SEALED, metadata, moment, one_of
from clearway.domain.gateway import GatewayKind

gateway_configs = Table(
    "gateway_configs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("priority", Integer, nullable=False, server_default="100", comment="the lowest goes first"),
    Column("sealed_credentials", Text, info=SEALED, comment="encrypted JSON; null: the kind needs none"),
    Column("masked", JSONB, nullable=False, server_default=text("'{}'"), comment="what is shown of the credentials"),
    Column("settings", JSONB, nullable=False, server_default=text("'{}'")),
    Column("allowed_networks", ARRAY(Text), nullable=False, server_default="{}", comment="CIDR; empty: any address"),
    Column("methods", ARRAY(Text), comment="those that new payments may use; null: all that the kind takes"),
    Column("limits", JSONB, nullable=False, server_default=text("'{}'"), comment="requests a second and at once"),
    Column("alerts", JSONB, nullable=False, server_default=text("'{}'"), comment="thresholds of its figures"),
    Column("version", Integer, nullable=False, server_default="1", comment="counts the changes"),
    moment("created_at"),
    moment("updated_at"),
    moment("deleted_at", nullable=True),
    CheckConstraint(one_of("kind", GatewayKind), name="kind_known"),
    CheckConstraint("cardinality(methods) > 0", name="methods_not_empty"),
    CheckConstraint("deleted_at IS NULL OR (NOT enabled AND sealed_credentials IS NULL)", name="deleted_keeps_nothing"),
    UniqueConstraint("id", "merchant_id"),
    Index("ix_gateway_configs_merchant_id_id", "merchant_id", text("id DESC")),
)
