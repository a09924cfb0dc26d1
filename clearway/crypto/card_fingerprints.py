"""Fingerprints of cards: keyed hashes by which a merchant's cards are recognised. The number itself is kept nowhere.

The peppers of the installation are the keys, so a stolen table does not give the numbers away, although there are few
enough card numbers to try them all. The merchant's id is hashed too: two merchants' fingerprints of one card differ.
"""

from __future__ import annotations

from typing import Final

from clearway.crypto.api_secrets import Peppers

DIGEST_BYTES: Final = 16


def card_fingerprints(peppers: Peppers, merchant_id: str, card: str) -> tuple[str, ...]:
    """Return a card's fingerprint under each pepper, as `<pepper id>:<hex>`; the first is the one to store.

    card: what names it, such as `number:4242…`.
    """
    hashed = peppers.named_fingerprints(f"card/{merchant_id}/{card}".encode())
    return tuple(f"{pepper_id}:{digest[:DIGEST_BYTES].hex()}" for pepper_id, digest in hashed)
