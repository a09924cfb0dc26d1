"""The real worker, but a call whose worker died is given up after 10 s instead of 30 s.

The gateway's own time-out is shorter on these stacks as well (`GATEWAY_TIMEOUT_S`), so the one stays above the other.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import worker
from workflows import policies

policies.GATEWAY_CALL_TIMEOUT = timedelta(seconds=10)  # type: ignore[misc]

if __name__ == "__main__":
    asyncio.run(worker.main(worker.read_settings(), worker.parse_arguments([])))
