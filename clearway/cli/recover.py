"""`clearway recover`: continue what has no running workflow, and compare the gateways' operations with the database."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType

from clearway.cli.decorators import Result, shows_result
from clearway.cli.moments import FORM, moment_of
from clearway.cli.output import plain, table
from clearway.cli.problems import CommandError
from clearway.domain.money import Money

if TYPE_CHECKING:
    from clearway.recovery.report import Report


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("recover", rich_help_panel="Operate")(recover)


@shows_result
def recover(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    payment: Annotated[str | None, typer.Option(metavar="ID", help="Only this payment or refund.")] = None,
    since: Annotated[
        str, typer.Option(metavar="TIME", help=f"Compare the gateways' operations since this time: {FORM}")
    ] = "24h",
    untouched: Annotated[
        int | None,
        typer.Option(
            metavar="SECONDS", help="Skip rows that changed within this many seconds (RECOVERY_AFTER_S by default)."
        ),
    ] = None,
) -> Result:
    """Continue payments and refunds that have no running workflow, and find gateway operations that are not recorded.

    Safe at any time and any number of times: it does not touch a running workflow, and a new one asks the gateway
    before it does anything. Use it after Temporal or the database was lost or restored.
    """
    if payment is not None and dry_run:
        raise CommandError("--payment continues one payment or refund at once. Leave --dry-run or --payment out.")
    report = asyncio.run(_recover(payment, moment_of(since), untouched, dry_run=dry_run))
    problem = _problem(report)
    error = CommandError(problem) if problem else None
    return Result(asdict(report), *_shown(report, dry_run=dry_run), remarks=[*_remarks(report)], error=error)


def _problem(report: Report) -> str:
    """Return why the command is not a success; empty: it is one."""
    found = []
    if report.failed:
        found.append(f"{len(report.failed)} could not be continued. Run the command again, or read the worker's log.")
    if report.unread:
        names = ", ".join(report.unread)
        found.append(
            f"Not all operations of {names} were compared, so charges may be missing from the list. "
            "Run the command again when the gateway answers."
        )
    return " ".join(found)


async def _recover(subject_id: str | None, since: datetime, untouched_s: int | None, *, dry_run: bool) -> Report:
    import structlog  # noqa: PLC0415 - heavy

    from clearway.cli.services import opened  # noqa: PLC0415 - heavy
    from clearway.gateway_configs.opening import every_connector  # noqa: PLC0415 - heavy
    from clearway.recovery.report import recover_all, recover_one  # noqa: PLC0415 - heavy

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # stdout is for the report
    now = datetime.now(UTC)
    async with opened() as services:
        if subject_id is not None:
            return await recover_one(services.recovery, subject_id, dry_run=dry_run)
        after_s = services.settings.recovery_after_s if untouched_s is None else untouched_s
        untouched_since = now - timedelta(seconds=after_s)
        connectors = await every_connector(services.gateways, services.engine)
        found = connectors.gateways
        report = await recover_all(services.recovery, found, untouched_since, since, dry_run=dry_run)
    report.unread |= connectors.unusable
    return report


def _shown(report: Report, *, dry_run: bool) -> Iterator[RenderableType]:
    if report.found:
        rows = table("type", "id", "status", "unchanged since", "reason", title="Without a workflow in the same status")
        for one in report.found:
            since = one.untouched_since.isoformat(timespec="seconds")
            rows.add_row(plain(one.kind), plain(one.id), plain(one.status), since, plain(one.why))
        yield rows
    if report.unrecorded:
        rows = table("operation", "amount", "at", "missing", "result", title="At a gateway, but not in the database")
        for lost in report.unrecorded:
            done = plain(lost.rebuilt.value) if lost.rebuilt else "not tried (dry run)"
            at = lost.at.isoformat(timespec="seconds")
            rows.add_row(plain(lost.key), _amount(lost.amount_minor, lost.currency), at, plain(lost.missing), done)
        yield rows
    if report.unknown_events:
        rows = table("gateway", "event", "about", "received", title="Gateway events about unknown payments and refunds")
        for event in report.unknown_events:
            received = event.received_at.isoformat(timespec="seconds")
            rows.add_row(plain(event.gateway), plain(event.event_id), plain(event.operation_key), received)
        yield rows
    yield _summary(report, dry_run=dry_run)


def _remarks(report: Report) -> Iterator[str]:
    for name in report.unlisted:
        yield f"{plain(name)} has no list of operations. Compare them in the gateway's own dashboard."
    for name, why in report.unread.items():
        yield f"The operations of {plain(name)} were not compared to the end: {plain(why)}."
    for subject_id, reason in report.failed.items():
        yield f"{plain(subject_id)} was not continued: {plain(reason)}."


def _summary(report: Report, *, dry_run: bool) -> str:
    if report.one is not None:
        return f"Result: {report.one.value}."
    done = "to continue" if dry_run else "continued"
    count = len(report.found) if dry_run else sum(report.taken_up.values())
    settled = f", {report.settled} more settled by a person" if report.settled else ""
    return (
        f"{report.looked_at} open payments and refunds read, {count} {done}, "
        f"{report.checked} workflows asked to check their row; "
        f"{report.operations} gateway operations compared, {len(report.unrecorded)} not in the database{settled}."
    )


def _amount(amount_minor: int | None, currency: str | None) -> str:
    known: Any = amount_minor is not None and currency is not None
    return str(Money(amount_minor or 0, currency or "")) if known else "-"
