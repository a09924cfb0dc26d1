"""Identifiers: unique, in order of time, and of one form."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clearway.domain import ids
from clearway.domain.merchant import Mode

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


def _ids_at(*moments_ms: int) -> list[str]:
    """Return what a fresh process whose clock shows these milliseconds, one after the other, would make."""
    shown = iter(moments_ms)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids, "_last", 0)
        patch.setattr("time.time_ns", lambda: next(shown) * 1_000_000)
        return [ids.new_id(ids.PAYMENT) for _ in moments_ms]


def _number(text: str) -> int:
    number = 0
    for character in text.partition("_")[2]:
        number = number * 32 + ids.ALPHABET.index(character)
    return number


def test_ids_are_unique() -> None:
    """Ids made in one go, many of them in the same millisecond, are all different."""
    assert len({ids.new_id(ids.EVENT) for _ in range(20_000)}) == 20_000


@given(st.integers(0, LAST_MILLISECOND), st.integers(0, LAST_MILLISECOND))
def test_ids_sort_by_time(one: int, other: int) -> None:
    """Of two milliseconds, the later has the greater id, up to the last a ULID can hold (the year 10889)."""
    assume(one != other)
    assert (_ids_at(one) < _ids_at(other)) == (one < other)


@given(st.lists(st.integers(0, LAST_MILLISECOND - 1), min_size=2, max_size=20))
def test_ids_of_one_process_sort_in_the_order_they_are_made(clock: list[int]) -> None:
    """Within a millisecond and when the clock is set back, the next id is still the greater one."""
    made = _ids_at(*clock)

    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_the_next_id_cannot_be_guessed() -> None:
    """Two ids of the same millisecond are a random step apart, different every time."""
    pairs = [_ids_at(1, 1) for _ in range(200)]
    steps = {_number(second) - _number(first) for first, second in pairs}

    assert len(steps) == 200
    assert sorted(steps)[100] > 2**60


def test_threads_do_not_share_an_id() -> None:
    """Ids made by many threads at once are all different."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: ids.new_id(ids.EVENT), range(8_000)))

    assert len(set(made)) == 8_000


@pytest.mark.parametrize("prefix", PREFIXES)
def test_an_id_belongs_to_one_noun(prefix: str) -> None:
    """An id belongs to the noun of its prefix, and to no other."""
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


def test_what_comes_later_is_not_below_its_bound() -> None:
    """The bound allows for clocks that are a day apart, and no more; an id that carries no time gives no bound."""
    now = datetime.now(UTC)
    payment_id = ids.first_id(ids.PAYMENT, now)
    bound = ids.earliest(ids.EVENT, payment_id)

    assert (
        ids.first_id(ids.EVENT, now - timedelta(hours=25)) < bound < ids.first_id(ids.EVENT, now - timedelta(hours=23))
    )
    assert ids.earliest(ids.EVENT, "pay_of_a_test") == "evt_"
    assert ids.earliest(ids.EVENT, ids.first_id(ids.PAYMENT, datetime.fromtimestamp(0, UTC))) == "evt_" + "0" * 26


def test_subjects_are_named_by_their_prefix() -> None:
    """The subject type of an event or an audit row is read from the id, also where a mode stands behind the prefix."""
    key = ids.new_id(ids.api_key_prefix(Mode.LIVE))
    assert key.startswith("key_live_")
    assert ids.noun_of(key) == "api_key"
    assert ids.is_id(ids.API_KEY, key)
    assert ids.noun_of(ids.new_id(ids.PAYMENT)) == "payment"
    with pytest.raises(KeyError):
        ids.noun_of("unknown_1")
