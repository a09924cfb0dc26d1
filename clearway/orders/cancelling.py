"""Cancelling an order: the payment that holds it is called off first, then the order takes no payment any more.

An order is cancelled only when nothing can be charged for it: a payment whose page is open at a gateway is cancelled
there by its own workflow, and what the gateway does not cancel stays with its order.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from clearway.db import order_ends, orders
from clearway.db.events import DueDelivery
from clearway.db.order_ends import HeldBy, Why
from clearway.deliveries import sending
from clearway.domain.actor import Actor
from clearway.domain.errors import ConflictError, NotFoundError, UnavailableError
from clearway.domain.ids import ORDER, is_id
from clearway.domain.order import OrderStatus
from clearway.domain.payment import UNDECIDED, PaymentStatus
from clearway.domain.resources import OrderResource
from clearway.durable.messages import CancelInput
from clearway.payments import commands
from clearway.services import Services

ROUNDS_MAX: Final = 3
"""How many payments are called off: a customer may begin another one meanwhile."""
CALLED_OFF: Final = UNDECIDED | {PaymentStatus.RETRYING}
"""Payments that are called off with their order. In other statuses money is held or taken, or that is not known."""
CODE: Final = "order_not_cancellable"


async def cancel(services: Services, actor: Actor, order_id: str, request_id: str, reason: str) -> OrderResource:
    """Cancel an order and return it. One that is cancelled stays so. request_id: the same for each repeat.

    Raises NotFoundError, ConflictError or OutcomeUnknownError; the order is not cancelled then.
    """
    await _refuse_unknown(services, actor, order_id)
    why = Why(reason, actor)
    for number in range(ROUNDS_MAX):
        async with services.engine.begin() as connection:
            ended = await order_ends.end(
                connection, actor.merchant_id, order_id, OrderStatus.CANCELLED, why, now=datetime.now(UTC)
            )
        if ended.held_by is None:
            await _deliver(services, ended.due)
            return _cancelled(ended.order)
        await _call_off(services, actor, ended.held_by, f"{request_id}.{number}", reason)
    detail = f"Customers began other payments of order {order_id} meanwhile. It is not cancelled. Repeat the request."
    raise ConflictError(CODE, detail)


async def _refuse_unknown(services: Services, actor: Actor, order_id: str) -> None:
    async with services.reader.connect() as connection:
        found = await orders.find_order(connection, actor.merchant_id, order_id) if is_id(ORDER, order_id) else None
    if found is None:
        raise NotFoundError("order_not_found", f"You have no order {order_id!r}. Nothing was done.")


async def _deliver(services: Services, due: Sequence[DueDelivery]) -> None:
    if due:
        with contextlib.suppress(UnavailableError):  # they are recorded, and housekeeping takes them up
            await sending.start(services, due)


async def _call_off(services: Services, actor: Actor, held: HeldBy, command_id: str, reason: str) -> None:
    """Cancel the payment that holds the order. Raises ConflictError or OutcomeUnknownError when that cannot be done."""
    if held.status not in CALLED_OFF:
        detail = (
            f"Payment {held.payment_id} of the order is {held.status}. The order is not cancelled. Cancel or refund "
            "that payment instead."
        )
        raise ConflictError(CODE, detail)
    try:
        await commands.cancel(services, actor, held.payment_id, command_id, CancelInput(reason))
    except ConflictError as error:
        raise ConflictError(CODE, f"The order is not cancelled: its payment could not be. {error.detail}") from error


def _cancelled(order: OrderResource) -> OrderResource:
    if order.status is OrderStatus.CANCELLED:
        return order
    what = "is paid. Refund its payment instead." if order.status is OrderStatus.PAID else "has expired already."
    raise ConflictError(CODE, f"Order {order.id} {what} Nothing was changed.")
