"""What counts as a card number in text, and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.card_numbers import contains_card_number, passes_luhn

CARDS = [
    "4111111111111111",
    "4242 4242 4242 4242",
    "5555-5555-5555-4444",
    "378282246310005",
    "6011111111111117",
    "3566002020360505",
    "2223003122003222",
    "6080320000000002",
    "4222222222222",
]


@pytest.mark.parametrize("number", CARDS)
@pytest.mark.parametrize("around", ["{}", "pay with {} please", "x{}x", "12 {}", "{} 12/31 123", '{{"pan": "{}"}}'])
def test_card_numbers_are_found_wherever_they_stand(number: str, around: str) -> None:
    """Bare, in groups, in a sentence, glued to letters, before an expiry date: found."""
    assert contains_card_number(around.format(number))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "order 1042",
        "4111111111111112",
        "411111111111",
        "+91 98765 43210",
        "2026-11-21 10:15:00",
        "1795257700123",
        "0000000000000000",
        "41111111111111110000000",
        "4111.1111.1111.1111",
        "pay_01m7yw0dx03m3465phy7gr29ns",
    ],
)
def test_what_only_looks_a_little_like_one_is_left_alone(text: str) -> None:
    """Wrong check digit, too short, too long, dates, telephone numbers and ids of ours are not card numbers."""
    assert not contains_card_number(text)


@given(st.text(alphabet="0123456789 -", max_size=60))
def test_finding_never_fails_and_agrees_with_luhn(text: str) -> None:
    """On any run of digits the answer comes, and a found number really has a passing group of 13 to 19 digits."""
    if contains_card_number(text):
        digits = [character for character in text if character.isdigit()]
        assert len(digits) >= 13


@given(st.integers(min_value=0, max_value=10**15 - 1))
def test_exactly_one_check_digit_passes(payload: int) -> None:
    """For any number one check digit of ten passes Luhn."""
    assert sum(passes_luhn(f"{payload:015d}{digit}") for digit in range(10)) == 1
