"""The limits of the card networks: what is counted, for how long, and what forbids another try."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clearway.domain.card_limits import CardDecline, brand_of, read_limits, refusal
from clearway.domain.money import Money
from clearway.settings import Settings

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
AMOUNT = Money(50_000, "INR")
LIMITS = read_limits("visa:30d:3:amount,mastercard:24h:2,mastercard:30d:4,other:30d:1")


def declined(*ages: timedelta, brand: str | None = "visa", money: Money = AMOUNT) -> list[CardDecline]:
    """Return declines of these ages."""
    return [CardDecline(NOW - age, brand, money.amount_minor, money.currency) for age in ages]


def days(*ages: int) -> list[timedelta]:
    """Return ages in days."""
    return [timedelta(days=age) for age in ages]


def test_a_visa_card_is_tried_again_until_its_limit_and_after_its_window() -> None:
    """The limit counts declines within 30 days; older ones count no more."""
    assert refusal(declined(*days(0, 29)), LIMITS, "visa", AMOUNT, NOW) is None
    assert refusal(declined(*days(0, 1, 31)), LIMITS, "visa", AMOUNT, NOW) is None
    assert refusal(declined(*days(0, 1, 29)), LIMITS, "visa", AMOUNT, NOW) == "it was declined 3 times within 30 days"


def test_visa_counts_an_amount_for_itself_and_mastercard_does_not() -> None:
    """Declines of another amount or currency do not count for Visa; at Mastercard every decline of the card counts."""
    other = declined(*days(0, 0, 0), money=Money(50_001, "INR"))
    foreign = declined(*days(0, 0, 0), money=Money(50_000, "USD"))
    assert refusal(other + foreign, LIMITS, "visa", AMOUNT, NOW) is None
    assert refusal(other, LIMITS, "mastercard", AMOUNT, NOW) == "it was declined 3 times within 24 hours"


def test_each_window_of_a_brand_counts_for_itself() -> None:
    """Mastercard's limit of a day is over after a day, its limit of 30 days is not."""
    assert refusal(declined(*days(2, 2, 2), brand="mastercard"), LIMITS, "mastercard", AMOUNT, NOW) is None
    four = declined(*days(2, 2, 2, 2), brand="mastercard")
    assert refusal(four, LIMITS, "mastercard", AMOUNT, NOW) == "it was declined 4 times within 30 days"


def test_a_brand_is_learnt_from_the_declines_or_is_any_other() -> None:
    """A token's brand is known once its network has declined; a brand without limits of its own has the others'."""
    assert refusal(declined(*days(0, 0)), LIMITS, None, AMOUNT, NOW) is None
    assert refusal(declined(*days(0), brand=None), LIMITS, None, AMOUNT, NOW) is not None
    assert refusal(declined(*days(0), brand="jcb"), LIMITS, "jcb", AMOUNT, NOW) is not None
    assert (brand_of("visa", None), brand_of("unknown", "amex:100"), brand_of(None, "advice:03")) == (
        "visa",
        "amex",
        None,
    )


def test_a_decline_that_forbids_another_try_counts_for_every_amount() -> None:
    """After a lost card there is no second try, whatever the amount."""
    lost = [CardDecline(NOW, "visa", 1, "USD", never_again=True)]
    assert refusal(lost, LIMITS, "visa", AMOUNT, NOW) == "its network or issuer has forbidden another try"


@pytest.mark.parametrize(
    "text", ["visa", "visa:30d", "visa:30d:0", "visa:31d:15", "visa:0h:1", "visa:1w:3", "v:1d:2:x"]
)
def test_a_limit_that_cannot_be_kept_is_refused(text: str) -> None:
    """A limit has a brand, a window of at most 30 days and a number; the program does not start with another one."""
    with pytest.raises(ValueError, match=r"limit|window"):
        read_limits(text)
    with pytest.raises(ValueError, match=r"card_limits"):
        Settings(_env_file=None, card_limits=text)


def test_the_networks_limits_are_the_default() -> None:
    """Visa allows 15 tries of an amount in 30 days; Mastercard 10 declines a day and 35 in 30 days."""
    found = read_limits(Settings(_env_file=None).card_limits)
    shown = [(each.brand, each.window, each.declines, each.same_amount) for each in found]
    month, day = timedelta(days=30), timedelta(hours=24)
    assert shown[:3] == [("visa", month, 15, True), ("mastercard", day, 10, False), ("mastercard", month, 35, False)]
    assert read_limits("") == ()
