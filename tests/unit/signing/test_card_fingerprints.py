"""Fingerprints of cards: the same for the same card of a merchant, and never the number."""

from __future__ import annotations

from clearway.crypto.api_secrets import Peppers
from clearway.crypto.card_fingerprints import card_fingerprints

NUMBER = "number:4242424242424242"


def test_a_fingerprint_is_of_one_card_of_one_merchant() -> None:
    """The same card has the same fingerprint; another card, merchant or pepper has another one."""
    old = Peppers.from_settings("old:pepper")
    (mine,) = card_fingerprints(old, "mer_1", NUMBER)
    assert (mine,) == card_fingerprints(old, "mer_1", NUMBER)
    others = [
        *card_fingerprints(old, "mer_2", NUMBER),
        *card_fingerprints(old, "mer_1", "number:4111111111111111"),
        *card_fingerprints(Peppers.from_settings("old:other"), "mer_1", NUMBER),
    ]
    assert mine not in others
    assert mine.startswith("old:")
    assert "4242" not in mine


def test_a_new_pepper_still_finds_what_was_stored_under_the_old_one() -> None:
    """After a change of the pepper, the former fingerprint is among those that are looked for."""
    (stored,) = card_fingerprints(Peppers.from_settings("old:pepper"), "mer_1", NUMBER)
    found = card_fingerprints(Peppers.from_settings("new:fresh,old:pepper"), "mer_1", NUMBER)
    assert (found[0].partition(":")[0], stored in found) == ("new", True)
