"""The sweep as an activity of the maintenance schedule: start new runs for lost workflows, and count them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from temporalio import activity

from clearway.recovery.sweep import sweep
from clearway.recovery.taking_up import Recovery

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SweptRound:
    """What one round did. taken_up: new runs by kind. more: the round was full, so there may be more to do."""

    looked_at: int = 0
    taken_up: dict[str, int] = field(default_factory=dict)
    checked: int = 0
    failed: int = 0
    more: bool = False


class RecoveryActivities:
    """The database and Temporal, compared with each other. untouched_s: rows younger than that are left alone."""

    def __init__(self, recovery: Recovery, untouched_s: float) -> None:
        self._recovery = recovery
        self._untouched = timedelta(seconds=untouched_s)

    @activity.defn(name="sweep_open_work")
    async def sweep(self) -> SweptRound:
        """Start a run for open payments and refunds that have no running workflow."""
        swept = await sweep(self._recovery, datetime.now(UTC) - self._untouched)
        meter = activity.metric_meter()
        taken_up = meter.create_counter("clearway_taken_up", "Runs started for rows without a running workflow.")
        for kind, count in swept.taken_up.items():
            taken_up.add(count, {"kind": kind})
        checked = meter.create_counter(
            "clearway_records_checked", "Runs asked to compare their row with what they know."
        )
        checked.add(swept.checked)
        failed = meter.create_counter("clearway_take_up_failures", "Rows that could not be taken up.")
        failed.add(len(swept.failed))
        for subject_id, reason in swept.failed.items():
            log.error("not_taken_up", subject_id=subject_id, reason=reason)
        return SweptRound(swept.looked_at, swept.taken_up, swept.checked, len(swept.failed), swept.more)
