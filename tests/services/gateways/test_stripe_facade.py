"""The stand-in of Stripe, driven by the official SDK: what an intent goes through, and how refusals are said."""

from __future__ import annotations

from typing import Any

import pytest
import stripe
from time_machine import Traveller

from clearway.domain.ids import PAYMENT, new_id
from tests.services.gateways.running import LONG_S, Simulator, running_simulator
from tests.services.gateways.stripe_account import Account

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}


async def test_an_intent_is_created_without_effect_and_paid_when_it_is_confirmed(account: Account) -> None:
    """Two steps: the id is known before money moves, and the journal knows the payment by its metadata."""
    intent = await account.intent()
    assert (intent.status, intent.amount_received, intent.latest_charge) == ("requires_confirmation", 0, None)
    assert await account.effects(intent) == []
    paid = await account.confirm(intent)
    assert (paid.status, paid.amount_received) == ("succeeded", 1_000)
    assert await account.effects(intent) == [("authorised", 1_000), ("captured", 1_000)]


@pytest.mark.parametrize(
    ("method", "code", "decline_code", "advice"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline", "try_again_later"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", "try_again_later"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card", "do_not_try_again"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card", "do_not_try_again"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card", "confirm_card_data"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc", "confirm_card_data"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error", "try_again_later"),
        ("pm_card_radarBlock", "card_declined", "fraudulent", "do_not_try_again"),
    ],
)
async def test_declines(account: Account, method: str, code: str, decline_code: str, advice: str) -> None:
    """A decline is 402 with its codes and the whole intent, which may be tried again with another method."""
    intent = await account.intent(method)
    with pytest.raises(stripe.CardError) as caught:
        await account.confirm(intent)
    error = caught.value.error
    assert error is not None
    assert (caught.value.http_status, error.code, error.decline_code, error.advice_code) == (
        402,
        code,
        decline_code,
        advice,
    )
    read = await account.read(intent)
    assert (read.status, read.payment_method) == ("requires_payment_method", None)
    assert read.last_payment_error is not None
    assert read.last_payment_error.code == code
    assert await account.effects(intent) == []
    assert (await account.confirm(intent, payment_method="pm_card_visa")).status == "succeeded"


async def test_three_d_secure_redirects_and_is_paid_after_the_page(account: Account) -> None:
    """The customer is sent to a page; passing it pays the intent, failing it leaves it to be tried again."""
    for button, status in (("complete", "succeeded"), ("fail", "requires_payment_method")):
        intent = await account.intent("pm_card_threeDSecure2Required")
        waiting = await account.confirm(intent, return_url="https://shop.example/back?order=1")
        assert waiting.status == "requires_action"
        action = waiting.next_action
        assert action is not None
        assert action.redirect_to_url is not None
        answer = await account.simulator.http.post(f"{action.redirect_to_url.url}/{button}")
        assert f"order=1&payment_intent={intent.id}" in answer.headers["location"]
        read = await account.read(intent)
        assert read.status == status
    assert read.last_payment_error is not None
    assert read.last_payment_error.code == "payment_intent_authentication_failure"


async def test_without_a_return_url_the_page_must_run_the_next_action(account: Account) -> None:
    """An intent that needs its customer and has no return URL asks for Stripe's own script."""
    waiting = await account.confirm(await account.intent("pm_card_threeDSecure2Required"))
    assert waiting.next_action is not None
    assert waiting.next_action.type == "use_stripe_sdk"


async def test_a_partial_capture_releases_the_rest(account: Account) -> None:
    """A capture is final unless it says otherwise: what is left is released at once."""
    intent = await account.paid(capture_method="manual")
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 1_000)
    done = await account.sdk.v1.payment_intents.capture_async(
        intent.id, params={"amount_to_capture": 400, "metadata": {"cw_capture_1": "400"}}
    )
    assert (done.status, done.amount_received, done.amount_capturable) == ("succeeded", 400, 0)
    assert done.metadata is not None
    assert done.metadata["cw_capture_1"] == "400"
    assert await account.effects(intent) == [("authorised", 1_000), ("captured", 400), ("voided", 600)]


