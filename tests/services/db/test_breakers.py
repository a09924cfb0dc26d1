"""Circuit breakers in the database: what is counted, what opens one, which events it makes, and what costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update

from clearway.breakers import counting
from clearway.breakers.board import BreakerBoard
from clearway.breakers.commands import close, of_gateway
from clearway.breakers.counting import BreakerCounts, CalledGateway, failure_of
from clearway.db import across_merchants
from clearway.db.events import DueDelivery
from clearway.db.tables import audit_log, events, gateway_breakers
from clearway.domain.actor import Actor
from clearway.domain.breaker import CALLS_MIN, IDLE_S, PROBES_TO_CLOSE, BreakerState
from clearway.domain.gateway import first_gateway_id
from clearway.domain.gateway_health import Measured
from clearway.domain.routing import BreakerSays
from clearway.gateways.checking import Report
from clearway.gateways.contract import GatewayOutcome, OutcomeKind
from clearway.monitoring.health import record
from tests.support.shop import Shop

WELL = GatewayOutcome(OutcomeKind.APPROVED)
DECLINED = GatewayOutcome(OutcomeKind.DECLINED, error_code="card_declined")
UNKNOWN = GatewayOutcome(OutcomeKind.UNKNOWN)
GOOD = Report(ok=True, message="It works.", latency_ms=12)
BAD = Report(ok=False, message="It refuses the key. Enter another.")


class Watched:
    """Breakers of one gateway of a shop, counted by one process."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.gateway_id = first_gateway_id(shop.merchant_id)
        self.called = CalledGateway(shop.merchant_id, self.gateway_id, "authorise")
        self.board = BreakerBoard(shop.engine)
        self.started: list[DueDelivery] = []
        self.counts = BreakerCounts(shop.engine, self.board, self._start)

    async def _start(self, due: Sequence[DueDelivery]) -> None:
        self.started += due

    async def meet(self, *outcomes: GatewayOutcome, took_s: float = 0.1) -> None:
        """Note calls and wait until what is due is written."""
        for outcome in outcomes:
            self.counts.note(self.called, outcome, took_s)
        await self.counts.settle()

    async def row(self) -> Any:
        """Return the row."""
        query = select(gateway_breakers).where(gateway_breakers.c.gateway_id == self.gateway_id)
        async with self.shop.engine.connect() as connection:
            return (await connection.execute(query)).one_or_none()

    async def let_time_pass(self, since_s: float = 1) -> None:
        """Bring the breaker to a time after the end of its open time."""
        past = datetime.now(UTC) - timedelta(seconds=since_s)
        changed = update(gateway_breakers).where(gateway_breakers.c.gateway_id == self.gateway_id)
        async with self.shop.engine.begin() as connection:
            await connection.execute(changed.values(open_until=past, probe_until=None))
        await self.board.read()

    def says(self) -> BreakerSays:
        """Return the breaker's state as routing sees it."""
        return self.board.says(self.gateway_id, datetime.now(UTC))

    async def told(self) -> list[str]:
        """Return the events about the gateway."""
        query = select(events.c.type).where(events.c.subject_id == self.gateway_id).order_by(events.c.id)
        async with self.shop.engine.connect() as connection:
            return [*(await connection.scalars(query))]


