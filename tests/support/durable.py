"""The durable side for tests, whole and in skipped time.

Real workflows and activities, a real Postgres, the simulator, and Temporal's time-skipping server, on which days pass
in milliseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowHandle, WorkflowUpdateStage
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

import worker
from clearway.crypto.encryption import Cipher
from clearway.db.endpoints import secret_context
from clearway.db.merchants import NewAccount, add_account
from clearway.db.tables import (
    events,
    ledger_entries,
    orders,
    payments,
    refunds,
    webhook_deliveries,
    webhook_endpoints,
)
from clearway.dev.reporting import SilentReporter
from clearway.dev.temporal import time_skipping_environment
from clearway.dev.toolchain import find_test_server
from clearway.domain import ids
from clearway.domain.gateway import first_gateway_id
from clearway.domain.payment import NewPayment, PersonalData
from clearway.domain.refund import NewRefund
from clearway.durable.client import DATA_CONVERTER
from clearway.durable.deliveries import TemporalDeliveries
from clearway.durable.messages import (
    QUEUE_PAYMENTS,
    TASK_QUEUES,
    PaymentInput,
    PaymentResult,
    PaymentTimings,
    RefundInput,
    RefundResult,
    payment_workflow_id,
    refund_workflow_id,
)
from clearway.durable.sealed import seal
from clearway.durable.search_attributes import MERCHANT_ID, PAYMENT_ID, PAYMENT_STATUS
from clearway.gateway_configs.opening import open_connections
from clearway.settings import Settings
from tests.services.gateways.running import Simulator, running_simulator
from tests.support.patience import patient
from tests.support.receiver import Receiver, running_receiver
from workflows.payment import PaymentWorkflow
from workflows.refund import RefundWorkflow
from workflows.registry import strict_workflow_runner

PATIENCE_S = 30.0
ENDPOINT_SECRET = "whsec_dGVzdC1lbmRwb2ludC1zZWNyZXQtMDAwMDAwMDAwMDE="


@dataclass
class Durable:
    """A running durable side, and what a test does with it."""

    environment: WorkflowEnvironment
    client: Client
    engine: AsyncEngine
    simulator: Simulator
    receiver: Receiver
    settings: Settings
    retry_intervals_s: tuple[int, ...] = field(default=(5, 10, 15, 20))

    ACCEPTED = WorkflowUpdateStage.ACCEPTED

    async def merchant(self, *, endpoint: bool = False, url: str | None = None) -> str:
        """Make a merchant, with a webhook endpoint if asked."""
        merchant_id = ids.new_id(ids.MERCHANT)
        async with self.engine.begin() as connection:
            await add_account(connection, NewAccount("Test", test_id=merchant_id))
        if endpoint:
            await self.endpoint(merchant_id, url or self.receiver.url)
        return merchant_id

    async def endpoint(self, merchant_id: str, url: str, event_types: tuple[str, ...] = ()) -> str:
        """Register a webhook endpoint."""
        endpoint_id = ids.new_id(ids.ENDPOINT)
        async with self.engine.begin() as connection:
            await connection.execute(
                insert(webhook_endpoints).values(
                    id=endpoint_id,
                    merchant_id=merchant_id,
                    url=url,
                    event_types=list(event_types),
                    secret=self.cipher.encrypt(ENDPOINT_SECRET, secret_context(endpoint_id)),
                )
            )
        return endpoint_id

    async def order(self, merchant_id: str, amount_minor: int = 50_000, currency: str = "INR") -> str:
        """Create an order."""
        order_id = ids.new_id(ids.ORDER)
        async with self.engine.begin() as connection:
            await connection.execute(
                insert(orders).values(
                    id=order_id, merchant_id=merchant_id, amount_minor=amount_minor, currency=currency
                )
            )
        return order_id

    @property
    def cipher(self) -> Cipher:
        """What seals and opens with the keys of these tests."""
        return Cipher.from_settings(self.settings.secret_keys.get_secret_value())

    async def new_id(self, prefix: str, ago: timedelta = timedelta()) -> str:
        """Return an id of now, or of some time ago. Tests skip time, so the environment's clock is ahead of others."""
        return ids.id_at(prefix, await self.environment.get_current_time() - ago, secrets.randbits(80))

    async def new_payment(
        self, merchant_id: str | None = None, *, instrument: str = "success@razorpay", **fields: Any
    ) -> NewPayment:
        """Describe a payment of a fresh order: UPI to success@razorpay by default. personal: more of `PersonalData`."""
        merchant_id = merchant_id or await self.merchant()
        amount_minor = fields.pop("amount_minor", 50_000)
        shown = {"vpa": instrument} if fields.get("method", "upi") == "upi" else {}
        personal = PersonalData(**{"instrument": instrument, "shown": shown} | fields.pop("personal", {}))
        payment_id = fields.pop("id", None) or await self.new_id(ids.PAYMENT)
        chosen = {
            "id": payment_id,
            "order_id": fields.get("order_id") or await self.order(merchant_id, amount_minor),
            "amount_minor": amount_minor,
            "currency": "INR",
            "method": "upi",
            "capture_method": "automatic",
            "personal": seal(self.cipher, payment_id, personal),
            "gateway_id": first_gateway_id(merchant_id),
        } | fields
        return NewPayment(merchant_id=merchant_id, **chosen)

    async def start(
        self, payment: NewPayment, timings: PaymentTimings | None = None
    ) -> tuple[dict[str, Any], WorkflowHandle[Any, Any]]:
        """Record a payment as the API does; return the recorded resource and the workflow."""

        def started() -> WithStartWorkflowOperation[Any, Any]:
            return WithStartWorkflowOperation(
                PaymentWorkflow.run,
                PaymentInput(payment, timings or PaymentTimings()),
                id=payment_workflow_id(payment.id),
                task_queue=QUEUE_PAYMENTS,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=TypedSearchAttributes(
                    [
                        SearchAttributePair(MERCHANT_ID, payment.merchant_id),
                        SearchAttributePair(PAYMENT_ID, payment.id),
                        SearchAttributePair(PAYMENT_STATUS, "pending"),
                    ]
                ),
            )

        return await self._start_with_update(PaymentWorkflow.recorded, started, "record")

    async def refund(
        self, payment: NewPayment, amount_minor: int | None = None, **timings: Any
    ) -> tuple[dict[str, Any], WorkflowHandle[Any, Any]]:
        """Reserve a refund as the API does."""
        of_refund = {name: timings.pop(name) for name in ("of_one_capture", "asked_by") if name in timings}
        new = NewRefund(await self.new_id(ids.REFUND), payment.merchant_id, payment.id, amount_minor, **of_refund)

        def started() -> WithStartWorkflowOperation[Any, Any]:
            return WithStartWorkflowOperation(
                RefundWorkflow.run,
                RefundInput(new, **timings),
                id=refund_workflow_id(new.id),
                task_queue=QUEUE_PAYMENTS,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            )

        return await self._start_with_update(RefundWorkflow.reserved, started, "reserve")

    async def _start_with_update(
        self, update: Any, started: Callable[[], WithStartWorkflowOperation[Any, Any]], update_id: str
    ) -> tuple[dict[str, Any], WorkflowHandle[Any, Any]]:
        """Start a workflow with its first update.

        On a loaded machine the test server may fail in the middle of it (UNKNOWN). To repeat it is safe, as it is for
        the API: the same workflow and the same update are started once.
        """
        for tries_left in (2, 1, 0):
            operation = started()
            try:
                result = await self.client.execute_update_with_start_workflow(
                    update, start_workflow_operation=operation, id=update_id
                )
                return result, await operation.workflow_handle()
            except RPCError as error:
                if error.status is not RPCStatusCode.UNKNOWN or not tries_left:
                    raise
        raise AssertionError("the last try returns or raises")

    async def ended(self, handle: WorkflowHandle[Any, Any]) -> Any:
        """Return a workflow's result, skipping the time it waits.

        Not for a handle that `start_workflow` returned: it skips time by itself, and twice unlocked the server's clock
        stands still ever after.
        """
        async with self.environment.time_skipping_unlocked():  # type: ignore[attr-defined]
            return await result_of(handle)

    async def take_up(
        self, payment: NewPayment, timings: PaymentTimings | None = None
    ) -> WorkflowHandle[PaymentWorkflow, PaymentResult]:
        """Start a workflow that goes on from the payment's row."""
        workflow_id = payment_workflow_id(payment.id)
        started = PaymentInput(payment, timings or PaymentTimings(), taken_up=True)
        await self.client.start_workflow(PaymentWorkflow.run, started, id=workflow_id, task_queue=QUEUE_PAYMENTS)
        return self.client.get_workflow_handle_for(PaymentWorkflow.run, workflow_id)

    async def take_up_refund(self, refund: NewRefund) -> WorkflowHandle[RefundWorkflow, RefundResult]:
        """Start a workflow that goes on from the refund's row."""
        workflow_id = refund_workflow_id(refund.id)
        started = RefundInput(refund, taken_up=True)
        await self.client.start_workflow(RefundWorkflow.run, started, id=workflow_id, task_queue=QUEUE_PAYMENTS)
        return self.client.get_workflow_handle_for(RefundWorkflow.run, workflow_id)

    async def paid(self, **fields: Any) -> NewPayment:
        """Carry a payment through to its success."""
        payment = await self.new_payment(**fields)
        _, handle = await self.start(payment)
        result = await self.ended(handle)
        assert result.status == "success"
        return payment

    async def row(self, payment_id: str) -> Any:
        """Return a payment's row."""
        async with self.engine.connect() as connection:
            return (await connection.execute(select(payments).where(payments.c.id == payment_id))).one()

    async def until_status(self, payment_id: str, status: str) -> None:
        """Wait, in real time, until a payment has a status."""
        async with asyncio.timeout(PATIENCE_S):
            while (await self.row(payment_id)).status != status:
                await asyncio.sleep(0.02)

    async def skip_until_status(self, payment_id: str, status: str) -> None:
        """Skip time, a minute at a time, until a payment has a status."""
        async with asyncio.timeout(PATIENCE_S * 2):
            while (await self.row(payment_id)).status != status:
                await self.environment.sleep(timedelta(minutes=1))

    async def skip_until_refund_status(self, refund_id: str, status: str) -> None:
        """Skip time, a minute at a time, until a refund has a status."""
        async with asyncio.timeout(PATIENCE_S * 2):
            while (await self.refund_row(refund_id)).status != status:
                await self.environment.sleep(timedelta(minutes=1))

    async def order_status(self, order_id: str) -> str:
        """Return an order's status."""
        async with self.engine.connect() as connection:
            return (await connection.execute(select(orders.c.status).where(orders.c.id == order_id))).scalar_one()

    async def books(self, merchant_id: str) -> dict[str, int]:
        """Return the merchant's balances that are not zero; the gateway's accounts are shared."""
        prefix = f"merchant/{merchant_id}/"
        query = (
            select(ledger_entries.c.account, func.sum(ledger_entries.c.amount_minor))
            .where(ledger_entries.c.account.startswith(prefix))
            .group_by(ledger_entries.c.account)
        )
        async with self.engine.connect() as connection:
            rows = await connection.execute(query)
            return {account.removeprefix(prefix): int(balance) for account, balance in rows if balance}

    async def faults(self, *rules: dict[str, Any]) -> None:
        """Put fault rules in force at the simulator, in place of those before."""
        (await self.simulator.http.put("/faults", json=list(rules))).raise_for_status()

    async def given_back(self, payment_id: str) -> int:
        """Return what the gateway's journal says was really refunded, in minor units."""
        return sum(effect["amount"] for effect in await self.simulator.effects(payment_id, "refunded"))

    async def last_event(self, payment_id: str) -> Any:
        """Return a payment's newest event."""
        query = select(events).where(events.c.payment_id == payment_id).order_by(events.c.id.desc()).limit(1)
        async with self.engine.connect() as connection:
            return (await connection.execute(query)).one()

    async def customer_approves(self, payment_id: str) -> None:
        """Press the first button on the page that the payment sends its customer to."""
        url = (await self.row(payment_id)).action_url
        answer = await self.simulator.http.post(f"{url}/complete")
        assert answer.status_code < 400, answer.text

    async def refund_row(self, refund_id: str) -> Any:
        """Return a refund's row."""
        async with self.engine.connect() as connection:
            return (await connection.execute(select(refunds).where(refunds.c.id == refund_id))).one()

    async def event_types(self, payment_id: str) -> list[str]:
        """Return the types of a payment's events, oldest first."""
        query = select(events.c.type).where(events.c.payment_id == payment_id).order_by(events.c.id)
        async with self.engine.connect() as connection:
            return list((await connection.execute(query)).scalars())

    async def deliveries(self, payment_id: str) -> list[Any]:
        """Return a payment's deliveries, oldest first."""
        query = (
            select(webhook_deliveries)
            .where(webhook_deliveries.c.payment_id == payment_id)
            .order_by(webhook_deliveries.c.id)
        )
        async with self.engine.connect() as connection:
            return list(await connection.execute(query))


