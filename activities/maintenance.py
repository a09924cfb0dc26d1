"""Housekeeping that the operations schedule asks for: each method may run at any time and any number of times."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.service import RPCError

from clearway.crypto.encryption import Cipher
from clearway.db import across_merchants, audit, mails, order_ends, request_log
from clearway.db.users import housekeeping, mail_requests
from clearway.domain.actor import SYSTEM, Actor
from clearway.domain.ids import INSTALLATION
from clearway.domain.order import OrderStatus
from clearway.durable.deliveries import TemporalDeliveries
from clearway.durable.endpoints import start_recovery
from clearway.durable.messages import RecoveryInput
from clearway.mail import outbox
from clearway.monitoring import notices, schedules
from clearway.settings import Settings
from clearway.users.keys import KeysOfSettings
from clearway.users.mail_requests import serve

EXPIRY: Final = order_ends.Why("its end has come")
OVERDUE_PAGE: Final = 200
OVERDUE_PAGES_MAX: Final = 20
"""A round is bounded: the next round takes the rest."""


class MaintenanceActivities:
    """Housekeeping of the database."""

    def __init__(self, engine: AsyncEngine, deliveries: TemporalDeliveries, settings: Settings) -> None:
        """A delivery is overdue when its next attempt was due `recovery_after_s` ago."""
        self._engine = engine
        self._deliveries = deliveries
        self._settings = settings
        self._cipher = Cipher.from_settings(settings.secret_keys.get_secret_value())
        self._overdue = timedelta(seconds=settings.recovery_after_s)
        self._check_every_s = settings.gateway_check_every_s
        self._audit_months = settings.audit_retention_months
        self._requests_kept = timedelta(days=settings.request_log_days)

    @activity.defn(name="forget_idempotency_keys")
    async def forget_idempotency_keys(self) -> int:
        """Delete expired idempotency keys, sessions, links and declines of cards; return how many keys."""
        async with self._engine.begin() as connection:
            await across_merchants.forget_card_declines(connection)
            await housekeeping.forget_old(connection)
            await across_merchants.forget_sealed_secrets(connection)
            return await across_merchants.forget_idempotency_keys(connection)

    @activity.defn(name="ensure_partitions")
    async def ensure_partitions(self) -> int:
        """Create the partitions of the coming months, and drop expired ones of the audit log; return how many are new.

        A row that no month takes is safe in the default partition; the log and a metric say that it is there.
        """
        async with self._engine.begin() as connection:
            states = await across_merchants.ensure_partitions(connection)
        if self._audit_months is not None:
            await self._expire_audit_log(self._audit_months)
        outside = activity.metric_meter().create_gauge(
            "clearway_rows_outside_partitions", "Rows of a table that no monthly partition takes.", "1"
        )
        for state in states:
            outside.set(state.outside, {"table": state.table})
            if state.outside or state.missing:
                activity.logger.warning("rows or months without a partition", extra={"state": asdict(state)})
        return sum(state.made for state in states)

    async def _expire_audit_log(self, months: int) -> None:
        async with self._engine.begin() as connection:
            dropped = await across_merchants.expire_audit_log(connection, months)
            if dropped:
                detail = {"months_kept": months, "partitions": dropped}
                await audit.record(connection, Actor(SYSTEM, None), "audit_log.expire", INSTALLATION, detail)

    @activity.defn(name="take_up_deliveries")
    async def take_up_deliveries(self) -> int:
        """Start a workflow for each overdue delivery that has none running; return how many were examined.

        The workflow continues from the row. A delivery has none when a process died before starting it, or when
        Temporal lost or ended it.
        """
        before, seen, last = datetime.now(UTC) - self._overdue, 0, None
        for _ in range(OVERDUE_PAGES_MAX):
            async with self._engine.connect() as connection:
                due = await across_merchants.overdue_deliveries(connection, before, OVERDUE_PAGE, last)
            await self._deliveries.resume(due)
            seen += len(due)
            if len(due) < OVERDUE_PAGE:
                break
            last = due[-1]
        return seen

    @activity.defn(name="expire_orders")
    async def expire_orders(self) -> int:
        """End the orders whose time is over and that no payment holds; return how many."""
        now, last, count = datetime.now(UTC), None, 0
        for _ in range(OVERDUE_PAGES_MAX):
            async with self._engine.connect() as connection:
                over = await across_merchants.orders_over(connection, now, OVERDUE_PAGE, last)
            for row in over:
                count += await self._expire_order(row.merchant_id, row.id, now)
            if len(over) < OVERDUE_PAGE:
                break
            last = over[-1]
        return count

    async def _expire_order(self, merchant_id: str, order_id: str, now: datetime) -> bool:
        async with self._engine.begin() as connection:
            ended = await order_ends.end(connection, merchant_id, order_id, OrderStatus.EXPIRED, EXPIRY, now=now)
        try:
            await self._deliveries.start(ended.due)
        except RPCError as error:  # the event is recorded, and housekeeping delivers it
            activity.logger.warning("the event of an expired order is not sent at once: %s", error)
        return ended.order.status is OrderStatus.EXPIRED and not ended.again

    @activity.defn(name="take_up_recoveries")
    async def take_up_recoveries(self) -> int:
        """Start the workflow of each recovery without progress for long; return how many."""
        async with self._engine.connect() as connection:
            before = datetime.now(UTC) - self._overdue
            stale = await across_merchants.stale_recoveries(connection, before, OVERDUE_PAGE)
        for recovery in stale:
            await start_recovery(self._deliveries.client, RecoveryInput(recovery.recovery_id, recovery.merchant_id))
        return len(stale)

    @activity.defn(name="take_up_mails")
    async def take_up_mails(self) -> int:
        """Start a workflow for each mail that is overdue; return how many were examined.

        Requests for a mail whose API process died after its answer are served first.
        """
        before, seen, last = datetime.now(UTC) - self._overdue, 0, ""
        async with self._engine.connect() as connection:
            requested = await mail_requests.waiting(connection, before, OVERDUE_PAGE)
        for request_id in requested:
            await serve(self._engine, self._deliveries.client, KeysOfSettings(self._settings), request_id)
        for _ in range(OVERDUE_PAGES_MAX):
            async with self._engine.connect() as connection:
                due = await mails.overdue(connection, before, OVERDUE_PAGE, last)
            await outbox.start(self._deliveries.client, *due)
            seen += len(due)
            if len(due) < OVERDUE_PAGE:
                break
            last = due[-1]
        return seen

    @activity.defn(name="send_notices")
    async def send_notices(self) -> int:
        """Record and start the mails about what happened at merchants; return how many."""
        async with self._engine.begin() as connection:
            recorded = await notices.record(connection, self._cipher, self._settings, datetime.now(UTC))
        await outbox.start(self._deliveries.client, *recorded)
        return len(recorded)

    @activity.defn(name="forget_mails")
    async def forget_mails(self) -> int:
        """Delete the record of old mails; return how many."""
        async with self._engine.begin() as connection:
            return await mails.forget_old(connection)

    @activity.defn(name="forget_request_log")
    async def forget_request_log(self) -> int:
        """Delete the months of the request log that are older than it is kept for; return how many."""
        async with self._engine.begin() as connection:
            return await request_log.forget(connection, datetime.now(UTC) - self._requests_kept)

    @activity.defn(name="reconcile_health_checks")
    async def reconcile_health_checks(self) -> int:
        """Let each enabled gateway have its schedule of health checks, and no other; return how many were changed.

        What cannot be done now is left to the next round: nothing else waits for it.
        """
        try:
            done = await schedules.reconcile(self._deliveries.client, self._engine, self._check_every_s)
        except RPCError as error:
            activity.logger.warning("schedules of health checks not compared: %s", error)
            return 0
        if done.created or done.changed or done.deleted:
            activity.logger.warning("schedules of health checks mended", extra={"done": asdict(done)})
        return done.created + done.changed + done.deleted