@pytest.fixture
async def watched(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Watch the gateway of a shop that has an endpoint; failures are written at once."""
    monkeypatch.setattr(counting, "WRITTEN_EACH_S", 0.0)
    await shop.endpoint()
    return Watched(shop)


async def test_technical_failures_open_it_and_the_merchant_hears(watched: Watched) -> None:
    """Enough unknown outcomes open the breaker; one event with its delivery says so; routing leaves the gateway out."""
    await watched.meet(*[UNKNOWN] * CALLS_MIN)

    row = await watched.row()
    assert (row.state, row.last_failure) == (BreakerState.OPEN.value, "unknown")
    assert await watched.told() == ["gateway.breaker_opened"]
    assert [delivery.event_type for delivery in watched.started] == ["gateway.breaker_opened"]
    assert watched.says() is BreakerSays.OPEN


async def test_declines_never_open_it(watched: Watched) -> None:
    """A day of declined cards is no failure of the gateway, and writes nothing."""
    await watched.meet(*[DECLINED] * 100)

    assert await watched.row() is None
    assert watched.says() is BreakerSays.PASS


async def test_calls_that_go_well_cost_no_statement(watched: Watched) -> None:
    """A thousand successful calls send nothing to the database."""
    sent: list[str] = []
    engine = watched.shop.engine.sync_engine
    listen = lambda *given: sent.append(given[2])  # noqa: E731 - SQLAlchemy wants a function of any arguments
    event.listen(engine, "before_cursor_execute", listen)
    try:
        await watched.meet(*[WELL] * 1_000)
    finally:
        event.remove(engine, "before_cursor_execute", listen)

    assert sent == []


async def test_successes_count_when_a_failure_is_written(watched: Watched) -> None:
    """What went well before is part of the rate: some failures among many calls open nothing."""
    await watched.meet(*[WELL] * 30, *[UNKNOWN] * 12)

    row = await watched.row()
    assert (row.state, row.successes, row.failures) == (BreakerState.CLOSED.value, 30, 12)


async def test_two_processes_count_together(watched: Watched) -> None:
    """Failures that two workers meet open one breaker, once."""
    other = Watched(watched.shop)
    half = [UNKNOWN] * (CALLS_MIN // 2)

    await watched.meet(*half)
    await other.meet(*half)
    await watched.meet(UNKNOWN)

    assert (await watched.row()).state == BreakerState.OPEN.value
    assert await watched.told() == ["gateway.breaker_opened"]


async def test_payments_that_go_well_close_it_again(watched: Watched) -> None:
    """Half open, successes are written too; the third closes the breaker, and the merchant gets an event."""
    await watched.meet(*[UNKNOWN] * CALLS_MIN)
    await watched.let_time_pass()
    assert watched.says() is BreakerSays.PROBE

    for _ in range(PROBES_TO_CLOSE):
        await watched.meet(WELL)

    assert (await watched.row()).state == BreakerState.CLOSED.value
    assert await watched.told() == ["gateway.breaker_opened", "gateway.breaker_closed"]
    assert watched.says() is BreakerSays.PASS


async def test_a_failed_trial_opens_it_for_longer_without_an_event(watched: Watched) -> None:
    """The merchant knows already; the breaker waits twice as long."""
    await watched.meet(*[UNKNOWN] * CALLS_MIN)
    await watched.let_time_pass()

    await watched.meet(UNKNOWN)

    row = await watched.row()
    assert (row.state, row.openings) == (BreakerState.OPEN.value, 2)
    assert await watched.told() == ["gateway.breaker_opened"]


async def test_one_payment_at_a_time_tries_it(watched: Watched) -> None:
    """Of two payments that meet a half-open breaker, in any processes, one may try."""
    other = BreakerBoard(watched.shop.engine)
    await watched.meet(*[UNKNOWN] * CALLS_MIN)
    await watched.let_time_pass()
    await other.read()

    taken = [await board.take_probe(watched.shop.merchant_id, watched.gateway_id) for board in (watched.board, other)]

    assert taken == [True, False]
    assert watched.says() is BreakerSays.PROBED


@pytest.mark.parametrize(
    ("since_s", "report", "state"),
    [(IDLE_S, GOOD, "closed"), (IDLE_S - 60, GOOD, "half_open"), (IDLE_S, BAD, "half_open")],
)
async def test_a_good_check_closes_one_that_no_payment_tries(
    watched: Watched, since_s: float, report: Report, state: str
) -> None:
    """Ten minutes without a payment: the next health check closes it with an event, if the gateway works."""
    await watched.meet(*[UNKNOWN] * CALLS_MIN)
    await watched.let_time_pass(since_s)
    async with watched.shop.engine.begin() as connection:
        config = await across_merchants.find_gateway(connection, watched.gateway_id)
        assert config is not None
        checked = await record(connection, config, report, Measured(), datetime.now(UTC))
        shown = await of_gateway(connection, watched.shop.merchant_id, watched.gateway_id)

    assert shown[0].state == state
    closed = ["gateway.breaker_closed"] if state == "closed" else []
    assert await watched.told() == ["gateway.breaker_opened", *closed]
    assert [due.event_type for due in checked.due] == closed


async def test_a_person_closes_it(watched: Watched) -> None:
    """A reset closes the breaker, sends the merchant an event, and is in the audit log."""
    await watched.meet(*[UNKNOWN] * CALLS_MIN)

    async with watched.shop.engine.begin() as connection:
        actor = Actor("key:k", watched.shop.merchant_id, "req_1", "127.0.0.1")
        due = await close(connection, actor, watched.gateway_id)
        shown = await of_gateway(connection, watched.shop.merchant_id, watched.gateway_id)
        action = await connection.scalar(select(audit_log.c.action).where(audit_log.c.subject_id == watched.gateway_id))

    assert {each.operation: each.state for each in shown}["authorise"] is BreakerState.CLOSED
    assert (len(due), action) == (1, "gateway.reset_breaker")
    assert (await watched.told())[-1] == "gateway.breaker_closed"


@pytest.mark.parametrize(
    ("outcome", "took_s", "failure"),
    [
        (WELL, 0.1, None),
        (DECLINED, 0.1, None),
        (UNKNOWN, 0.1, "unknown"),
        (GatewayOutcome(OutcomeKind.RETRYABLE), 0.1, "retryable"),
        (replace(DECLINED, error_code="gateway_unavailable"), 0.1, "refused"),
        (WELL, 16.0, "slow"),
        (DECLINED, 16.0, "slow"),
    ],
    ids=str,
)
def test_what_is_a_failure(outcome: GatewayOutcome, took_s: float, failure: str | None) -> None:
    """No answer, not sent, a refused key and a slow answer are technical failures; an answer is not."""
    assert failure_of(outcome, took_s) == failure
