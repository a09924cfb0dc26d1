"""Going on from the row when a workflow is lost: the gateway is asked first, and nothing is charged twice.

Each test leaves behind what a lost workflow leaves: rows, and what the gateway has done without anybody recording it.
Rows are recorded by Temporal's clock, which is ahead of the real one here, because deadlines count from them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from clearway.db.engine import each_for_itself
from clearway.db.payments import recording
from clearway.db.payments import recording_commands as commands
from clearway.db.payments.rows import payment_of
from clearway.db.refunds import recording as refunds
from clearway.domain import ids
from clearway.domain.command import CommandEnd, CommandKind, CommandStatus, NewCommand
from clearway.domain.limits import CANCELS_PER_PAYMENT_MAX
from clearway.domain.payment import CapturedAmount, CaptureMethod, Change, NewPayment, PaymentStatus
from clearway.domain.refund import NewRefund
from clearway.durable.messages import CancelInput, CaptureInput, PaymentTimings, Resolution
from clearway.durable.sealed import unseal
from clearway.gateways.contract import Authorisation, GatewayOutcome, Operation
from tests.services.gateways.asking import question_about
from tests.support.durable import Durable
from workflows.payment import PaymentWorkflow


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
        outcome = await self.durable.simulator.gateway.authorise(self.authorisation(attempt))
        self.reference = outcome.reference
        return outcome

    def authorisation(self, attempt: int) -> Operation:
        """Return the authorisation of an attempt, as the lost run sent it."""
        new = self.new
        asked = Authorisation(new.method, CaptureMethod(new.capture_method), self.personal.instrument)
        question = question_about(f"{new.id}:authorise:{attempt}", new.amount_minor)
        return replace(question, currency=new.currency, number=attempt, authorisation=asked)

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

    async def sends(
        self,
        amount_minor: int,
        *,
        final: bool = True,
        kind: CommandKind = CommandKind.CAPTURE,
        command_id: str | None = None,
    ) -> None:
        """Record a capture, or a void, that is sent."""
        async with self._engine.connect() as connection:
            payment = payment_of(await recording.find(connection, self.new.id))
            command = NewCommand(command_id or ids.new_id(ids.CAPTURE), kind, amount_minor, final)
            await commands.begin(connection, payment, command, now=await self._now())

    async def was_refused(self, command_id: str) -> None:
        """Record that the gateway refused a command."""
        async with self._engine.connect() as connection:
            ended = CommandEnd(command_id, CommandStatus.REFUSED, "by the gateway")
            await commands.end(connection, ended, now=await self._now())


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


async def test_no_more_than_fifty_cancellations(durable: Durable) -> None:
    """The fifty-first is refused with the limit, also by a new run, and the payment can still be captured."""
    left = await authorised(durable)
    for number in range(CANCELS_PER_PAYMENT_MAX):
        command_id = f"cxl_{number}_{left.new.id}"
        await left.sends(50_000, kind=CommandKind.VOID, command_id=command_id)
        await left.was_refused(command_id)
    handle = await durable.take_up(left.new)

    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await handle.execute_update(PaymentWorkflow.cancel, CancelInput())

    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == "not_cancellable"
    assert "has had 50 cancellations, the most that are allowed" in refused.value.cause.message
    asked = CaptureInput(ids.new_id(ids.CAPTURE), None)
    assert (await handle.execute_update(PaymentWorkflow.capture, asked, id=asked.capture_id))["status"] == "success"
    assert await durable.simulator.effects(left.new.id, "voided") == []


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


async def test_a_forgotten_capture_whose_booking_was_cut_off_is_booked(durable: Durable) -> None:
    """A run found the lost capture, recorded its command under its key, and was lost itself: it is still booked."""
    left = await authorised(durable)
    await left.captured_at_gateway(1, 20_000)
    await left.sends(20_000, final=False, command_id=f"{left.new.id}:capture:1")

    handle = await durable.take_up(left.new, PaymentTimings(authorisation_expiry_s=3_600))

    ended = await durable.ended(handle)
    assert (ended.status, ended.captured_minor) == ("success", 20_000)
    assert await durable.simulator.charges(left.new.id) == 1


async def test_a_release_that_was_cut_off_is_made(durable: Durable) -> None:
    """The workflow is lost while the rest is released after the last capture: the payment ends, long before expiry."""
    left = await authorised(durable)
    await left.captured_at_gateway(1, 20_000)
    capture_id = ids.new_id(ids.CAPTURE)
    await left.becomes(PaymentStatus.AUTHORIZED, CapturedAmount(capture_id, 20_000))
    await left.sends(30_000, kind=CommandKind.VOID, command_id=f"{capture_id}:release")

    handle = await durable.take_up(left.new, PaymentTimings(authorisation_expiry_s=30 * 24 * 3_600))

    assert (await durable.ended(handle)).captured_minor == 20_000
    described = await handle.describe()
    assert described.close_time is not None
    assert described.close_time - described.start_time < timedelta(hours=1)


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


async def test_a_review_of_the_last_capture_ends_by_the_gateway(durable: Durable) -> None:
    """The gateway confirms the capture that was in doubt when the workflow was lost: the rest is released too."""
    left = await authorised(durable)
    await left.sends(20_000)
    await left.captured_at_gateway(1, 20_000)
    await left.becomes(PaymentStatus.NEEDS_REVIEW)

    handle = await durable.take_up(left.new, PaymentTimings(authorisation_expiry_s=30 * 24 * 3_600))

    assert (await durable.ended(handle)).captured_minor == 20_000
    assert (await durable.row(left.new.id)).status == "success"
    assert [each["amount"] for each in await durable.simulator.effects(left.new.id, "voided")] == [30_000]
    described = await handle.describe()
    assert described.close_time is not None
    assert described.close_time - described.start_time < timedelta(hours=1)


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
    assert "the gateway reports INR 199.99, and INR 200.00 was requested: give the amount that moved" in told
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
    new = NewRefund(await durable.new_id(ids.REFUND), payment.merchant_id, payment.id, 1_000)
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
