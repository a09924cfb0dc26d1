"""Text from outside, made storable."""

from __future__ import annotations

import pytest

from clearway.domain.text import is_storable, storable, storable_or_none


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("plain\ttext\r\nof two lines", "plain\ttext\r\nof two lines"),
        ("a\x00b", "a\N{REPLACEMENT CHARACTER}b"),
        ("\ud800\udfff", "\N{REPLACEMENT CHARACTER}" * 2),
        ("\x1b[2J", "\N{REPLACEMENT CHARACTER}[2J"),
        ("\N{GRINNING FACE}", "\N{GRINNING FACE}"),
        ("123456789012345678901", "12345678901234567890"),
    ],
)
def test_text_for_people_is_mended_and_cut(text: str, stored: str) -> None:
    """NUL, lone surrogates and control characters are replaced, one for one; what is too long is cut."""
    assert storable(text, 20 if text[0] == "1" else 100) == stored
    stored.encode()


@pytest.mark.parametrize("value", [None, "", 5, True, [], {"a": "b"}, b"bytes"])
def test_what_is_no_text_is_none(value: object) -> None:
    """A value of another type is no text: it is never converted to one."""
    assert storable_or_none(value, 10) is None


def test_an_identifier_is_taken_exactly() -> None:
    """An identifier is taken exactly as it is, if it can be stored."""
    assert is_storable("id_1", 10)


@pytest.mark.parametrize("value", ["", "a\x00", "\ud800", "x" * 11, 5, None])
def test_or_an_identifier_is_not_taken_at_all(value: object) -> None:
    """An identifier that cannot be stored is not taken: a cut one would name something else."""
    assert not is_storable(value, 10)
