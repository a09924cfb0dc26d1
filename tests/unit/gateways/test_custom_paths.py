"""Paths into a gateway's messages: no functions, no blow-up, and texts with the digits that were sent."""

from __future__ import annotations

import pytest

from clearway.gateways.custom import paths
from clearway.gateways.custom.reading import parsed

REFUSED = ["to_string(@)", "[@,@]", "{a: @}", "sort_by(@, &a)", "a[*][*][*]", "a[", "&a", "@." * 300 + "a"]


def test_values_are_found_as_texts() -> None:
    """A number keeps its digits, a truth value is a word, and what is no scalar is nothing."""
    message = parsed("json", b'{"a":{"b":[{"id":"x","n":10.50},{"id":"y","n":1}]},"t":true,"z":null}')
    assert paths.text_at(message, "a.b[0].n") == "10.50"
    assert paths.text_at(message, "a.b[?id=='y'].n | [0]") == "1"
    assert paths.text_at(message, "missing || t") == "true"
    assert paths.text_at(message, "a.b") is None
    assert paths.text_at(message, "z") is None
    assert paths.text_at(paths.Flat({"order-id": "1"}), "order-id") == "1"


@pytest.mark.parametrize("path", REFUSED)
def test_other_paths_are_refused(path: str) -> None:
    """Functions, multi-selects, a third list and what is no path."""
    with pytest.raises(ValueError, match=r"uses|goes through|is not a JMESPath"):
        paths.compiled(path)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 10_000,
        b'{"a": NaN}',
        b'{"a": 1e999999999}',
        b"\xff\xfe",
        b" " * 300_000,
        b"a=1&" * 10_000,
    ],
)
def test_a_hostile_body_is_unreadable(body: bytes) -> None:
    """Depth, length, numbers without end and foreign bytes: nothing is found, nothing is raised."""
    for form in ("json", "form", "text"):
        found = parsed(form, body)
        paths.text_at(found, "a")
