"""Declines of cards, for the retry limits of the card networks. A row is deleted when no limit counts it any more."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Table, Text

from clearway.db.tables.base import metadata, moment

card_declines = Table(
    "card_declines",
    metadata,
    Column("id", Text, primary_key=True, comment="the operation key of the attempt"),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("fingerprint", Text, nullable=False, comment="`<pepper id>:<keyed hash>` of the card"),
    Column("brand", Text, comment="null: not known"),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("never_again", Boolean, nullable=False, comment="its network or issuer forbids another try"),
    moment("declined_at"),
    Index("ix_card_declines_merchant_id_fingerprint", "merchant_id", "fingerprint", "declined_at"),
    Index("ix_card_declines_declined_at", "declined_at"),
)
