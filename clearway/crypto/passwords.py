"""Passwords: hashed by argon2id, and compared. Nothing here stores, logs or judges one.

The parameters are those of OWASP ASVS 5.0, appendix C: 46 MiB, one pass, one lane. A hash takes a tenth of a second and
its memory, so it runs in a thread, and few at a time.
"""

from __future__ import annotations

import asyncio
from typing import Final

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

MEMORY_KIB: Final = 47_104
AT_ONCE: Final = 2
"""More would only wait for the same cores, each with its memory."""


class Passwords:
    """The hasher of one process."""

    def __init__(self) -> None:
        self._hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=MEMORY_KIB, parallelism=1),))
        self._places = asyncio.Semaphore(AT_ONCE)
        self._of_nobody = self._hasher.hash("nobody")

    async def hash(self, password: str) -> str:
        """Return what is stored."""
        async with self._places:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, password: str, stored: str | None) -> bool:
        """Return whether a password has this hash. Without a hash the same work is done for nothing."""
        async with self._places:
            same = await asyncio.to_thread(self._verify, password, stored or self._of_nobody)
        return same and stored is not None

    def _verify(self, password: str, stored: str) -> bool:
        try:
            return self._hasher.verify(password, stored)
        except UnknownHashError:
            return False
