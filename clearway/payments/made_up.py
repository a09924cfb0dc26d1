"""Test data: payments of the past that look like those of a shop, for a test merchant.

All is drawn from the id that was allocated for the request, so a repeat writes the same payments, and so none twice.
`clearway.db.payments.generating` says what such payments are and are not.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from clearway.db import audit
from clearway.db.payments import generating
from clearway.db.payments.generating import MadeUp
from clearway.domain.actor import Actor
from clearway.domain.ids import made_at
from clearway.domain.payment import PaymentStatus, PersonalData
from clearway.durable.sealed import seal
from clearway.services import Services

REFUNDED: Final = "refunded"
OUTCOMES: Final = ("success", "failed", "expired", REFUNDED)
"""What a mix may ask for. `refunded`: succeeded, and given back in part or in full."""
NAMES: Final = (
    "Ada Lovelace",
    "Anjali Rao",
    "Արամ Սարգսյան",
    "محمد عبد الله",
    "Grace Hopper",
    "José Álvarez",
    "अनन्या शर्मा",
)
FAILURES: Final = ("insufficient_funds", "payment_declined", "incorrect_pin", "bank_unavailable")
BRANDS: Final = ("visa", "mastercard", "rupay", "amex")
METHODS: Final = {"upi": 55, "card": 25, "netbanking": 12, "wallet": 8}
BUSY_HOURS: Final = (1, 1, 1, 1, 1, 2, 3, 5, 8, 10, 12, 12, 13, 12, 11, 10, 11, 13, 15, 16, 14, 10, 6, 3)
"""How many payments come in each hour of a day (UTC), in proportion."""
RECENT: Final = timedelta(hours=1)
"""Nothing is made up later than this before the request: a refund follows some minutes after."""


@dataclass(frozen=True, slots=True)
class DataRequest:
    """How many payments, over how many days before now, in which currency; mix: weights of OUTCOMES."""

    payments: int
    days: int
    currency: str
    mix: dict[str, int]


async def write(services: Services, actor: Actor, request_id: str, asked: DataRequest) -> Counter[str]:
    """Write the payments, and return how many of each outcome there are."""
    chance = random.Random(request_id)  # noqa: S311 - repeatable on purpose; nothing depends on its secrecy
    drawn = [_outcome(chance, asked.mix) for _ in range(asked.payments)]
    async with services.engine.begin() as connection:
        for outcome in drawn:
            made_up = _draw(chance, actor.merchant_id, request_id, asked, outcome)
            sealed = seal(services.cipher, made_up.payment_id, made_up.personal)
            await generating.write(connection, made_up, sealed)
        detail = {"payments": asked.payments, "days": asked.days, "request": request_id}
        await audit.record(connection, actor, "test_data.create", actor.merchant_id, detail)
    return Counter(drawn)


def _outcome(chance: random.Random, mix: dict[str, int]) -> str:
    return chance.choices(OUTCOMES, [mix.get(each, 0) for each in OUTCOMES])[0]


def _draw(chance: random.Random, merchant_id: str, request_id: str, asked: DataRequest, outcome: str) -> MadeUp:
    latest = made_at(request_id) - RECENT
    day = latest - timedelta(days=chance.randrange(asked.days))
    hour = chance.choices(range(24), BUSY_HOURS)[0]
    at = day.replace(hour=hour, minute=chance.randrange(60), second=chance.randrange(60))
    if at > latest:
        at -= timedelta(days=1)
    amount_minor = chance.choice((49_900, 99_900, 149_900, 24_950, 7_500, 350_000)) + 100 * chance.randrange(100)
    method = chance.choices([*METHODS], [*METHODS.values()])[0]
    status = PaymentStatus.SUCCESS if outcome == REFUNDED else PaymentStatus(outcome)
    whole = chance.randrange(2) == 0
    return MadeUp(
        merchant_id=merchant_id,
        at=at,
        randomness=chance.getrandbits(80),
        amount_minor=amount_minor,
        currency=asked.currency,
        method=method,
        status=status,
        personal=_personal(chance, method),
        error_code=chance.choice(FAILURES) if status is PaymentStatus.FAILED else None,
        refunded_minor=0 if outcome != REFUNDED else amount_minor if whole else amount_minor // 2,
    )


def _personal(chance: random.Random, method: str) -> PersonalData:
    number = chance.randrange(1, 400)
    name = chance.choice(NAMES)
    customer = {"id": f"customer-{number}", "name": name, "email": f"customer-{number}@shop.example", "phone": None}
    card = {
        "brand": chance.choice(BRANDS),
        "last4": f"{chance.randrange(10_000):04}",
        "expiry_month": 1 + chance.randrange(12),
        "expiry_year": 2040,
    }
    shown: dict[str, dict[str, Any]] = {
        "upi": {"vpa": f"customer{number}@upi"},
        "card": {"card": card},
        "netbanking": {"bank": {"code": chance.choice(("HDFC", "ICIC", "SBIN"))}},
        "wallet": {"wallet": {"code": chance.choice(("paytm", "phonepe"))}},
    }
    return PersonalData(instrument=method, shown=shown[method], customer=customer)