async def result_of(handle: WorkflowHandle[Any, Any]) -> Any:
    """Return a workflow's result; a long poll ends empty when the server's clock jumps over its deadline."""
    while True:
        with contextlib.suppress(RuntimeError):
            return await handle.result()


@pytest.fixture(scope="module")
async def time_skipping() -> AsyncIterator[WorkflowEnvironment]:
    """Run the time-skipping server. Its clock is global, so tests on it follow one another.

    One for each module: a test that fails while the clock is unlocked leaves it standing still for those after it.
    """
    async with time_skipping_environment(await find_test_server(SilentReporter())) as environment:
        yield environment


@pytest.fixture(scope="module")
def simulator_settings() -> dict[str, Any]:
    """Have the simulator approve what has no test value. A module may override it."""
    return {"test_payment_success": True}


@pytest.fixture(scope="module")
async def durable_side(
    time_skipping: WorkflowEnvironment,
    engine: AsyncEngine,
    settings: Settings,
    simulator_settings: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Durable]:
    """Run workers for every task queue, a simulator that decides in its answer, and a merchant that takes webhooks."""
    client = Client(**{**time_skipping.client.config(), "data_converter": DATA_CONVERTER})
    journal = tmp_path_factory.mktemp("simulator") / "simulator.sqlite3"
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(running_simulator(journal, **simulator_settings))
        receiver = await stack.enter_async_context(running_receiver())
        durable = Durable(time_skipping, client, engine, simulator, receiver, settings)
        deliveries = TemporalDeliveries(client, durable.retry_intervals_s)
        at_simulator = Settings(_env_file=None, **(settings.model_dump() | {"simulator_url": simulator.url}))
        gateways = open_connections(at_simulator, engine)
        stack.push_async_callback(gateways.aclose)
        workers = worker.build_workers(
            client,
            TASK_QUEUES,
            settings,
            engine=engine,
            gateways=gateways,
            deliveries=deliveries,
            runner=strict_workflow_runner(),
        )
        await stack.enter_async_context(worker.working(patient(workers)))
        yield durable


@pytest.fixture
async def durable(durable_side: Durable) -> Durable:
    """Give a test the durable side with a gateway and a merchant that behave."""
    await durable_side.faults()
    durable_side.receiver.forget()
    return durable_side
