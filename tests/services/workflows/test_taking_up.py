"""Going on from the row when a workflow is lost: the gateway is asked first, and nothing is charged twice.

Each test leaves behind what a lost workflow leaves: rows, and what the gateway has done without anybody recording it.
Rows are recorded by Temporal's clock, which is ahead of the real one here, because deadlines count from them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from clearway.db.engine import each_for_itself
from clearway.db.payments import recording
from clearway.db.payments import recording_commands as commands
from clearway.db.payments.rows import new_payment_of, payment_of
from clearway.db.refunds import recording as refunds
from clearway.domain import ids
from clearway.domain.attempt import GatewayChoice
from clearway.domain.command import CommandKind, NewCommand
from clearway.domain.payment import CapturedAmount, CaptureMethod, Change, NewPayment, PaymentStatus
from clearway.domain.refund import NewRefund
from clearway.durable.messages import CancelInput, CaptureInput, PaymentTimings, Resolution
from clearway.durable.sealed import unseal
from clearway.gateways.contract import Authorisation, Executed, GatewayOutcome, Operation, OutcomeKind
from clearway.gateways.simulator.client import SimulatorGateway
from tests.services.gateways.asking import question_about
from tests.services.workflows.test_attempts import attempts
from tests.services.workflows.test_failover import another_gateway
from tests.support.durable import Durable
from workflows.payment import PaymentWorkflow

POLICY = {"scheduled": 0, "first_wait_s": 60.0, "within_s": 3_600.0}


class Lost:
    """A payment whose workflow is lost: its row, and the gateway that knows more or less than the row."""

    def __init__(self, durable: Durable, new: NewPayment) -> None:
        self.durable = durable
        self.new = new
        self.personal = unseal(durable.cipher, new.id, new.personal)
        self.reference: str | None = None
        self.ago = timedelta()
        self._engine = each_for_itself(durable.engine)
        self._step = 0

    async def _now(self) -> datetime:
        return await self.durable.environment.get_current_time() - self.ago

    async def recorded(self) -> Lost:
        """Record the payment."""
        async with self._engine.connect() as connection:
            await recording.record(connection, self.new, self.personal, now=await self._now())
        return self

    async def authorised_at_gateway(self, attempt: int = 1) -> GatewayOutcome:
        """Let the gateway authorise it, as its attempt of this number."""
        new = self.new
        asked = Authorisation(new.method, CaptureMethod(new.capture_method), self.personal.instrument)
        operation = replace(question_about(f"{new.id}:authorise:{attempt}", new.amount_minor), authorisation=asked)
        outcome = await self.durable.simulator.gateway.authorise(operation)
        self.reference = outcome.reference
        return outcome

    async def captured_at_gateway(self, number: int, amount_minor: int) -> None:
        """Let the gateway capture."""
        capture = question_about(f"{self.new.id}:capture:{number}", amount_minor)
        references = {"payment": self.reference or ""}
        await self.durable.simulator.gateway.capture(replace(capture, references=references))

    async def becomes(self, to: PaymentStatus, capture: CapturedAmount | None = None) -> Lost:
        """Record a change."""
        self._step += 1
        change = Change(str(self._step), to, "by the lost run", capture=capture, gateway_reference=self.reference)
        async with self._engine.connect() as connection:
            await recording.apply(connection, self.new.id, change, now=await self._now())
        return self

    async def sends(self, amount_minor: int, *, final: bool = True) -> None:
        """Record a capture that is sent."""
        async with self._engine.connect() as connection:
            payment = payment_of(await recording.find(connection, self.new.id))
            command = NewCommand(ids.new_id(ids.CAPTURE), CommandKind.CAPTURE, amount_minor, final)
            await commands.begin(connection, payment, command, now=await self._now())


async def lost(durable: Durable, **fields: Any) -> Lost:
    """Record a payment as a run does before it is lost."""
    return await Lost(durable, await durable.new_payment(**fields)).recorded()


async def authorised(durable: Durable) -> Lost:
    """Leave behind an authorised payment with manual capture."""
    left = await lost(durable, capture_method="manual")
    await left.authorised_at_gateway()
    return await left.becomes(PaymentStatus.AUTHORIZED)


async def test_a_charge_that_was_not_recorded_is_found(durable: Durable) -> None:
    """The workflow is lost after the gateway charged: the new run asks, records it, and charges nothing more."""
    left = await lost(durable)
    await left.authorised_at_gateway()

    handle = await durable.take_up(left.new)

    assert (await durable.ended(handle)).status == "success"
    assert await durable.simulator.charges(left.new.id) == 1
    assert await durable.event_types(left.new.id) == ["payment.created", "payment.success"]


async def test_a_payment_that_was_never_sent_is_sent(durable: Durable) -> None:
    """The workflow is lost before the gateway was called: three times "not found", then the same key is sent."""
    left = await lost(durable)

    handle = await durable.take_up(left.new)

    assert (await durable.ended(handle)).status == "success"
    assert await durable.simulator.charges(left.new.id) == 1


async def test_a_creation_that_is_repeated_goes_on_from_the_row(durable: Durable) -> None:
    """Temporal lost its store and the merchant repeats: the run finds the row and asks before it sends."""
    left = await lost(durable)
    await left.authorised_at_gateway()

    _, handle = await durable.start(left.new)

    assert (await durable.ended(handle)).status == "success"
    told = [entry.what for entry in await handle.query(PaymentWorkflow.timeline)]
    assert f"{left.new.id}:authorise:1: an earlier run may have sent it; asking about it" in told


async def test_a_customer_who_must_act_is_waited_for(durable: Durable) -> None:
    """The deadline counts from the payment's creation: past it the new run calls the payment off."""
    left = await lost(durable, instrument="approve@clearway")
    await left.authorised_at_gateway()
    await left.becomes(PaymentStatus.REQUIRES_ACTION)

    handle = await durable.take_up(left.new, PaymentTimings(deadline_s=1))

    assert (await durable.ended(handle)).status == "expired"


