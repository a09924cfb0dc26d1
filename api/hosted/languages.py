"""The reader's language, chosen by `lang` or the browser: its texts, its direction, its way to write amounts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Final

from babel import Locale, negotiate_locale
from babel.dates import format_datetime

from api.hosted.assets import WEB
from clearway.domain.money import exponent

LOCALES: Final = WEB / "locales"
DEFAULT: Final = "en"
NAMES: Final[Mapping[str, str]] = {
    "en": "English",
    "hi": "हिन्दी",
    "hy": "Հայերեն",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "ar": "العربية",
}
ACCEPTED_MAX: Final = 20
"""How many languages of the browser are looked at."""


@dataclass(frozen=True)
class Language:
    """One language."""

    code: str
    locale: Locale
    texts: Mapping[str, str]

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`."""
        return str(self.locale.text_direction)

    def text(self, key: str, **values: object) -> str:
        """Return a text with its values filled in. A missing one is a programmer's error, which a test looks for."""
        if self.direction == "rtl":
            # A shop's name or an amount in another script must not move the words around it (Unicode TR9, isolates).
            values = {name: f"\u2068{value}\u2069" for name, value in values.items()}
        return self.texts[key].format_map(values)

    def amount(self, minor: int, currency: str) -> str:
        """Write an amount with the digits of ISO 4217: CLDR would round some currencies to whole units."""
        digits = exponent(currency)
        pattern = copy(self.locale.currency_formats["standard"])
        pattern.frac_prec = (digits, digits)
        value = Decimal(minor).scaleb(-digits)
        return str(pattern.apply(value, self.locale, currency=currency, currency_digits=False))

    def moment(self, value: Any) -> str:
        """Write a moment in UTC."""
        return str(format_datetime(value, "medium", locale=self.locale))


@cache
def language(code: str) -> Language:
    """Return one of the languages of NAMES."""
    texts = json.loads((LOCALES / f"{code}.json").read_text(encoding="utf-8"))
    return Language(code, Locale.parse(code), texts)


def choose(asked: str | None, accepted: str) -> Language:
    """Return the language: the one asked for, else the best for `Accept-Language`, else English."""
    if asked in NAMES:
        return language(str(asked))
    preferred = [code.replace("-", "_") for code in _by_preference(accepted)]
    return language(negotiate_locale(preferred, list(NAMES), sep="_", aliases={}) or DEFAULT)


def _by_preference(accepted: str) -> list[str]:
    """Read `Accept-Language` (RFC 9110, section 12.5.4), the best first. What cannot be read is left out."""
    found = []
    for place, part in enumerate(accepted.split(",")[:ACCEPTED_MAX]):
        code, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight or 1)
        except ValueError:
            continue
        if code and quality > 0:
            found.append((-quality, place, code))
    return [code for _, _, code in sorted(found)]