async def test_multicapture_captures_in_parts(account: Account) -> None:
    """With multicapture a capture that is not final leaves the rest to be captured."""
    multicapture: Any = {"card": {"request_multicapture": "if_available"}}
    intent = await account.paid(capture_method="manual", payment_method_options=multicapture)
    capture = account.sdk.v1.payment_intents.capture_async
    first = await capture(intent.id, params={"amount_to_capture": 400, "final_capture": False})
    assert (first.status, first.amount_received, first.amount_capturable) == ("requires_capture", 400, 600)
    assert (await capture(intent.id, params={"amount_to_capture": 600})).status == "succeeded"
    assert await account.effects(intent) == [("authorised", 1_000), ("captured", 400), ("captured", 600)]


async def test_a_capture_that_is_not_final_needs_multicapture(account: Account) -> None:
    """Without multicapture `final_capture=false` is refused, and nothing is captured."""
    intent = await account.paid(capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError, match="multicapture"):
        await account.sdk.v1.payment_intents.capture_async(
            intent.id, params={"amount_to_capture": 400, "final_capture": False}
        )
    assert await account.effects(intent) == [("authorised", 1_000)]


async def test_cancel_releases_and_ends(account: Account) -> None:
    """A cancelled intent releases what it held; it can be neither captured nor confirmed, nor cancelled again."""
    intent = await account.paid(capture_method="manual")
    cancel = account.sdk.v1.payment_intents.cancel_async
    done = await cancel(intent.id, params={"cancellation_reason": "abandoned"})
    assert (done.status, done.amount_capturable, done.cancellation_reason) == ("canceled", 0, "abandoned")
    assert await account.effects(intent) == [("authorised", 1_000), ("voided", 1_000)]
    for act in (cancel, account.sdk.v1.payment_intents.capture_async, account.sdk.v1.payment_intents.confirm_async):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await act(intent.id)
        assert caught.value.code == "payment_intent_unexpected_state"


async def test_cancel_closes_the_door_of_a_waiting_intent(account: Account) -> None:
    """A customer who comes to the page after the cancellation pays nothing."""
    waiting = await account.confirm(
        await account.intent("pm_card_threeDSecure2Required"), return_url="https://shop.example/"
    )
    await account.sdk.v1.payment_intents.cancel_async(waiting.id)
    assert waiting.next_action is not None
    assert waiting.next_action.redirect_to_url is not None
    await account.simulator.http.post(f"{waiting.next_action.redirect_to_url.url}/complete")
    assert (await account.read(waiting)).status == "canceled"
    assert await account.effects(waiting) == []


async def test_refunds(account: Account) -> None:
    """Refunds are made up to what was captured, are listed by their intent, and one beyond is refused."""
    intent = await account.paid()
    create = account.sdk.v1.refunds.create_async
    first = await create(params={"payment_intent": intent.id, "amount": 300, "metadata": {"clearway_key": "r1"}})
    assert (first.status, first.amount) == ("succeeded", 300)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        await create(params={"payment_intent": intent.id, "amount": 701})
    await create(params={"payment_intent": intent.id})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await create(params={"payment_intent": intent.id})
    assert caught.value.code == "charge_already_refunded"
    listed = (await account.sdk.v1.refunds.list_async(params={"payment_intent": intent.id})).data
    assert [refund.amount for refund in listed] == [700, 300]
    assert listed[1].metadata is not None
    assert listed[1].metadata["clearway_key"] == "r1"
    assert (await account.send("GET", f"/refunds/{first.id}")).status_code == 200


async def test_a_refund_may_be_pending_and_may_fail_later(account: Account) -> None:
    """The test cards for refunds: pending first, or succeeded and then failed."""
    pending = await account.sdk.v1.refunds.create_async(
        params={"payment_intent": (await account.paid("pm_card_pendingRefund")).id}
    )
    assert (pending.status, pending.pending_reason) == ("pending", "processing")
    failing = await account.sdk.v1.refunds.create_async(
        params={"payment_intent": (await account.paid("pm_card_refundFail")).id}
    )
    assert failing.status == "succeeded"


