"""Attempts whose rows a restored database lost: they are found at the gateways before anything is sent again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert

from clearway.db.payments import recording
from clearway.db.payments.rows import new_payment_of
from clearway.db.tables import gateway_configs
from clearway.domain import ids
from clearway.domain.attempt import GatewayChoice
from clearway.domain.gateway import credentials_context
from clearway.domain.payment import PaymentStatus
from clearway.gateways.contract import Executed, GatewayOutcome, Operation, OutcomeKind
from clearway.gateways.simulator.client import SimulatorGateway
from clearway.gateways.stripe.client import StripeGateway, StripeKeys
from tests.services.workflows.test_attempts import attempts
from tests.services.workflows.test_failover import another_gateway
from tests.services.workflows.test_taking_up import Lost, lost
from tests.support.durable import Durable

POLICY = {"scheduled": 0, "first_wait_s": 60.0, "within_s": 3_600.0}


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


@pytest.mark.parametrize("recorded", [PaymentStatus.PENDING, PaymentStatus.RETRYING])
async def test_a_later_retry_that_the_database_forgot_is_found(durable: Durable, recorded: PaymentStatus) -> None:
    """Of two forgotten retries no gateway knows the first, and one charged the second: it is found."""
    left, _ = await movable(durable, instrument="lowfunds@clearway", retries=POLICY)
    await left.authorised_at_gateway()
    if recorded is PaymentStatus.RETRYING:
        await left.becomes(PaymentStatus.RETRYING)
    left.personal = replace(left.personal, instrument="success@razorpay")
    await left.authorised_at_gateway(attempt=3)

    handle = await durable.take_up(left.new)

    assert (await durable.ended(handle)).status == "success"
    assert await durable.simulator.charges(left.new.id) == 1
    found = await attempts(durable, left.new.id)
    assert [each.status for each in found] == ["failed", "failed", "succeeded"]
    assert found[1].executed == "no"


@asynccontextmanager
async def stripe_account(durable: Durable, merchant_id: str) -> AsyncIterator[tuple[str, StripeGateway]]:
    """Connect a Stripe account to a merchant; return the configuration's id, and a connector to the same account."""
    gateway_id, secret_key = ids.new_id(ids.GATEWAY), f"sk_test_{ids.new_id('lost')}"
    settings = {"api_base": str(durable.simulator.http.base_url).rstrip("/") + "/stripe"}
    sealed = durable.cipher.encrypt(json.dumps({"secret_key": secret_key}), credentials_context(gateway_id))
    row = {"id": gateway_id, "merchant_id": merchant_id, "kind": "stripe", "name": "Stripe", "settings": settings}
    async with durable.engine.begin() as connection:
        await connection.execute(insert(gateway_configs).values(row | {"sealed_credentials": sealed}))
    gateway = StripeGateway(StripeKeys(secret_key), api_base=settings["api_base"], timeout_s=20)
    try:
        yield gateway_id, gateway
    finally:
        await gateway.aclose()


async def test_a_retry_with_another_card_that_the_database_forgot_is_found(durable: Durable) -> None:
    """The lost retry brought another card, so its request cannot be repeated: the gateway's list shows it."""
    merchant_id = await durable.merchant()
    async with stripe_account(durable, merchant_id) as (gateway_id, gateway):
        given = {"method": "card", "currency": "USD", "gateway": "stripe", "gateway_id": gateway_id, "retries": POLICY}
        order_id = await durable.order(merchant_id, currency="USD")
        fields = given | {"instrument": "pm_card_chargeDeclined", "order_id": order_id}
        fields |= {"id": ids.new_id(ids.PAYMENT)}  # by the clock of the gateway, whose list is read from then on
        left = await lost(durable, merchant_id=merchant_id, **fields)
        for attempt, card in ((1, "pm_card_chargeDeclined"), (2, "pm_card_visa")):
            left.personal = replace(left.personal, instrument=card)
            asked = left.authorisation(attempt)
            prepared = await gateway.prepare(asked)
            await gateway.authorise(replace(asked, references=prepared.references))
            if attempt == 1:
                left.reference = prepared.references["payment"]
                await left.becomes(PaymentStatus.RETRYING)

        handle = await durable.take_up(left.new)

        assert (await durable.ended(handle)).status == "success"
        assert [each.status for each in await attempts(durable, left.new.id)] == ["failed", "succeeded"]


@pytest.mark.parametrize("recorded", [PaymentStatus.PENDING, PaymentStatus.RETRYING])
async def test_a_retry_is_in_doubt_where_a_gateway_does_not_answer(
    durable: Durable, monkeypatch: pytest.MonkeyPatch, recorded: PaymentStatus
) -> None:
    """A gateway that does not say whether it had a retry may have charged: a person decides, and nothing is sent."""
    recover = SimulatorGateway.recover

    async def recovering(self: SimulatorGateway, operation: Operation) -> GatewayOutcome:
        return await recover(self, operation) if operation.number == 1 else GatewayOutcome(OutcomeKind.UNKNOWN)

    monkeypatch.setattr(SimulatorGateway, "recover", recovering)
    left = await lost(durable, instrument="lowfunds@clearway", retries=POLICY)
    await left.authorised_at_gateway()
    if recorded is PaymentStatus.RETRYING:
        await left.becomes(PaymentStatus.RETRYING)

    await durable.take_up(left.new)

    await durable.skip_until_status(left.new.id, "needs_review")
    assert len(await attempts(durable, left.new.id)) == 1


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
