"""Which passwords are accepted: long ones that nobody guesses first. There are no rules about kinds of characters.

Sources: NIST SP 800-63B-4 and OWASP ASVS 5.0 (6.2). At least 15 characters where the password is the only factor, 8
with a second one. The package `zxcvbn` (MIT licence, offline) has lists of leaked and common passwords, names, words
and keyboard rows, and estimates how many guesses find the password. Words of the context (the product, the person) do
not count towards the length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from zxcvbn import zxcvbn

from clearway.domain.errors import UnprocessableError

LENGTH_MIN: Final = 15
LENGTH_MIN_WITH_TOTP: Final = 8
LENGTH_MAX: Final = 256
ESTIMATED_MAX: Final = 72
"""The estimate takes longer the longer the text is; what begins well is good enough."""
GUESSES_MIN: Final = 10_000_000
CONTEXT: Final = ("clearway", "payment", "password", "dashboard")
CONTEXT_WORD_MIN: Final = 4


def check(password: str, context: Iterable[str], *, has_totp: bool) -> None:
    """Refuse a password that is too short or easy to guess. context: names of the person. Raises UnprocessableError."""
    needed = LENGTH_MIN_WITH_TOTP if has_totp else LENGTH_MIN
    if len(password) < needed:
        raise _refused(f"It must have at least {needed} characters; a few words are good")
    words = _words(context)
    without = re.sub("|".join(map(re.escape, words)), "", password.casefold())
    if len(without) < LENGTH_MIN_WITH_TOTP:
        raise _refused("It is little more than your name, your address, or words such as password and clearway")
    if zxcvbn(password[:ESTIMATED_MAX], user_inputs=words, max_length=ESTIMATED_MAX)["guesses"] < GUESSES_MIN:
        raise _refused("It is a common or leaked password, or a pattern that is guessed early")


def _words(context: Iterable[str]) -> list[str]:
    texts = [text.casefold() for text in context]
    parts = {part for text in texts for part in (text, *re.split(r"[\W_]+", text))}
    return sorted({*CONTEXT, *(part for part in parts if len(part) >= CONTEXT_WORD_MIN)}, key=len, reverse=True)


def _refused(reason: str) -> UnprocessableError:
    return UnprocessableError("password_refused", f"This password can't be used. {reason}. Nothing was changed.")
