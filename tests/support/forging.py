"""A body with chosen content and a given CRC32: a signature over a CRC32 does not prevent it."""

from __future__ import annotations

import itertools
import json
import zlib
from typing import Any, Final

PLACES: Final = 16
FREE_BITS: Final = 4
"""`@` and `A` to `O` differ in the four low bits alone: whatever these bits are, the text stays printable."""


def forged(event: dict[str, Any], crc: int) -> bytes:
    """Return the event as JSON with one more field, chosen so that the CRC32 of the body is the given one.

    CRC32 is linear: which letters give it is a system of 32 equations in the bits of the letters.
    """
    head, tail = json.dumps(event, separators=(",", ":"))[:-1].encode() + b',"pad":"', b'"}'
    base = bytearray(b"@" * PLACES)
    now = zlib.crc32(head + base + tail)
    vectors = []
    for place, bit in itertools.product(range(PLACES), range(FREE_BITS)):
        changed = bytearray(base)
        changed[place] ^= 1 << bit
        vectors.append((zlib.crc32(head + changed + tail) ^ now, place, bit))
    for place, bit in _solved(vectors, now ^ crc):
        base[place] ^= 1 << bit
    body = head + base + tail
    assert zlib.crc32(body) == crc
    return body


def _solved(vectors: list[tuple[int, int, int]], wanted: int) -> list[tuple[int, int]]:
    """Return the places and bits whose changes add up to what is wanted: Gauss over bits."""
    rows: dict[int, tuple[int, frozenset[tuple[int, int]]]] = {}
    for effect, place, bit in vectors:
        value, members = effect, frozenset({(place, bit)})
        while value:
            top = value.bit_length()
            if top not in rows:
                rows[top] = (value, members)
                break
            value, members = value ^ rows[top][0], members ^ rows[top][1]
    chosen: frozenset[tuple[int, int]] = frozenset()
    while wanted:
        value, members = rows[wanted.bit_length()]
        wanted, chosen = wanted ^ value, chosen ^ members
    return sorted(chosen)
