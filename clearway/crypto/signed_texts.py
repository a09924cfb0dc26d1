"""Texts that a browser keeps for us, with a signature for one purpose. They are not secret.

New signatures use the first pepper, and signatures of all peppers are valid.
"""

from __future__ import annotations

import hmac

from clearway.crypto.api_secrets import Peppers


def sign(peppers: Peppers, purpose: str, text: str) -> str:
    """Return the signature of a text."""
    return peppers.fingerprints(_bytes_of(purpose, text))[0].hex()


def verified(peppers: Peppers, purpose: str, text: str, signature: str) -> bool:
    """Return, in constant time, whether the text was signed here for this purpose."""
    signatures = peppers.fingerprints(_bytes_of(purpose, text))
    return any(
        hmac.compare_digest(own.hex().encode(), signature.encode("utf-8", "surrogatepass")) for own in signatures
    )


def _bytes_of(purpose: str, text: str) -> bytes:
    return f"{purpose}/{text}".encode("utf-8", "surrogatepass")
