"""What memory a run lost: the database put back, Temporal's store removed, the operations listed after that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Restore:
    """A restore: what was written between the two moments is forgotten. Monotonic and Unix seconds."""

    copied: tuple[float, float]
    put_back: tuple[float, float] = (0.0, 0.0)

    def holds(self, began: float, ended: float) -> bool:
        """Return whether something took place, by the monotonic clock, while the database wrote what it forgot."""
        return began <= self.put_back[0] and ended >= self.copied[0]


@dataclass(frozen=True)
class Listed:
    """An operation that `clearway recover` lists as unrecorded, and what it says of it."""

    missing: str
    rebuilt: str | None


@dataclass(frozen=True)
class Past:
    """What memory a run lost. listed: operations by key. stores_lost: Unix seconds."""

    restores: Sequence[Restore] = ()
    listed: Mapping[str, Listed] = field(default_factory=dict)
    stores_lost: Sequence[float] = ()


def operations_listed(found: Mapping[str, Any]) -> dict[str, Listed]:
    """Return what `clearway recover --json` lists as unrecorded, by operation key."""
    return {each["key"]: Listed(each["missing"], each["rebuilt"]) for each in found["unrecorded"]}
