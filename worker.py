"""The composition root of the durable side: settings, clients, and a Worker for each task queue.

Run as `python worker.py` or `clearway worker --processes N`. It stops on SIGTERM or SIGINT: no new task is taken, what
is under way gets `GRACE` to end, and what does not end is taken up by another worker, because it is Temporal's.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any, Final

import structlog
import uvloop
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError
from temporalio.worker import PollerBehaviorAutoscaling, Worker, WorkflowRunner

from activities.database_refusals import DatabaseRefusals
from activities.endpoints import EndpointActivities
from activities.fx import FxActivities
from activities.gateway import CustomerPages, GatewayActivities
from activities.gateway_events import GatewayEventActivities
from activities.health import HealthActivities
from activities.heartbeats import Heartbeats
from activities.mail import MailActivities
from activities.maintenance import MaintenanceActivities
from activities.payment import PaymentActivities
from activities.reconciliation import ReconciliationActivities
from activities.recovery import RecoveryActivities
from activities.refund import RefundActivities
from activities.webhook_delivery import WebhookDeliveryActivities
from clearway import collector
from clearway.breakers.board import BreakerBoard
from clearway.breakers.counting import BreakerCounts
from clearway.breakers.limiting import GatewayLimiter
from clearway.crypto.encryption import Cipher
from clearway.db.engine import create_engine
from clearway.durable.client import build_adapters, connect
from clearway.durable.deliveries import TemporalDeliveries
from clearway.durable.messages import QUEUE_DELIVERIES, QUEUE_MAILS, QUEUE_OPERATIONS, QUEUE_PAYMENTS, TASK_QUEUES
from clearway.durable.schedules import MAINTENANCE, RECONCILIATION
from clearway.durable.search_attributes import ensure_search_attributes
from clearway.egress import EgressPolicy, WebhookSender
from clearway.gateway_configs.opening import open_connections
from clearway.gateways.connections import GatewayConnections
from clearway.listening import require_private
from clearway.monitoring.calls import CallLog
from clearway.payments.card_limits import CardLimits
from clearway.payments.returning import page_url_of, return_url_of
from clearway.reconciliation.running import Reconciler
from clearway.recovery.taking_up import Recovery
from clearway.routing.error_overrides import ErrorOverrides
from clearway.settings import Settings, SettingsError, settings_problem
from clearway.telemetry.logs import configure_logging
from workflows import schedules
from workflows.maintenance import MaintenanceWorkflow
from workflows.reconciliation import DueReconciliationsWorkflow
from workflows.registry import WORKFLOWS, workflow_runner

log = structlog.get_logger()

BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30)
"""Of the histogram of gateway calls."""
GRACE: Final = timedelta(seconds=30)
"""Longer than a gateway call may take, so that a stopping worker does not leave one in doubt."""
STOP_LIMIT: Final = GRACE + timedelta(seconds=10)
"""When a worker counts as stuck: the SDK may wait for ever for a task that it lost (temporalio/sdk-python#1837)."""
CONNECT_WAITS_S: Final = (1, 2, 5, 10, 30)
"""Waits between attempts to reach Temporal; the last repeats."""
PREPARED_EVERY_S: Final = 30.0
"""How often the worker checks that Temporal has our schedule. Until then, work that Temporal lost may lie unnoticed."""
ACTIVITY_SLOTS: Final = {QUEUE_PAYMENTS: 200, QUEUE_DELIVERIES: 200, QUEUE_OPERATIONS: 20, QUEUE_MAILS: 10}
"""How many activities one process runs at once, by queue: calls that mostly wait, so many fit."""


def activities_of(
    queue: str,
    settings: Settings,
    engine: AsyncEngine,
    gateways: GatewayConnections,
    deliveries: TemporalDeliveries,
    *,
    counts: BreakerCounts,
    calls: CallLog | None,
) -> Sequence[Callable[..., Any]]:
    """Return the activities of one task queue: the index of what the durable side does."""
    cipher = Cipher.from_settings(settings.secret_keys.get_secret_value())
    if queue == QUEUE_PAYMENTS:
        payments = PaymentActivities(engine, deliveries, cipher)
        refunds = RefundActivities(engine, deliveries)
        pages = CustomerPages(partial(return_url_of, settings), partial(page_url_of, settings))
        overrides = ErrorOverrides(engine)
        gateway = GatewayActivities(
            *(gateways, pages, cipher),
            counts=counts,
            calls=calls,
            overrides=overrides,
            cards=CardLimits(engine, settings),
            limiter=GatewayLimiter(engine, counts.board),
        )
        of_payments: list[Callable[..., Any]] = [payments.record, payments.record_again, payments.change]
        of_commands: list[Callable[..., Any]] = [payments.load, payments.begin, payments.end]
        of_refunds: list[Callable[..., Any]] = [
            refunds.reserve,
            refunds.change,
            refunds.load,
            refunds.claim_baseline,
            refunds.keep_baseline,
        ]
        comparing = GatewayEventActivities(engine, deliveries).compare
        recording = [*of_payments, *of_commands, *of_refunds, comparing]
        at_gateways = [gateway.authorise, gateway.capture, gateway.void, gateway.refund]
        return [*recording, *at_gateways, gateway.abort, gateway.close, gateway.recover, gateway.prepare_refund]
    if queue == QUEUE_DELIVERIES:
        sender = WebhookSender(EgressPolicy.from_settings(settings))
        deliver = WebhookDeliveryActivities(engine, sender, cipher)
        return [deliver.attempt_at_once, deliver.attempt, deliver.attempt_by_hand, deliver.give_up, deliver.cancel]
    if queue == QUEUE_MAILS:
        return [MailActivities(engine, settings, cipher).send]
    maintenance = MaintenanceActivities(engine, deliveries, settings)
    health = HealthActivities(engine, deliveries, gateways, settings, cipher)
    recoveries = Recovery(engine, deliveries.client, settings)
    recovery = RecoveryActivities(recoveries, settings.recovery_after_s)
    reconciliation = ReconciliationActivities(Reconciler(engine, gateways, recoveries), deliveries)
    endpoints = EndpointActivities(engine, deliveries)
    taking_up = [maintenance.take_up_deliveries, maintenance.take_up_recoveries, recovery.sweep]
    tidying = [maintenance.forget_idempotency_keys, maintenance.ensure_partitions, maintenance.reconcile_health_checks]
    tidying += [maintenance.take_up_mails, maintenance.forget_mails, maintenance.forget_request_log]
    tidying.append(maintenance.expire_orders)
    tidying += [maintenance.send_notices]
    fx = FxActivities(engine, settings)
    watching: list[Callable[..., Any]] = [health.check_gateway, fx.refresh]
    reconciling: list[Callable[..., Any]] = [reconciliation.advance, reconciliation.fail, reconciliation.start_due]
    of_endpoints: list[Callable[..., Any]] = [endpoints.recover_page, endpoints.cancel_deliveries]
    return [*tidying, *taking_up, *of_endpoints, *watching, *reconciling]


def build_worker(
    client: Client, queue: str, activities: Sequence[Callable[..., Any]], runner: WorkflowRunner | None = None
) -> Worker:
    """Return the worker of one task queue. It knows every workflow: which runs where is the starter's choice."""
    build_adapters([*activities, *(each.run for each in WORKFLOWS)])
    return Worker(
        client,
        task_queue=queue,
        workflows=WORKFLOWS,
        activities=activities,
        interceptors=[DatabaseRefusals(), Heartbeats()],
        workflow_runner=runner or workflow_runner(),
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(minimum=1, maximum=20, initial=2),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(minimum=1, maximum=20, initial=2),
        graceful_shutdown_timeout=GRACE,
        max_concurrent_activities=ACTIVITY_SLOTS[queue],
    )


def build_workers(
    client: Client,
    queues: Sequence[str],
    settings: Settings,
    *,
    engine: AsyncEngine,
    gateways: GatewayConnections,
    deliveries: TemporalDeliveries,
    counts: BreakerCounts | None = None,
    calls: CallLog | None = None,
    runner: WorkflowRunner | None = None,
) -> Sequence[Worker]:
    """Return the worker of each of these task queues, with its activities. calls: None keeps no rows of calls."""
    counting = counts or BreakerCounts(engine, BreakerBoard(engine), deliveries.start)
    of_queue = partial(activities_of, counts=counting, calls=calls)
    return [
        build_worker(client, queue, of_queue(queue, settings, engine, gateways, deliveries), runner) for queue in queues
    ]


@asynccontextmanager
async def working(workers: Sequence[Worker], limit: timedelta = STOP_LIMIT) -> AsyncIterator[None]:
    """Run workers; then stop them all at the same time, and go without those that take longer than `limit`."""
    async with AsyncExitStack() as stack:
        for worker in workers:
            await stack.enter_async_context(worker)
        try:
            yield
        finally:
            log.info("worker stopping", grace_s=GRACE.total_seconds())
            stopping = [asyncio.create_task(worker.shutdown()) for worker in workers]
            _, late = await asyncio.wait(stopping, timeout=limit.total_seconds())
            if late:
                stack.pop_all()
                stuck = [worker.task_queue for worker in workers if not worker.is_shutdown]
                waiting = sorted({getattr(task.get_coro(), "__qualname__", "?") for task in asyncio.all_tasks()})
                log.error("worker did not stop and is left behind", queues=stuck, waiting=waiting)


def metrics_runtime(settings: Settings, index: int) -> Runtime:
    """Return the SDK's runtime; with METRICS_PORT set it serves Prometheus metrics on that port + index."""
    if settings.metrics_port is None:
        return Runtime(telemetry=TelemetryConfig())
    address = f"{settings.metrics_host}:{settings.metrics_port + index}"
    prometheus = PrometheusConfig(
        bind_address=address,
        durations_as_seconds=True,
        histogram_bucket_overrides={"clearway_gateway_call_duration_seconds": BUCKETS_S},
    )
    return Runtime(telemetry=TelemetryConfig(metrics=prometheus))


async def connected(settings: Settings, index: int, stop: asyncio.Event) -> Client | None:
    """Return a client of Temporal, or None when `stop` is set first; while the server is down, log it and retry."""
    runtime = metrics_runtime(settings, index)
    identity = f"worker-{index}-{os.getpid()}@{os.uname().nodename}"
    waits_s = itertools.chain(CONNECT_WAITS_S, itertools.repeat(CONNECT_WAITS_S[-1]))
    while not stop.is_set():
        try:
            return await connect(settings, runtime=runtime, identity=identity)
        except RuntimeError as error:
            wait_s, reason = next(waits_s), str(error).splitlines()[0]
            log.warning("temporal unreachable", address=settings.temporal_address, reason=reason, next_try_in_s=wait_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait_s)
    return None


async def keep_prepared(client: Client, settings: Settings) -> None:
    """Keep the schedule and the search attributes in Temporal, for as long as this worker runs.

    A store that was lost or restored lacks the schedule and perhaps the search attributes; workers are not restarted
    for that. Temporal Cloud manages search attributes by its own means and refuses this call.
    """
    while True:
        try:
            with contextlib.suppress(RPCError):
                await ensure_search_attributes(client)
            await schedules.ensure(
                client, RECONCILIATION, DueReconciliationsWorkflow.run, settings.reconciliation_every_s
            )
            if await schedules.ensure(client, MAINTENANCE, MaintenanceWorkflow.run, settings.maintenance_every_s):
                log.warning("maintenance schedule created", why="it was not there: a new Temporal store?")
        except (RPCError, RuntimeError) as error:
            log.warning("maintenance schedule not checked", reason=str(error).splitlines()[0] if str(error) else "?")
        await asyncio.sleep(PREPARED_EVERY_S)


async def run(settings: Settings, queues: Sequence[str], index: int, stop: asyncio.Event) -> None:
    """Work until `stop` is set."""
    client = await connected(settings, index, stop)
    if client is None:
        return
    async with AsyncExitStack() as stack:
        engine = create_engine(settings, application_name=f"clearway-worker-{index}")
        stack.push_async_callback(engine.dispose)
        gateways = open_connections(settings, engine)
        stack.push_async_callback(gateways.aclose)
        deliveries = TemporalDeliveries(client, settings.webhook_retry_intervals_s)
        if QUEUE_OPERATIONS in queues:
            preparing = asyncio.create_task(keep_prepared(client, settings))
            stack.callback(preparing.cancel)
        breakers = BreakerBoard(engine)
        watching = asyncio.create_task(breakers.run())
        stack.callback(watching.cancel)
        counts = BreakerCounts(engine, breakers, deliveries.start)
        stack.push_async_callback(counts.settle)
        calls = CallLog(engine)
        stack.push_async_callback(calls.settle)
        workers = build_workers(
            client,
            queues,
            settings,
            engine=engine,
            gateways=gateways,
            deliveries=deliveries,
            counts=counts,
            calls=calls,
        )
        collector.settle()
        async with working(workers):
            log.info("worker ready", queues=list(queues), temporal=settings.temporal_address)
            await stop.wait()


async def main(settings: Settings, arguments: argparse.Namespace) -> None:
    """Work until a signal comes."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run(settings, arguments.queues, arguments.index, stop)


def read_settings() -> Settings:
    """Return the settings, or exit with one line that says what is wrong with them."""
    try:
        settings = Settings()
        if settings.metrics_port is not None:
            require_private(settings.metrics_host, "METRICS_HOST", settings)
    except ValidationError as error:
        sys.exit(f"worker: {settings_problem(error)}")
    except SettingsError as refusal:
        sys.exit(f"worker: {refusal}")
    return settings


def queues_of(text: str) -> Sequence[str]:
    """Read a list of task queues."""
    queues = text.split(",")
    unknown = [queue for queue in queues if queue not in TASK_QUEUES]
    if unknown:
        message = f"no task queue is called {', '.join(unknown)}; there are: {', '.join(TASK_QUEUES)}"
        raise argparse.ArgumentTypeError(message)
    return queues


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Clearway's worker: runs workflows and activities until stopped.")
    parser.add_argument("--queues", type=queues_of, default=TASK_QUEUES, help="task queues to serve, comma separated")
    parser.add_argument("--index", type=int, default=0, help="number of this process, added to METRICS_PORT")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    asked = parse_arguments(sys.argv[1:])
    chosen = read_settings()
    configure_logging(chosen.log_level, chosen.log_format, "worker")
    try:
        uvloop.run(main(chosen, asked))
    except BaseException:
        log.exception("worker failed")
        sys.stderr.flush()
        os._exit(1)
    # The SDK's runtime may crash the interpreter while it exits (temporalio/sdk-python#300): all is closed, so leave.
    sys.stdout.flush()
    os._exit(0)
