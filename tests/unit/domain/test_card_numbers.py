"""What counts as a card number in text, what does not, and how often it is wrong."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.domain.card_numbers import contains_card_number, passes_luhn

CARDS = [
    "4111111111111111",  # Visa
    "4242424242424242",
    "4012888888881881",
    "5555555555554444",  # Mastercard
    "2223003122003222",
    "378282246310005",  # American Express
    "371449635398431",
    "30569309025904",  # Diners Club
    "38520000023237",
    "6011111111111117",  # Discover
    "3566002020360505",  # JCB
    "6205500000000000004",  # UnionPay
    "6200000000000005",
    "6080320000000002",  # RuPay
    "6521111111111110",
    "8171999927660000",
    "6759649826438453",  # Maestro
    "2200000000000004",  # Mir
]
SEED = 20261125
MANY = 20_000


def grouped(number: str, separator: str) -> str:
    """Write a number in the groups that stand on the card."""
    sizes = {14: (4, 6, 4), 15: (4, 6, 5)}.get(len(number), (4, 4, 4, 4, 3))
    groups, position = [], 0
    for size in sizes:
        groups.append(number[position : position + size])
        position += size
    return separator.join(filter(None, groups))


@pytest.mark.parametrize("number", CARDS)
@pytest.mark.parametrize("separator", ["", " ", "-", "\u00a0", "\u2013"])
@pytest.mark.parametrize(
    "around", ["{}", "pay with {} please", "x{}x", "12 {}", "{} 12/31 123", '{{"pan": "{}"}}', "+91 98765 43210 {}"]
)
def test_card_numbers_are_found_wherever_they_stand(number: str, separator: str, around: str) -> None:
    """Test cards of every scheme are found in every writing: bare, in groups, in a sentence, glued to letters."""
    assert contains_card_number(around.format(grouped(number, separator)))


@pytest.mark.parametrize("zero", ["\uff10", "\u0660", "\u0966"])
def test_digits_of_other_scripts_are_digits(zero: str) -> None:
    """A card number in full-width, Arabic or Devanagari digits is a card number."""
    assert contains_card_number("".join(chr(ord(zero) + int(digit)) for digit in CARDS[0]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "order 1042",
        "4111111111111112",
        "411111111111",
        "+91 98765 43210",
        "+4917604069006",
        "4917604069006",
        "+378282246310005",
        "2026-11-21 10:15:00",
        "1795257700123",
        "0000000000000000",
        "41111111111111110000000",
        "4111.1111.1111.1111",
        "4006381333931",
        "took 0.4111111111111111 s",
        "pay_01m7yw0dx03m3465phy7gr29ns",
        "8895846c-5985-4364-8844-03b023fd500a",
        "abababababababab4111111111111111",
        "41 1111 1111 1111 11",
    ],
)
def test_what_only_looks_a_little_like_one_is_left_alone(text: str) -> None:
    """Wrong check digit or length, dates, telephone numbers, product codes and identifiers are not card numbers."""
    assert not contains_card_number(text)


def refused(make: Callable[[random.Random], str]) -> float:
    """Return the share of made texts that are taken for card numbers."""
    source = random.Random(SEED)  # noqa: S311 - the same sample every time
    return sum(contains_card_number(make(source)) for _ in range(MANY)) / MANY


def digits(source: random.Random, length: int) -> str:
    """Return random digits, the first of them not zero."""
    return str(source.randrange(10 ** (length - 1), 10**length))


@pytest.mark.parametrize("form", ["+{}{}", "{}{}", "+{} {}", "00{}{}"])
@pytest.mark.parametrize("country", ["49", "43", "44", "55", "62", "86", "91"])
def test_no_mobile_number_is_refused(form: str, country: str) -> None:
    """Mobile numbers of 13 digits, with a plus or bare, are never taken for cards."""
    assert refused(lambda source: form.format(country, digits(source, 11))) == 0


def test_no_uuid_is_refused() -> None:
    """Random UUIDs, with dashes or as hexadecimal digits, are never taken for cards."""
    assert refused(lambda source: str(uuid.UUID(int=source.getrandbits(128), version=4))) == 0
    assert refused(lambda source: f"{source.getrandbits(128) | 0xF << 124:032x}") == 0


@pytest.mark.parametrize(
    ("length", "share"),
    [*((length, 0.0) for length in (8, 10, 12, 13, 20, 24)), (14, 0.006), (15, 0.004), (17, 0.01), (18, 0.01)],
)
def test_numeric_receipts_and_tokens_pass(length: int, share: float) -> None:
    """Random numbers of lengths that few cards have pass, but for at most this share of them."""
    assert refused(lambda source: digits(source, length)) <= share


@pytest.mark.parametrize(("length", "share"), [(16, 0.035), (19, 0.02)])
def test_some_numbers_with_the_length_of_most_cards_are_refused(length: int, share: float) -> None:
    """Of random numbers with the length of most cards this share, and not a tenth, is refused."""
    assert 0 < refused(lambda source: digits(source, length)) <= share


@given(st.text(alphabet="0123456789 -", max_size=60))
def test_finding_never_fails_and_agrees_with_luhn(text: str) -> None:
    """For any digits the search ends without an error, and a text that it finds has at least 13 digits."""
    if contains_card_number(text):
        assert sum(character.isdigit() for character in text) >= 13


@given(st.integers(min_value=0, max_value=10**15 - 1))
def test_exactly_one_check_digit_passes(payload: int) -> None:
    """For any number one check digit of ten passes Luhn."""
    assert sum(passes_luhn(f"{payload:015d}{digit}") for digit in range(10)) == 1
