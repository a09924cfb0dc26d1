"""How often a card may be declined before it is not tried again: the limits of the card networks. Pure.

The networks charge a fee for each attempt beyond a limit, and for each after a decline that forbids another try. Only
declines at one merchant are counted. Sources of the numbers: docs/routing.md, "A card that is declined too often".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from clearway.domain.money import Money

COUNTED_FOR: Final = timedelta(days=30)
"""The longest window. A decline that forbids another try counts for as long."""
OTHER: Final = "other"
"""The brand of limits for every brand without its own, and for a card whose brand is not known."""
CARD_RETRY_LIMIT: Final = "card_retry_limit"
"""The decline code of an attempt that is not sent because of these limits."""
NOT_AT_THE_NETWORK: Final = frozenset(
    {
        *("authentication_failed", "customer_cancelled", "fraud_suspected", "gateway_unavailable"),
        *("invalid_instrument", "payment_expired", CARD_RETRY_LIMIT),
    }
)
"""Failures that come before the card's network is asked, so no network counts them."""
_LIMIT: Final = re.compile(r"(?P<brand>[a-z]+):(?P<count>\d+)(?P<unit>[hd]):(?P<declines>\d+)(?P<amount>:amount)?")
_UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class CardLimit:
    """After this many declines within the window, a card of the brand is not tried again.

    same_amount: a decline counts only for its own amount and currency.
    """

    brand: str
    window: timedelta
    declines: int
    same_amount: bool = False


@dataclass(frozen=True, slots=True)
class CardDecline:
    """One decline of a card. never_again: its network or issuer forbids another try."""

    at: datetime
    brand: str | None
    amount_minor: int
    currency: str
    never_again: bool = False


def read_limits(text: str) -> tuple[CardLimit, ...]:
    """Read `visa:30d:15:amount,mastercard:24h:10`. Raises ValueError."""
    return tuple(_limit(part.strip()) for part in text.split(",") if part.strip())


def _limit(text: str) -> CardLimit:
    found = _LIMIT.fullmatch(text)
    if found is None:
        message = f"{text!r} is no limit: write brand:window:declines, such as visa:30d:15 or visa:30d:15:amount"
        raise ValueError(message)
    window, declines = int(found["count"]) * _UNITS[found["unit"]], int(found["declines"])
    if not (timedelta() < window <= COUNTED_FOR) or not declines:
        message = f"{text!r}: a window is at most {COUNTED_FOR.days} days long, and at least one decline is allowed"
        raise ValueError(message)
    return CardLimit(found["brand"], window, declines, same_amount=found["amount"] is not None)


def brand_of(shown: str | None, network_code: str | None) -> str | None:
    """Return the brand of a card: as shown of it, or as its network's code names it (`visa:51`)."""
    named = shown if shown and shown != "unknown" else (network_code or "").rpartition(":")[0]
    return named.lower() if named and named.lower() != "advice" else None


def refusal(
    declines: Sequence[CardDecline], limits: Iterable[CardLimit], brand: str | None, money: Money, now: datetime
) -> str | None:
    """Return why a card must not be tried with this amount now, or None. declines: newest first."""
    if any(each.never_again for each in declines):
        return "its network or issuer has forbidden another try"
    known = brand or next((each.brand for each in declines if each.brand), OTHER)
    by_brand = [limit for limit in limits if limit.brand == known]
    for limit in by_brand or [limit for limit in limits if limit.brand == OTHER]:
        counted = [each for each in declines if each.at > now - limit.window and _counts(each, limit, money)]
        if len(counted) >= limit.declines:
            return f"it was declined {len(counted)} times within {_hours(limit.window)}"
    return None


def _counts(decline: CardDecline, limit: CardLimit, money: Money) -> bool:
    same = (decline.amount_minor, decline.currency) == (money.amount_minor, money.currency)
    return same or not limit.same_amount


def _hours(window: timedelta) -> str:
    return f"{window.days} days" if window.days > 1 else f"{window // timedelta(hours=1)} hours"
