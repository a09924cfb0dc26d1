"""Identifiers that gateways take, derived from our key: the same for every repeat. Pure."""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import Final

from clearway.gateways.custom.language.document import Identifier

NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:clearway:operation")


def derived(identifier: Identifier, key: str) -> str:
    """Return the identifier of the operation with this key."""
    digest = hashlib.sha256(key.encode()).digest()
    match identifier.form:
        case "key":
            return key
        case "uuid5":
            return str(uuid.uuid5(NAMESPACE, key))
        case "base32":
            return base64.b32encode(digest).decode().rstrip("=")[: identifier.length]
        case "integer":
            lowest = int(10 ** (identifier.digits - 1))
            return str(lowest + int.from_bytes(digest) % (9 * lowest))
