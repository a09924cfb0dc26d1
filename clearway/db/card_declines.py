"""Declines of a merchant's cards: recorded with the end of the attempt, read before the next one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, Text, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import card_declines
from clearway.db.writing import Rows
from clearway.domain.attempt import AttemptStatus, Executed, attempt_key
from clearway.domain.card_limits import COUNTED_FOR, NOT_AT_THE_NETWORK, CardDecline, brand_of
from clearway.domain.payment import Applied, Change

READ_MAX: Final = 200
"""More declines than any limit allows."""
FIND: Final[Select[Any]] = (
    select(card_declines)
    .where(
        card_declines.c.merchant_id == bindparam("merchant_id"),
        card_declines.c.fingerprint == bindparam("fingerprints", type_=ARRAY(Text)).any_(),
        card_declines.c.declined_at > bindparam("since"),
    )
    .order_by(card_declines.c.declined_at.desc())
    .limit(READ_MAX)
)


def of_failure(payment: Row[Any], applied: Applied, change: Change, now: datetime) -> list[Rows]:
    """Return the write of a decline, if this change ends an attempt with one that a card network counts."""
    seen = change.attempt
    if payment.card_fingerprint is None or seen is None or applied.attempt_status is not AttemptStatus.FAILED:
        return []
    code = seen.error_code or change.error_code
    asked_network = seen.never_again or seen.network_code is not None or code not in NOT_AT_THE_NETWORK
    if seen.executed is not Executed.YES or not asked_network:
        return []
    row = {
        "id": attempt_key(payment.id, seen.number),
        "merchant_id": payment.merchant_id,
        "fingerprint": payment.card_fingerprint,
        "brand": brand_of((payment.instrument.get("card") or {}).get("brand"), seen.network_code),
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "never_again": seen.never_again,
        "declined_at": now,
    }
    return [Rows(card_declines, [row], unless_there=True)]


async def of_card(
    connection: AsyncConnection, merchant_id: str, fingerprints: Sequence[str], now: datetime
) -> list[CardDecline]:
    """Return the declines of a card that a limit may count, newest first. fingerprints: one for each pepper."""
    wanted = {"merchant_id": merchant_id, "fingerprints": list(fingerprints), "since": now - COUNTED_FOR}
    return [
        CardDecline(row.declined_at, row.brand, row.amount_minor, row.currency, row.never_again)
        for row in await connection.execute(FIND, wanted)
    ]
