"""What `clearway recover` does and prints: the sweep until nothing is left, then the gateways' operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from clearway.db import across_merchants
from clearway.db.across_merchants import UnknownEvent
from clearway.gateways.contract import Gateway
from clearway.recovery.books import Unrecorded, compare
from clearway.recovery.rebuilding import Rebuilt, rebuild
from clearway.recovery.sweep import Found, Swept, sweep
from clearway.recovery.taking_up import Recovery

ROUNDS_MAX: Final = 1_000


@dataclass
class Report:
    """Everything that was found and done. failed: what could not be taken up, and why.

    settled: operations that are not recorded, about which a person decided in reconciliation.
    unlisted: gateways that cannot list their operations. unread: gateways whose list could not be read, and why.
    """

    looked_at: int = 0
    found: list[Found] = field(default_factory=list)
    taken_up: dict[str, int] = field(default_factory=dict)
    checked: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    operations: int = 0
    unrecorded: list[Unrecorded] = field(default_factory=list)
    settled: int = 0
    unlisted: list[str] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    unknown_events: list[UnknownEvent] = field(default_factory=list)
    one: Rebuilt | None = None

    def add(self, swept: Swept) -> None:
        """Add a round."""
        self.looked_at += swept.looked_at
        self.found += swept.found
        self.checked += swept.checked
        self.failed |= swept.failed
        for kind, count in swept.taken_up.items():
            self.taken_up[kind] = self.taken_up.get(kind, 0) + count


async def recover_all(
    recovery: Recovery,
    gateways: Mapping[str, Gateway],
    untouched_since: datetime,
    since: datetime,
    *,
    dry_run: bool = False,
) -> Report:
    """Sweep, then compare the gateways' operations since a moment. Raises RPCError.

    untouched_since: younger rows and operations are left alone, because workflows may be about to record them.
    """
    report = Report()
    for _ in range(ROUNDS_MAX):
        swept = await sweep(recovery, untouched_since, dry_run=dry_run)
        report.add(swept)
        if dry_run or not swept.more:
            break
    compared = await compare(recovery, gateways, since, untouched_since, dry_run=dry_run)
    report.operations, report.unrecorded, report.unlisted = compared.looked_at, compared.unrecorded, compared.unlisted
    report.settled, report.unread = compared.settled, compared.unread
    async with recovery.reader.connect() as connection:
        report.unknown_events = await across_merchants.unknown_events(connection, since)
    return report


async def recover_one(recovery: Recovery, subject_id: str, *, dry_run: bool = False) -> Report:
    """Continue one payment or refund: start its workflow if none runs."""
    report = Report(looked_at=1)
    if not dry_run:
        report.one = await rebuild(recovery, subject_id)
    return report
