"""What a wrong value is answered with: words, not the pattern that it should match."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import api
from api.http.forms import WORDS, wanted


def patterns(part: Any) -> Iterator[str]:
    """Return every pattern of a part of the document."""
    if isinstance(part, list):
        part = dict(enumerate(part))
    if not isinstance(part, dict):
        return
    if isinstance(part.get("pattern"), str):
        yield part["pattern"]
    for each in part.values():
        yield from patterns(each)


def test_every_pattern_of_the_api_has_words() -> None:
    """A person who wrote a wrong value reads what is wanted, with an example, and no regular expression."""
    document = json.loads((Path(api.__file__).parent / "openapi.json").read_text(encoding="utf-8"))
    found = set(patterns(document))
    assert len(found) > 15
    assert sorted(found - WORDS.keys()) == []


def test_a_pattern_without_words_is_shown() -> None:
    """A form that nobody has described is still named."""
    assert wanted("^x$") == "This must match the pattern ^x$"
