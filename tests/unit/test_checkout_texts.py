"""The texts of the checkout: every language says the same things, with the same values in them."""

from __future__ import annotations

import json
import re
from string import Formatter

import pytest

from api.hosted.assets import WEB
from api.hosted.languages import LOCALES, NAMES, language
from clearway.domain.errors import DECLINE_CODES
from clearway.gateways.errors import by_decline_code

OTHERS = sorted(set(NAMES) - {"en"})
FAILURES = frozenset(f"error.{code}" for code in DECLINE_CODES)
"""English has them in the error table (`clearway.gateways.errors`)."""


def placeholders(text: str) -> set[str]:
    """Return the names of the values that a text wants."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("code", OTHERS)
def test_every_language_has_every_text(code: str):
    """A language has the keys of English and a text for each decline, and nothing else."""
    assert set(language(code).texts) == set(language("en").texts) | FAILURES


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_wants_the_values_of_the_english_one(code: str):
    """No text loses an amount or a name, and none wants a value that its page does not give."""
    english = language("en").texts
    for key, text in language(code).texts.items():
        wanted = english.get(key) or by_decline_code(key.removeprefix("error.")).customer_text
        assert placeholders(text) == placeholders(wanted), key


@pytest.mark.parametrize("code", OTHERS)
def test_no_text_is_left_in_english(code: str):
    """A text of several words is not the English one, except names that nobody translates."""
    english = language("en").texts
    same = {key for key, text in language(code).texts.items() if text == english.get(key) and " " in text}
    assert not same


@pytest.mark.parametrize("code", sorted(NAMES))
def test_every_decline_says_that_nothing_was_charged(code: str):
    """A customer whose payment failed reads in their language that no money was taken: the same words every time."""
    texts = language(code).texts
    sentence = {"en": "You were not charged."}.get(code) or _shared(texts["error.cancelled"], texts["error.other"])
    for key in FAILURES - {"error.refund_failed"}:
        text = texts.get(key) or by_decline_code(key.removeprefix("error.")).customer_text
        assert sentence in text, key


@pytest.mark.parametrize("code", sorted(NAMES))
def test_files_are_written_in_one_way(code: str):
    """A locale file has no key twice, which JSON would hide, and ends with a line."""
    content = (LOCALES / f"{code}.json").read_text(encoding="utf-8")
    keys = re.findall(r'^  "([^"]+)":', content, re.MULTILINE)
    assert len(keys) == len(set(keys)) == len(json.loads(content))
    assert content.endswith("}\n")


def test_templates_ask_for_texts_that_exist():
    """Every key that a template names is a text."""
    texts = language("en").texts
    for path in (WEB / "templates").glob("*.html"):
        asked = re.findall(r"""\bt\('([a-z_.]+)'(?! ~)""", path.read_text(encoding="utf-8"))
        assert not [key for key in asked if key not in texts], path.name


def _shared(one: str, other: str) -> str:
    """Return the last sentence that two texts share."""
    ends = [re.split(r"(?<=[.\u0964\u0589])\s+", text)[-1] for text in (one, other)]
    assert ends[0] == ends[1]
    return ends[0]