async def test_raw_cards_become_methods_and_no_number_is_kept(account: Account) -> None:
    """A raw test card becomes a payment method, of either key; a wrong one is a card error about its place."""
    form = {"type": "card", **{f"card[{name}]": value for name, value in CARD.items()}}
    made = await account.send("POST", "/payment_methods", form, api_key=account.publishable_key)
    assert made.json()["card"]["last4"] == "4242"
    assert (await account.paid(made.json()["id"])).status == "succeeded"
    wrong = await account.send("POST", "/payment_methods", {**form, "card[number]": "4242424242424241"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (402, "incorrect_number")
    assert wrong.json()["error"]["param"] == "card[number]"
    token = await account.send("POST", "/tokens", {f"card[{name}]": value for name, value in CARD.items()})
    of_token = {"type": "card", "card[token]": token.json()["id"]}
    assert (await account.send("POST", "/payment_methods", of_token)).status_code == 200
    again = await account.send("POST", "/payment_methods", of_token)
    assert again.json()["error"]["code"] == "token_already_used"


async def test_a_method_serves_one_intent(account: Account) -> None:
    """A payment method that no customer has cannot be used for a second intent: it cannot be failed over."""
    method = str((await account.paid()).payment_method)
    second = await account.intent(method)
    with pytest.raises(stripe.InvalidRequestError, match="previously used"):
        await account.confirm(second)


async def test_a_bank_debit_is_processing(account: Account) -> None:
    """A debit that is never decided stays in processing, and can be cancelled."""
    intent = await account.paid("pm_usBankAccount_processing", payment_method_types=["us_bank_account"])
    assert intent.status == "processing"
    assert (await account.sdk.v1.payment_intents.cancel_async(intent.id)).status == "canceled"


@pytest.mark.parametrize(
    ("form", "code", "param"),
    [
        ({"currency": "usd"}, "parameter_missing", "amount"),
        ({"amount": "ten", "currency": "usd"}, "parameter_invalid_integer", "amount"),
        ({"amount": 10, "currency": "usd"}, "amount_too_small", "amount"),
        ({"amount": 10**9, "currency": "usd"}, "amount_too_large", "amount"),
        ({"amount": 1_000, "currency": "xxa"}, None, "currency"),
        ({"amount": 1_000, "currency": "usd", "colour": "red"}, "parameter_unknown", "colour"),
        ({"amount": 1_000, "currency": "usd", "payment_method": "pm_none"}, "resource_missing", "payment_method"),
        ({"amount": 550, "currency": "isk"}, "invalid_charge_amount_no_decimal_compatible", "amount"),
        ({"amount": 5_124, "currency": "kwd"}, "parameter_invalid_integer", "amount"),
        ({"amount": 1_000, "currency": "usd", "return_url": "https://a.example"}, None, "return_url"),
    ],
)
async def test_refused_parameters(account: Account, form: dict[str, Any], code: str | None, param: str) -> None:
    """What cannot be carried out is 400 with a code and the parameter, and no value is repeated in it."""
    answer = await account.send("POST", "/payment_intents", form)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error.get("code"), error["param"]) == (
        400,
        "invalid_request_error",
        code,
        param,
    )


@pytest.mark.parametrize(
    ("currency", "amount", "minor"), [("jpy", 500, 500), ("isk", 500, 5), ("mga", 500, 50_000), ("kwd", 5_120, 5_120)]
)
async def test_special_currencies(account: Account, currency: str, amount: int, minor: int) -> None:
    """Stripe's amounts are those of docs.stripe.com/currencies; the journal counts ISO minor units."""
    intent = await account.paid(amount=amount, currency=currency)
    assert (intent.amount, intent.amount_received) == (amount, amount)
    assert await account.effects(intent) == [("authorised", minor), ("captured", minor)]


@pytest.mark.parametrize(
    ("key", "code"), [("", None), ("sk_test_invalid_key", None), ("sk_test_expired_key", "api_key_expired")]
)
async def test_refused_keys(account: Account, key: str, code: str | None) -> None:
    """A missing, wrong or expired key is 401, and the key is not repeated whole."""
    answer = await account.send("GET", "/balance", api_key=key or "none")
    assert (answer.status_code, answer.json()["error"].get("code")) == (401, code)
    assert not key or key not in answer.text


async def test_a_publishable_key_may_do_little(account: Account) -> None:
    """A publishable key reads an intent only by its client secret, and creates none."""
    intent = await account.intent()
    key = account.publishable_key
    path = f"/payment_intents/{intent.id}"
    assert (await account.send("GET", path, api_key=key)).status_code == 401
    known = {"client_secret": intent.client_secret}
    assert (await account.send("GET", path, known, api_key=key)).status_code == 200
    assert (await account.send("POST", "/refunds", {"payment_intent": intent.id}, api_key=key)).status_code == 401


async def test_accounts_are_apart(account: Account, simulator: Simulator) -> None:
    """What one account made another does not find."""
    intent = await account.intent()
    other = Account(simulator, "somebody_else")
    assert (await other.send("GET", f"/payment_intents/{intent.id}")).status_code == 404
    await other.aclose()


async def test_lists_are_consistent_and_paged(account: Account) -> None:
    """Intents are listed at once, newest first, by time and page; charges by intent and transfer group."""
    group = f"group-{new()}"
    made = [await account.intent(transfer_group=group) for _ in range(3)]
    await account.confirm(made[0])
    listed = await account.sdk.v1.payment_intents.list_async(params={"limit": 2, "created": {"gte": made[0].created}})
    assert [intent.id for intent in listed.data] == [made[2].id, made[1].id]
    assert listed.has_more
    following = await account.sdk.v1.payment_intents.list_async(params={"limit": 2, "starting_after": made[1].id})
    assert following.data[0].id == made[0].id
    charges = (await account.sdk.v1.charges.list_async(params={"transfer_group": group})).data
    assert [charge.payment_intent for charge in charges] == [made[0].id]
    refused = await account.send("GET", "/payment_intents", {"transfer_group": group})
    assert refused.json()["error"]["code"] == "parameter_unknown"


async def test_search_lags(tmp_path, clock: Traveller) -> None:
    """Search does not find what was just made; it does after the lag."""
    async with running_simulator(tmp_path / "sim.sqlite3", simulator_stripe_search_lag_s=LONG_S) as simulator:
        account, mark = Account(simulator, "searches"), new()
        await account.intent(metadata={"clearway_key": mark})
        query = {"query": f"metadata['clearway_key']:'{mark}' AND status:'requires_confirmation'"}
        assert (await account.send("GET", "/payment_intents/search", query)).json()["data"] == []
        clock.shift(LONG_S)
        assert len((await account.send("GET", "/payment_intents/search", query)).json()["data"]) == 1
        await account.aclose()


@pytest.mark.parametrize("query", ["", "nonsense", "colour:'red'", "amount>1 AND status:'a' OR status:'b'"])
async def test_unreadable_searches_are_refused(account: Account, query: str) -> None:
    """A query that cannot be read is 400, not an empty answer."""
    assert (await account.send("GET", "/payment_intents/search", {"query": query})).status_code == 400


async def test_objects_are_expanded(account: Account) -> None:
    """An id is replaced by its object where it is asked for, also in lists; what cannot be expanded is refused."""
    intent = await account.paid()
    read = await account.send("GET", f"/payment_intents/{intent.id}", {"expand[]": "latest_charge"})
    assert read.json()["latest_charge"]["amount_captured"] == 1_000
    listed = await account.send("GET", "/payment_intents", {"limit": "1", "expand[0]": "data.latest_charge"})
    assert listed.json()["data"][0]["latest_charge"]["object"] == "charge"
    refused = await account.send("GET", f"/payment_intents/{intent.id}", {"expand[]": "amount"})
    assert refused.status_code == 400


async def test_connection_tests(account: Account) -> None:
    """Account and balance answer to a secret key, so that credentials can be tried without effect."""
    await account.paid()
    assert (await account.send("GET", "/account")).json()["charges_enabled"] is True
    assert (await account.send("GET", "/balance")).json()["available"][0]["amount"] > 0
    assert (await account.send("GET", "/customers")).status_code == 404


def new() -> str:
    """Return a text that was not used before."""
    return new_id(PAYMENT)
