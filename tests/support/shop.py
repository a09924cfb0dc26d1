"""A merchant for database tests: it takes payments straight through `clearway.db`, without workflows or gateways."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.crypto.encryption import Cipher
from clearway.db import tables
from clearway.db.endpoints import secret_context
from clearway.db.engine import each_for_itself
from clearway.db.events import bodies_of, body_of
from clearway.db.merchants import NewAccount, add_account
from clearway.db.payments import recording as payments
from clearway.db.payments.recording import RecordedPayment
from clearway.db.refunds import recording as refunds
from clearway.db.refunds.recording import RecordedRefund
from clearway.db.tables import events, ledger_entries, orders, webhook_deliveries, webhook_endpoints
from clearway.domain import ids
from clearway.domain.gateway import first_gateway_id
from clearway.domain.payment import CapturedAmount, Change, NewPayment, PaymentStatus, PersonalData
from clearway.domain.refund import NewRefund, RefundChange, RefundStatus
from clearway.durable.sealed import seal, unseal
from clearway.settings import DEVELOPMENT_SECRET_KEYS

AMOUNT_MINOR: Final = 50_000
CURRENCY: Final = "INR"
CIPHER: Final = Cipher.from_settings(DEVELOPMENT_SECRET_KEYS)
BY_UPI: Final = {"instrument": "success@razorpay", "shown": {"vpa": "success@razorpay"}}
PERSONAL: Final = frozenset(each.name for each in dataclasses.fields(PersonalData))


def captured(amount_minor: int = AMOUNT_MINOR) -> CapturedAmount:
    """Return a capture with an id of its own."""
    return CapturedAmount(ids.new_id(ids.CAPTURE), amount_minor)


def sealed_secret(endpoint_id: str) -> str:
    """Return a signing secret as the database has it: other tests rewrite every sealed value there is."""
    return CIPHER.encrypt("whsec_dGVzdA==", secret_context(endpoint_id))


@dataclass(frozen=True, slots=True)
class Shop:
    """One merchant. Every method is a transaction of its own, as every step of a workflow is."""

    engine: AsyncEngine
    merchant_id: str

    @classmethod
    async def open(cls, engine: AsyncEngine) -> Self:
        """Make a merchant."""
        merchant_id = ids.new_id(ids.MERCHANT)
        async with engine.begin() as connection:
            await add_account(connection, NewAccount("Shop", test_id=merchant_id))
        return cls(engine, merchant_id)

    async def order(self, amount_minor: int = AMOUNT_MINOR, currency: str = CURRENCY) -> str:
        """Create an order."""
        order_id = ids.new_id(ids.ORDER)
        values = {"id": order_id, "merchant_id": self.merchant_id, "amount_minor": amount_minor, "currency": currency}
        async with self.engine.begin() as connection:
            await connection.execute(insert(orders).values(values))
        return order_id

    async def endpoint(self) -> str:
        """Register an endpoint for every event."""
        endpoint_id = ids.new_id(ids.ENDPOINT)
        values = {"id": endpoint_id, "merchant_id": self.merchant_id, "url": "https://shop.example", "event_types": []}
        async with self.engine.begin() as connection:
            await connection.execute(insert(webhook_endpoints).values(**values, secret=sealed_secret(endpoint_id)))
        return endpoint_id

    async def new(self, **fields: Any) -> NewPayment:
        """Describe a payment, of a fresh order unless `order_id` is given; nothing of it is recorded."""
        amount_minor, currency = fields.get("amount_minor", AMOUNT_MINOR), fields.get("currency", CURRENCY)
        chosen: dict[str, Any] = {
            "id": ids.new_id(ids.PAYMENT),
            "merchant_id": self.merchant_id,
            "amount_minor": amount_minor,
            "currency": currency,
            "method": "upi",
            "capture_method": "automatic",
            "gateway_id": first_gateway_id(self.merchant_id),
        } | {name: value for name, value in fields.items() if name not in PERSONAL}
        personal = {name: value for name, value in fields.items() if name in PERSONAL}
        chosen["personal"] = seal(CIPHER, chosen["id"], PersonalData(**BY_UPI | personal))
        return NewPayment(order_id=chosen.pop("order_id", None) or await self.order(amount_minor, currency), **chosen)

    async def record(self, new: NewPayment) -> RecordedPayment:
        """Record a payment."""
        async with each_for_itself(self.engine).connect() as connection:
            personal = unseal(CIPHER, new.id, new.personal)
            return await payments.record(connection, new, personal, now=datetime.now(UTC))

    async def recorded(self, **fields: Any) -> str:
        """Describe and record a payment; return its id."""
        return (await self.record(await self.new(**fields))).payment.id

    async def apply(self, payment_id: str, change: Change) -> RecordedPayment:
        """Apply a change to a payment."""
        async with each_for_itself(self.engine).connect() as connection:
            return await payments.apply(connection, payment_id, change, now=datetime.now(UTC))

    async def move(self, payment_id: str, to: PaymentStatus, step: str | None = None, **fields: Any) -> RecordedPayment:
        """Move a payment by a step of its own."""
        return await self.apply(payment_id, Change(step or ids.new_id("step"), to, "a test", **fields))

    async def paid(self, amount_minor: int = AMOUNT_MINOR, **fields: Any) -> str:
        """Take a payment to its success, captured in full; return its id."""
        payment_id = await self.recorded(amount_minor=amount_minor, **fields)
        await self.move(payment_id, PaymentStatus.SUCCESS, capture=captured(amount_minor))
        return payment_id

    async def reserve(
        self, payment_id: str, amount_minor: int | None = None, *, of: str | None = None
    ) -> RecordedRefund:
        """Reserve a refund, under the id `of` or a fresh one."""
        new = NewRefund(of or ids.new_id(ids.REFUND), self.merchant_id, payment_id, amount_minor)
        async with each_for_itself(self.engine).connect() as connection:
            return await refunds.reserve(connection, new, now=datetime.now(UTC))

    async def settle(self, refund_id: str, to: RefundStatus, step: str | None = None) -> RecordedRefund:
        """Move a refund by a step of its own."""
        change = RefundChange(step or ids.new_id("step"), to, "a test")
        async with each_for_itself(self.engine).connect() as connection:
            return await refunds.apply(connection, refund_id, change, now=datetime.now(UTC))

    async def row(self, payment_id: str) -> Any:
        """Return a payment's row."""
        query = select(tables.payments).where(tables.payments.c.id == payment_id)
        async with self.engine.connect() as connection:
            return (await connection.execute(query)).one()

    async def event_types(self, payment_id: str) -> list[str]:
        """Return the types of a payment's events and of its refunds', oldest first."""
        query = (
            select(events.c.type).where(events.c.payment_id == payment_id).order_by(events.c.created_at, events.c.id)
        )
        async with self.engine.connect() as connection:
            return list((await connection.execute(query)).scalars())

    async def bodies(self) -> list[str]:
        """Return the body of every event of this merchant as it is delivered, in the order in which they were made."""
        async with self.engine.connect() as connection:
            found = await connection.execute(bodies_of(self.merchant_id).order_by(events.c.id))
            return [body_of(row) for row in found]

    async def deliveries(self) -> int:
        """Return how many deliveries this merchant has."""
        query = select(func.count()).where(webhook_deliveries.c.merchant_id == self.merchant_id)
        async with self.engine.connect() as connection:
            return (await connection.execute(query)).scalar_one()

    async def books(self, currency: str = CURRENCY) -> Mapping[str, int]:
        """Return what the merchant's accounts hold, `payable` and `refunds_in_transit`; zero when never used."""
        prefix = f"merchant/{self.merchant_id}/"
        query = (
            select(ledger_entries.c.account, func.sum(ledger_entries.c.amount_minor))
            .where(ledger_entries.c.account.startswith(prefix), ledger_entries.c.currency == currency)
            .group_by(ledger_entries.c.account)
        )
        async with self.engine.connect() as connection:
            held = {account.removeprefix(prefix): int(total) for account, total in await connection.execute(query)}
        return {"payable": 0, "refunds_in_transit": 0} | held