async def test_an_authorised_payment_can_be_captured_and_cancelled(durable: Durable) -> None:
    """A taken-up authorisation is captured with an operation key that was never used before."""
    left = await authorised(durable)
    await left.sends(10_000, final=False)
    await left.captured_at_gateway(1, 10_000)
    handle = await durable.take_up(left.new)

    asked = CaptureInput(ids.new_id(ids.CAPTURE), 20_000, final=False)
    answer = await handle.execute_update(PaymentWorkflow.capture, asked, id=asked.capture_id)

    assert answer["amount_captured"] == 30_000
    assert await durable.simulator.charges(left.new.id) == 2
    ended = await handle.execute_update(PaymentWorkflow.cancel, CancelInput())
    assert (ended["status"], ended["amount_captured"]) == ("success", 30_000)
    assert await durable.books(left.new.merchant_id) == {"payable": -30_000}


async def test_a_final_capture_that_was_sent_ends_the_payment(durable: Durable) -> None:
    """The workflow is lost while a final capture is at the gateway: it is booked once, and the rest is released."""
    left = await authorised(durable)
    await left.sends(20_000)
    await left.captured_at_gateway(1, 20_000)

    handle = await durable.take_up(left.new)

    assert (await durable.ended(handle)).captured_minor == 20_000
    assert await durable.simulator.charges(left.new.id) == 1
    assert len(await durable.simulator.effects(left.new.id, "voided")) == 1
    assert await durable.order_status(left.new.order_id) == "paid"


async def test_a_capture_that_the_database_forgot_is_found(durable: Durable) -> None:
    """A database restored to before a capture: the new run finds it under the next key and books it."""
    left = await authorised(durable)
    await left.captured_at_gateway(1, 20_000)

    handle = await durable.take_up(left.new)
    ended = await handle.execute_update(PaymentWorkflow.cancel, CancelInput())

    assert (ended["status"], ended["amount_captured"]) == ("success", 20_000)
    assert await durable.simulator.charges(left.new.id) == 1


