"""Identifiers: unique, in order of time, and of one form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.domain import ids

PREFIXES = [
    ids.MERCHANT,
    ids.ORDER,
    ids.PAYMENT,
    ids.CAPTURE,
    ids.REFUND,
    ids.EVENT,
    ids.ENDPOINT,
    ids.DELIVERY,
    ids.LEDGER_TRANSACTION,
    ids.AUDIT_ENTRY,
    ids.REQUEST,
]
LAST_MILLISECOND = 2**48 - 1


def _id_at(milliseconds: int) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.time_ns", lambda: milliseconds * 1_000_000)
        return ids.new_id(ids.PAYMENT)


def test_ids_are_unique() -> None:
    """Ids made in one go, many of them in the same millisecond, are all different."""
    assert len({ids.new_id(ids.EVENT) for _ in range(20_000)}) == 20_000


@given(st.integers(0, LAST_MILLISECOND), st.integers(0, LAST_MILLISECOND))
def test_ids_sort_by_time(one: int, other: int) -> None:
    """Of two milliseconds, the later has the greater id, up to the last a ULID can hold (the year 10889)."""
    if one != other:
        assert (_id_at(one) < _id_at(other)) == (one < other)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_an_id_tells_its_noun(prefix: str) -> None:
    """An id is of the noun whose prefix it carries, and of no other."""
    made = ids.new_id(prefix)

    assert [known for known in PREFIXES if ids.is_id(known, made)] == [prefix]
    assert len(made) == len(prefix) + 1 + ids.BODY_LENGTH


def test_nouns_have_prefixes_of_their_own() -> None:
    """No two nouns share a prefix."""
    assert len(set(PREFIXES)) == len(PREFIXES)


@given(st.text(max_size=40))
def test_any_text_can_be_asked_about(text: str) -> None:
    """A text is an id only when its body has the length and the alphabet of one."""
    body = text.removeprefix("pay_")
    expected = text.startswith("pay_") and len(body) == 26 and set(body) <= set(ids.ALPHABET)

    assert ids.is_id("pay", text) == expected


@pytest.mark.parametrize("letter", ["i", "l", "o", "u", "A", "-", "é", "٣", "\n"])
def test_letters_outside_the_alphabet_are_refused(letter: str) -> None:
    """Letters that people confuse, capitals, other scripts' digits and line ends are not part of an id."""
    assert ids.is_id("pay", f"pay_{'0' * 26}")
    assert not ids.is_id("pay", f"pay_{'0' * 25}{letter}")
