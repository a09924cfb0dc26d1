"""Passwords: long ones that nobody guesses first, and nothing else."""

from __future__ import annotations

import pytest

from clearway.domain.errors import UnprocessableError
from clearway.users.password_rules import check

PERSON = ("ada.lovelace@example.com", "Ada Lovelace")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "vier Brötchen bitte",
        "ուրախ կարմիր խնձոր",
        "x7-Qm2-pL9-wE4-rT",
        "🐟" * 3 + "aqhwzipwkdmn",
    ],
)
def test_long_passwords_of_every_alphabet_are_accepted(password: str) -> None:
    """Words, blanks and every script: there are no rules about kinds of characters."""
    check(password, PERSON, has_totp=False)


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "password12345678",
        "qwertyuiopasdfgh",
        "aaaaaaaaaaaaaaaaaaaa",
        "123456789012345678",
        "iloveyouiloveyou",
        "januaryfebruary",
        "Clearway-Lovelace-1",
        "ada.lovelace@example.com",
    ],
)
def test_what_is_guessed_early_is_refused(password: str) -> None:
    """Common and leaked passwords, rows, repetitions, and the words of the context."""
    with pytest.raises(UnprocessableError) as refused:
        check(password, PERSON, has_totp=False)
    assert refused.value.code == "password_refused"
    assert password not in refused.value.detail


def test_a_second_factor_allows_shorter_ones() -> None:
    """Eight characters are enough beside TOTP; seven never are, nor a common one of eight."""
    check("kD93kd!x", PERSON, has_totp=True)
    for password, has_totp in (("kD93kd!x", False), ("kD93kd!", True), ("Hunter22", True)):
        with pytest.raises(UnprocessableError):
            check(password, PERSON, has_totp=has_totp)


def test_the_whole_of_a_long_password_is_taken() -> None:
    """A long one is judged quickly, and is not refused for its length."""
    check("correct horse battery staple " * 8, PERSON, has_totp=False)
