"""Signatures and digests by recipe. Pure.

MD5 and SHA-1 are what some gateways demand. A signature is compared in constant time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from clearway.gateways.custom.language.callbacks import Check
from clearway.gateways.custom.language.values import Recipe, Value

Resolve = Callable[[Value], bytes | None]
"""Returns a part as bytes; None: it is left out."""
HMAC: Final = "hmac-"


class PartMissingError(ValueError):
    """A signature cannot be made: a part of it is not there."""


def made(recipe: Recipe, resolve: Resolve) -> str:
    """Return the signature. Raises PartMissingError."""
    text = recipe.separator.encode().join(part for part in map(resolve, recipe.parts) if part is not None)
    name = recipe.algorithm.removeprefix(HMAC)
    if recipe.algorithm.startswith(HMAC):
        digest = hmac.new(_needed(recipe.key, resolve), text, name).digest()
    else:
        digest = hashlib.new(name, text, usedforsecurity=False).digest()
    prefix, suffix = (_optional(value, resolve) for value in (recipe.prefix, recipe.suffix))
    return prefix + _encoded(recipe, digest) + suffix


def agrees(check: Check, expected: str, given: str) -> bool:
    """Return whether a given signature is the expected one, in a time that does not tell how much of it is right."""
    if check.case == "insensitive":
        expected, given = expected.lower(), given.lower()
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass"))


def _encoded(recipe: Recipe, digest: bytes) -> str:
    match recipe.encoding:
        case "hex":
            return digest.hex()
        case "hex_upper":
            return digest.hex().upper()
        case "base64":
            return base64.b64encode(digest).decode()


def _needed(value: Value | None, resolve: Resolve) -> bytes:
    found = None if value is None else resolve(value)
    if found is None:
        raise PartMissingError("the key of the signature is not there")
    return found


def _optional(value: Value | None, resolve: Resolve) -> str:
    found = None if value is None else resolve(value)
    return "" if found is None else found.decode()
