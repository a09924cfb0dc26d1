"""What a floor does otherwise than its default, told to its processes in their environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import orjson

ENVIRONMENT: Final = "FLOOR_OTHERWISE"


@dataclass(frozen=True)
class Otherwise:
    """What differs, nothing by default.

    strict: the sandbox of the tests. pollers: a fixed number in place of autoscaling. eager: of deliveries.
    receiver_url: the floor reads, writes and sends (see `floor_io`), and sends to this address.
    """

    strict: bool = False
    pollers: int | None = None
    eager: bool = True
    receiver_url: str | None = None

    @classmethod
    def from_environment(cls) -> Otherwise:
        """Read `FLOOR_OTHERWISE`, a JSON object."""
        return cls(**orjson.loads(os.environ.get(ENVIRONMENT, "{}")))

    def environment(self) -> Mapping[str, str]:
        """Return what `from_environment` reads."""
        return {ENVIRONMENT: orjson.dumps(asdict(self)).decode()}

    def queue(self, ours: str) -> str:
        """Return the floor's task queue for one of ours. Two floors at once do not take each other's tasks."""
        return f"floor-{ours}" if self.receiver_url is None else f"floor-io-{ours}"


AS_OURS: Final = Otherwise()
