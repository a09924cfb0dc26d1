"""One run from plan to report: fire, quiet, hearing, verdict. Bounded in time; what is not finished is unknown."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.engine import create_engine
from clearway.settings import Settings
from tests.fire.gauntlet import report as reporting
from tests.fire.gauntlet.business_kinds import GATEWAY_KINDS as GATEWAY_BUSINESSES
from tests.fire.gauntlet.business_kinds import KINDS as BUSINESSES
from tests.fire.gauntlet.case import Case, LedgerWatch, hear
from tests.fire.gauntlet.driver import Driver
from tests.fire.gauntlet.excuses import excuse, still_counted
from tests.fire.gauntlet.gateway_strikes import get_well
from tests.fire.gauntlet.nemesis import Nemesis
from tests.fire.gauntlet.past import Past
from tests.fire.gauntlet.plan import Plan, Repertoire
from tests.fire.gauntlet.quiet import wait_for_quiet
from tests.fire.gauntlet.receivers import KINDS as RECEIVERS
from tests.fire.gauntlet.report import Report, counted
from tests.fire.gauntlet.restore import act_as_operator
from tests.fire.gauntlet.site import Site, site_of
from tests.fire.gauntlet.strikes import GATEWAY_KINDS as GATEWAY_STRIKES
from tests.fire.gauntlet.strikes import KINDS as STRIKES
from tests.fire.gauntlet.strikes import LONG_GATEWAY_KINDS as LONG_GATEWAY_STRIKES
from tests.fire.gauntlet.strikes import LONG_KINDS as LONG_STRIKES
from tests.fire.gauntlet.verdict import Judged, Ruling, judge, judge_gateways
from tests.fire.gauntlet.warden import watch_temporal
from tests.fire.gauntlet.workflow_check import judge_ends, judge_replay, runs_of, sample_of
from tests.support.attempt_invariants import CLOSED, OPENED

REPERTOIRE: Final = Repertoire(BUSINESSES, STRIKES, RECEIVERS)
LOOK_AT_LEDGER_EVERY_S: Final = 20.0
LEDGER_LOOKS_MAX: Final = 12
REPLAYED: Final = 300
"""Histories to replay of a long run; of a short one all are."""
SHORT: Final = 400
AMOUNT: Final = re.compile(r"[A-Z]{3} [0-9][0-9,.]*")
PLANNED_DEATHS: Final = " stopped ("
"""What the supervisor says when a process ended that nobody had ended."""

Say = Callable[[str], None]


def repertoire_of(*, long: bool, gateways: int = 1) -> Repertoire:
    """Return the kinds that a plan draws from."""
    many = gateways > 1
    return Repertoire(
        (*BUSINESSES, *(GATEWAY_BUSINESSES if many else ())),
        (
            *(*STRIKES, *(LONG_STRIKES if long else ()), *(GATEWAY_STRIKES if many else ())),
            *(LONG_GATEWAY_STRIKES if long and many else ()),
        ),
        RECEIVERS,
    )


async def run(plan: Plan, report: Report, say: Say, *, keep: bool) -> None:
    """Run a plan and fill the report; it is filled as far as the run came, also when it is cancelled."""
    folder = Path(tempfile.mkdtemp(prefix="gauntlet-"))
    say(f"state and logs: {folder}")
    try:
        async with site_of(plan, folder) as site:
            engine = create_engine(
                Settings(_env_file=None, database_url=site.stack.database_url), application_name="judge"
            )
            try:
                await _run_on(site, engine, report, say)
            finally:
                await engine.dispose()
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


async def _run_on(site: Site, engine: AsyncEngine, report: Report, say: Say) -> None:
    began = time.monotonic()
    nemesis = Nemesis(site, say)
    driver = Driver(site, nemesis, say)
    watch = LedgerWatch(engine, site.ledgers_seen)
    watching = asyncio.create_task(_watch(watch))
    warden = asyncio.create_task(watch_temporal(site, nemesis, report.notes.append))

    async def recover() -> None:
        say(f"the nemesis rests after {time.monotonic() - began:.0f} s")
        if site.plan.gateways > 1:
            await get_well(site, say)

    try:
        try:
            await driver.run(recover)
        finally:
            watching.cancel()
            report.fire_s = time.monotonic() - began
            _count_run(site, nemesis, report)
        say(f"every business has ended after {report.fire_s:.0f} s")
        await act_as_operator(site, say)
        await wait_for_quiet(site, engine, max(150.0, report.fire_s / 4), say)
    finally:
        warden.cancel()
    await act_as_operator(site, say)
    case = await hear(site, engine, still_counted(driver.failures, site.log, site.restores), watch)
    report.forgotten = excuse(case, Past(site.restores, site.listed, site.stores_lost))
    report.judged = judge(case)
    if site.plan.gateways > 1:
        report.judged.append(judge_gateways(case))
    await _ask_temporal(site, report, say)
    report.judged.append(_judge_run(site, nemesis))
    _count_case(case, report)
    report.duration_s = time.monotonic() - began


async def _watch(watch: LedgerWatch) -> None:
    for number in range(LEDGER_LOOKS_MAX):
        await asyncio.sleep(LOOK_AT_LEDGER_EVERY_S * (1 + number // 3))
        await watch.look()


async def _ask_temporal(site: Site, report: Report, say: Say) -> None:
    try:
        runs = await runs_of(site.stack.temporal)
        report.judged.append(judge_ends(runs, site.ended_runs))
        sample = sample_of(runs, site.plan.seed, len(runs) * 3 if site.plan.payments <= SHORT else REPLAYED)
        say(f"replaying {len(sample)} of {len(runs)} histories")
        report.judged.append(await judge_replay(site.stack.temporal, sample))
    except Exception as error:  # noqa: BLE001 - what Temporal does not answer is unknown
        report.judged.append(Judged("what Temporal says", Ruling.UNKNOWN, [f"{type(error).__name__}: {error}"]))


def _judge_run(site: Site, nemesis: Nemesis) -> Judged:
    """The nemesis did what was planned, and no process died that it had not killed."""
    name = "every strike was carried out, and no process died of anything else"
    died = [line for line in site.notes.lines if PLANNED_DEATHS in line]
    if died:
        return Judged(name, Ruling.FAIL, died)
    return Judged(name, Ruling.UNKNOWN if nemesis.failures else Ruling.PASS, nemesis.failures)


def _count_run(site: Site, nemesis: Nemesis, report: Report) -> None:
    report.date = datetime.now(UTC).date().isoformat()
    report.versions = reporting.versions()
    report.businesses = counted(business.kind for business in site.plan.businesses)
    report.strikes = dict(nemesis.carried_out.most_common())
    report.faults = dict(site.faults.met.most_common())
    report.answers = counted(exchange.status or exchange.error or "none" for exchange in site.log)
    broken = [exchange for exchange in site.log if exchange.status == 500]
    for exchange in broken[:5]:
        report.notes.append(f"500 to {exchange.method} {exchange.path}: {exchange.content[:200]!r}")


def _count_case(case: Case, report: Report) -> None:
    report.payments = counted(row["status"] for row in case.stack.payments)
    report.gateways = counted(_at_gateways(case))
    report.refunds = counted(row["status"] for row in case.stack.refunds)
    report.reviews = counted(
        AMOUNT.sub("…", row["reason"] or "") for row in case.stack.events if row["to_status"] == "needs_review"
    )
    report.deliveries = counted(row["status"] for row in case.stack.deliveries)
    report.arrivals = counted(arrival.answered or "not answered" for arrival in case.arrivals)


def _at_gateways(case: Case) -> Iterator[str]:
    """Name what happened at the gateways: each attempt with its end, each failover, each move of a breaker."""
    for attempt in case.stack.payment_attempts:
        yield f"{attempt['gateway']} {attempt['status']}"
    kinds = {attempt["gateway_id"]: attempt["gateway"] for attempt in case.stack.payment_attempts}
    for event in case.stack.events:
        if event["type"] == "payment.attempt_failed":
            yield "failovers"
        elif event["type"] in {OPENED, CLOSED}:
            yield f"{event['type'].removeprefix('gateway.')} at {kinds.get(event['subject_id'], 'a gateway')}"
