"""What is read of a merchant and kept in the process for a few seconds, so that a payment reads no row for it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from typing import Final, Generic, TypeVar

T = TypeVar("T")

FRESH_S: Final = 5.0
"""How long it is used without reading it again: a change reaches every process within this time."""
KEPT_MAX: Final = 1_000
"""Of how many merchants; what was read longest ago goes first."""


class PerMerchant(ABC, Generic[T]):
    """Base of the caches."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[float, T]] = OrderedDict()

    async def of_merchant(self, merchant_id: str) -> T:
        """Return what is known of a merchant."""
        known = self._known.get(merchant_id)
        if known is not None and time.monotonic() - known[0] < FRESH_S:
            return known[1]
        found = await self._read(merchant_id, known[1] if known else None)
        self._known[merchant_id] = (time.monotonic(), found)
        self._known.move_to_end(merchant_id)
        if len(self._known) > KEPT_MAX:
            self._known.popitem(last=False)
        return found

    def forget(self, merchant_id: str) -> None:
        """Read it again at its next use: this process has just changed it."""
        self._known.pop(merchant_id, None)

    @abstractmethod
    async def _read(self, merchant_id: str, known: T | None) -> T:
        """Read it. known: what was read last."""