async def test_an_expiry_counts_from_the_authorisation(durable: Durable) -> None:
    """A taken-up authorisation is released when its own time is over."""
    left = await lost(durable, capture_method="manual")
    await left.authorised_at_gateway()
    left.ago = timedelta(minutes=40)
    await left.becomes(PaymentStatus.AUTHORIZED)

    handle = await durable.take_up(left.new, PaymentTimings(authorisation_expiry_s=3_600))

    assert (await durable.ended(handle)).status == "expired"
    described = await handle.describe()
    assert described.close_time is not None
    assert described.close_time - described.start_time < timedelta(minutes=21)


async def test_a_review_goes_on_and_ends_by_a_person(durable: Durable) -> None:
    """A capture of a wrong amount stays in doubt; the decision must say what moved, and books it under its own id."""
    left = await authorised(durable)
    await left.sends(20_000)
    await left.captured_at_gateway(1, 19_999)
    await left.becomes(PaymentStatus.NEEDS_REVIEW)

    handle = await durable.take_up(left.new)
    await handle.signal(PaymentWorkflow.resolve_review, Resolution("success", "ana", "seen at the bank"))
    await handle.signal(PaymentWorkflow.resolve_review, Resolution("success", "ana", "seen at the bank", amount=19_999))

    assert (await durable.ended(handle)).captured_minor == 19_999
    told = " ".join(entry.what for entry in await handle.query(PaymentWorkflow.timeline))
    assert "the gateway reports INR 199.99, and INR 200.00 was requested: say the amount that moved" in told
    assert await durable.books(left.new.merchant_id) == {"payable": -19_999}


async def test_a_final_payment_is_left_alone(durable: Durable) -> None:
    """Taking up what has ended changes nothing."""
    payment = await durable.paid()

    handle = await durable.take_up(payment)

    assert (await durable.ended(handle)).status == "success"
    assert await durable.event_types(payment.id) == ["payment.created", "payment.success"]


async def test_a_refund_that_was_sent_and_not_recorded_is_found(durable: Durable) -> None:
    """The workflow is lost while a refund is at the gateway: it is paid out once, and recorded."""
    payment = await durable.paid()
    new = NewRefund(ids.new_id(ids.REFUND), payment.merchant_id, payment.id, 1_000)
    async with each_for_itself(durable.engine).connect() as connection:
        reserved = await refunds.reserve(connection, new, now=await durable.environment.get_current_time())
    operation = question_about(f"{new.id}:refund:1", 1_000)
    asked = replace(operation, payment_id=payment.id, references=reserved.kept.references)
    await durable.simulator.gateway.refund(asked)

    handle = await durable.take_up_refund(new)

    assert (await durable.ended(handle)).status == "processed"
    assert await durable.given_back(payment.id) == 1_000
    assert (await durable.row(payment.id)).refunded_minor == 1_000


async def test_what_has_no_row_is_recorded_again(durable: Durable) -> None:
    """The database forgot the payment: the run records it from what it was started with, and asks before it sends."""
    left = Lost(durable, await durable.new_payment())
    await left.authorised_at_gateway()

    handle = await durable.take_up(left.new)

    assert (await durable.ended(handle)).status == "success"
    assert await durable.simulator.charges(left.new.id) == 1
    assert await durable.event_types(left.new.id) == ["payment.created", "payment.success"]


async def movable(durable: Durable, **fields: Any) -> tuple[Lost, GatewayChoice]:
    """Leave behind a payment that may be tried at a second gateway."""
    merchant_id = await durable.merchant()
    second = await another_gateway(durable, merchant_id)
    routing = {"alternatives": [{"gateway": second.gateway, "gateway_id": second.gateway_id}]}
    return await lost(durable, merchant_id=merchant_id, routing=routing, **fields), second


