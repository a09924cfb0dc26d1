"""Made-up payments of a test merchant, in the past: for a dashboard with something to see.

They are written by the statements that record every payment (`recording`), so row, attempt, capture, ledger, order and
events belong together as always. What differs: their moments are past, no workflow ran, no gateway was called, and no
webhook is sent. Each has ended. They are payments of a deleted gateway of their own, so no payment is routed there, no
list of a gateway is compared with them, and a refund of one is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.payments import recording
from clearway.db.refunds import recording as refunds
from clearway.db.tables import gateway_configs, orders
from clearway.domain.attempt import AttemptSeen, Executed
from clearway.domain.gateway import GatewayKind, made_up_gateway_id
from clearway.domain.ids import CAPTURE, ORDER, PAYMENT, REFUND, id_at
from clearway.domain.payment import CapturedAmount, CaptureMethod, Change, NewPayment, PaymentStatus, PersonalData
from clearway.domain.refund import NewRefund, RefundChange, RefundStatus

REASON: Final = "made up as test data"
GATEWAY_NAME: Final = "Generated test data"
DECIDED_AFTER: Final = timedelta(seconds=3)
REFUNDED_AFTER: Final = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class MadeUp:
    """A payment to write. randomness: 80 bits, of which all its ids are made. refunded_minor: 0 for no refund."""

    merchant_id: str
    at: datetime
    randomness: int
    amount_minor: int
    currency: str
    method: str
    status: PaymentStatus
    personal: PersonalData
    error_code: str | None = None
    refunded_minor: int = 0

    @property
    def payment_id(self) -> str:
        """The id of the payment."""
        return self.id_of(PAYMENT)

    def id_of(self, prefix: str) -> str:
        """Return the id of something that belongs to it."""
        return id_at(prefix, self.at, self.randomness)


async def write(connection: AsyncConnection, made_up: MadeUp, sealed: str) -> None:
    """Write a payment from its order to its end. Writing it again changes nothing."""
    gateway_id = made_up_gateway_id(made_up.merchant_id)
    await connection.execute(_gateway(made_up.merchant_id, gateway_id))
    order_id = made_up.id_of(ORDER)
    await connection.execute(_order(made_up, order_id))
    new = NewPayment(
        id=made_up.payment_id,
        merchant_id=made_up.merchant_id,
        order_id=order_id,
        amount_minor=made_up.amount_minor,
        currency=made_up.currency,
        method=made_up.method,
        capture_method=CaptureMethod.AUTOMATIC.value,
        personal=sealed,
        gateway_id=gateway_id,
    )
    await recording.record(connection, new, made_up.personal, delivered=False, now=made_up.at)
    ended = made_up.at + DECIDED_AFTER
    await recording.apply(connection, new.id, _end(made_up), delivered=False, now=ended)
    if made_up.refunded_minor:
        await _refund(connection, made_up)


def _end(made_up: MadeUp) -> Change:
    taken = made_up.status is PaymentStatus.SUCCESS
    capture = CapturedAmount(made_up.id_of(CAPTURE), made_up.amount_minor) if taken else None
    return Change(
        "1",
        made_up.status,
        REASON,
        actor="gateway",
        capture=capture,
        error_code=made_up.error_code,
        attempt=AttemptSeen(executed=None if taken else Executed.NO),
    )


async def _refund(connection: AsyncConnection, made_up: MadeUp) -> None:
    refund_id, at = made_up.id_of(REFUND), made_up.at + REFUNDED_AFTER
    new = NewRefund(refund_id, made_up.merchant_id, made_up.payment_id, made_up.refunded_minor, REASON)
    await refunds.reserve(connection, new, now=at, delivered=False)
    paid_out = RefundChange("1", RefundStatus.PROCESSED, REASON, actor="gateway")
    await refunds.apply(connection, refund_id, paid_out, now=at + DECIDED_AFTER, delivered=False)


def _gateway(merchant_id: str, gateway_id: str) -> Insert:
    values = {"id": gateway_id, "merchant_id": merchant_id, "kind": GatewayKind.SIMULATOR.value, "name": GATEWAY_NAME}
    statement = insert(gateway_configs).values(**values, enabled=False, deleted_at=func.now())
    return statement.on_conflict_do_nothing()


def _order(made_up: MadeUp, order_id: str) -> Insert:
    values = {"id": order_id, "merchant_id": made_up.merchant_id, "currency": made_up.currency}
    times = {"created_at": made_up.at, "updated_at": made_up.at}
    return insert(orders).values(**values, amount_minor=made_up.amount_minor, **times).on_conflict_do_nothing()