async def test_a_failover_that_the_database_forgot_is_found(durable: Durable) -> None:
    """The row is of before the failover, and the second gateway charged: the first is not sent the payment again."""
    left, second = await movable(durable)
    await left.authorised_at_gateway(attempt=2)

    handle = await durable.take_up(left.new)

    assert (await durable.ended(handle)).status == "success"
    assert await durable.simulator.charges(left.new.id) == 1
    first, last = await attempts(durable, left.new.id)
    assert (first.status, first.executed) == ("failed", "no")
    assert (last.status, last.gateway_id) == ("succeeded", second.gateway_id)


async def test_a_failover_after_a_page_that_the_database_forgot_is_found(durable: Durable) -> None:
    """The first gateway declined on its page, and the second charged; the row still waits for the customer."""
    left, second = await movable(durable, instrument="approve@clearway")
    opened = await left.authorised_at_gateway()
    await left.becomes(PaymentStatus.REQUIRES_ACTION)
    assert opened.action is not None
    await durable.simulator.http.post(f"{opened.action.url}/fail")
    left.personal = replace(left.personal, instrument="success@razorpay")
    await left.authorised_at_gateway(attempt=2)

    handle = await durable.take_up(left.new)

    assert (await durable.ended(handle)).status == "success"
    assert (await durable.row(left.new.id)).gateway_id == second.gateway_id


@pytest.mark.parametrize("recorded", [PaymentStatus.PENDING, PaymentStatus.RETRYING])
async def test_a_retry_that_the_database_forgot_is_found(durable: Durable, recorded: PaymentStatus) -> None:
    """The merchant had the payment retried; the row is of before, with its first attempt declined or under way."""
    left = await lost(durable, instrument="lowfunds@clearway", retries=POLICY)
    await left.authorised_at_gateway()
    if recorded is PaymentStatus.RETRYING:
        await left.becomes(PaymentStatus.RETRYING)
    left.personal = replace(left.personal, instrument="success@razorpay")
    await left.authorised_at_gateway(attempt=2)

    handle = await durable.take_up(left.new)

    assert (await durable.ended(handle)).status == "success"
    assert [each.status for each in await attempts(durable, left.new.id)] == ["failed", "succeeded"]


async def test_a_gateway_that_refuses_the_first_step_has_no_attempt(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An instrument that a gateway does not take shows no lost attempt: nothing is recorded beside the one there is."""

    async def prepare(_self: SimulatorGateway, _: Operation) -> GatewayOutcome:
        return GatewayOutcome(OutcomeKind.DECLINED, Executed.NO, error_code="invalid_instrument")

    monkeypatch.setattr(SimulatorGateway, "prepare", prepare, raising=False)
    left = await lost(durable, retries=POLICY)

    await durable.take_up(left.new)

    await durable.skip_until_status(left.new.id, "retrying")
    assert len(await attempts(durable, left.new.id)) == 1


async def test_a_payment_of_a_lost_run_still_goes_elsewhere(durable: Durable) -> None:
    """The row has the gateways that may be tried: a run that starts from it moves on after the first's decline."""
    merchant_id = await durable.merchant()
    second = await another_gateway(durable, merchant_id)
    routing = {"alternatives": [{"gateway": second.gateway, "gateway_id": second.gateway_id}]}
    left = await lost(durable, merchant_id=merchant_id, method="netbanking", instrument="DOWN", routing=routing)
    await left.authorised_at_gateway()
    async with durable.engine.connect() as connection:
        new = new_payment_of(await recording.find(connection, left.new.id))

    handle = await durable.take_up(new)

    assert (await durable.ended(handle)).status == "failed"
    tried = [each.gateway_id for each in await attempts(durable, new.id)]
    assert tried == [new.gateway_id, second.gateway_id]
