"""`/routing`: rules in versions, tried before they are switched on, and the decision that stays with a payment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.tables import audit_log, gateway_breakers
from tests.services.api.conftest import Caller, NewCaller, Payer, eventually


async def gateway(caller: Caller, name: str, **more: object) -> str:
    """Connect one more simulator and return its id."""
    made = await caller.http.post("/gateways", json={"kind": "simulator", "name": name, "test": False} | more)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def first_gateway(caller: Caller) -> str:
    """Return the simulator that the merchant was created with."""
    listed = (await caller.http.get("/gateways")).json()["data"]
    return str(listed[-1]["id"])


def rules(*made: tuple[str, str], **more: object) -> dict[str, Any]:
    """Return a program that sends payments by currency: pairs of a currency and a gateway."""
    return {
        "rules": [
            {
                "name": f"{currency} payments",
                "statements": [{"conditions": [{"field": "currency", "is": "one_of", "value": [currency]}]}],
                "output": {"type": "single", "gateway": gateway_id},
            }
            | more
            for currency, gateway_id in made
        ]
    }


async def saved(caller: Caller, program: dict[str, Any], **more: object) -> int:
    """Save rules and return their number."""
    made = await caller.http.post("/routing/versions", json={"program": program} | more)
    assert made.status_code == 201, made.text
    return int(made.json()["number"])


async def activated(caller: Caller, program: dict[str, Any]) -> int:
    """Save rules and activate them."""
    number = await saved(caller, program)
    switched = await caller.http.post(f"/routing/versions/{number}/activate")
    assert switched.status_code == 200, switched.text
    return number


async def test_a_payment_goes_where_the_rules_say(payer: Payer) -> None:
    """The first rule that fits names the gateway; the decision with its reasons is stored with the payment."""
    second = await gateway(payer, "Second", priority=900)
    number = await activated(payer, rules(("USD", second)))

    dollars = await payer.payment(await payer.order(currency="USD"))
    rupees = await payer.payment()

    assert dollars["gateway_id"] == second
    assert rupees["gateway_id"] == await first_gateway(payer)
    decision = (await payer.http.get(f"/payments/{dollars['id']}/routing")).json()
    assert (decision["version"], decision["rule"], decision["by"]) == (number, "USD payments", "rule")
    assert decision["inputs"]["currency"] == "USD"
    fallen = (await payer.http.get(f"/payments/{rupees['id']}/routing")).json()
    assert (fallen["by"], fallen["rule"], fallen["gateways"]) == (
        "priority",
        None,
        [await first_gateway(payer), second],
    )


async def test_card_and_country_and_notes_are_asked(payer: Payer) -> None:
    """Rules ask digits and brand of a test card, country, notes and customer; only brand and country are kept."""
    second = await gateway(payer, "Second", priority=900)
    conditions = [
        {"field": "card_bin", "is": "one_of", "value": ["424242"]},
        {"field": "card_brand", "is": "one_of", "value": ["visa"]},
        {"field": "country", "is": "one_of", "value": ["AM"]},
        {"field": "note", "key": "tier", "is": "one_of", "value": ["gold-7"]},
        {"field": "customer", "is": "one_of", "value": ["c-4711"]},
    ]
    output = {"type": "priority", "gateways": [second]}
    await activated(payer, {"rules": [{"name": "all", "statements": [{"conditions": conditions}], "output": output}]})
    card = {"number": "4242424242424242", "expiry_month": 12, "expiry_year": 2040, "cvv": "123"}
    asked = {"method": "card", "card": card, "country": "AM", "notes": {"tier": "gold-7"}, "customer": {"id": "c-4711"}}

    fitting = await payer.payment(**asked)
    other = await payer.payment(**asked | {"notes": {}})

    assert fitting["gateway_id"] == second
    assert other["gateway_id"] == await first_gateway(payer)
    kept = (await payer.http.get(f"/payments/{fitting['id']}/routing")).text
    assert '"AM"' in kept
    assert not any(secret in kept for secret in ("424242", "gold-7", "c-4711"))


async def test_a_refused_payment_says_why_of_each_gateway(payer: Payer) -> None:
    """When no gateway is left, nothing is charged and the answer says what each one lacked."""
    second = await gateway(payer, "Second")
    await activated(payer, rules(("INR", second), otherwise="refuse"))
    await payer.http.post(f"/gateways/{second}/disable")

    refused = await payer.post_payment()

    assert (refused.status_code, refused.json()["code"]) == (409, "no_gateway")
    assert f"{second}: it is disabled" in refused.json()["detail"]
    assert "'INR payments'" in refused.json()["detail"]


async def test_a_request_that_names_its_gateway_is_not_routed(payer: Payer) -> None:
    """`gateway_id` wins over every rule."""
    second = await gateway(payer, "Second")
    await activated(payer, rules(("INR", second)))

    made = await payer.payment(gateway_id=await first_gateway(payer))

    assert made["gateway_id"] == await first_gateway(payer)
    assert (await payer.http.get(f"/payments/{made['id']}/routing")).json()["by"] == "request"


async def test_rules_are_validated_with_what_to_change(caller: Caller) -> None:
    """A wrong form is refused field by field; a foreign gateway, and what is odd, is named."""
    foreign = f"gw_{'0' * 26}"
    wrong = {"rules": [{"name": "x", "output": {"type": "split", "shares": [{"percent": 50, "gateways": [foreign]}]}}]}

    refused = await caller.http.post("/routing/versions", json={"program": wrong})
    checked = (await caller.http.post("/routing/validate", json={"program": wrong})).json()
    unknown = await caller.http.post("/routing/versions", json={"program": rules(("INR", foreign))})
    card = await caller.http.post(
        "/routing/versions", json={"program": rules(("INR", await first_gateway(caller)), name="4242424242424242")}
    )

    assert (refused.status_code, refused.json()["code"]) == (422, "validation_error")
    assert "Make them sum to 100" in refused.json()["errors"][0]["message"]
    assert (checked["valid"], len(checked["problems"])) == (False, 1)
    assert (unknown.status_code, unknown.json()["code"]) == (422, "routing_program_invalid")
    assert f"You have no gateway {foreign}" in unknown.json()["detail"]
    assert card.json()["code"] == "card_number_refused"


async def test_valid_rules_may_have_warnings(caller: Caller) -> None:
    """A disabled gateway and an unreachable rule are warnings, not errors."""
    second = await gateway(caller, "Second", enabled=False)
    program = rules(("INR", second))
    program["rules"].insert(0, {"name": "all", "output": {"type": "single", "gateway": second}})

    checked = (await caller.http.post("/routing/validate", json={"program": program})).json()

    assert checked["valid"] is True
    assert any("is disabled" in warning for warning in checked["warnings"])
    assert any("never reached" in warning for warning in checked["warnings"])


async def test_a_dry_run_says_what_would_change(payer: Payer) -> None:
    """Past payments are routed by both programs; what moved is counted and shown, and nothing is sent."""
    second = await gateway(payer, "Second", priority=900)
    moved = await payer.payment(await payer.order(currency="USD"))
    await payer.payment()
    number = await saved(payer, rules(("USD", second)))

    trial = (await payer.http.post(f"/routing/versions/{number}/dry_run", json={"payments": 50})).json()

    first = await first_gateway(payer)
    assert (trial["payments"], trial["moved"], trial["refused"]) == (2, 1, 0)
    assert {each["gateway_id"]: (each["before"], each["after"]) for each in trial["gateways"]} == {
        first: (2, 1),
        second: (0, 1),
    }
    assert trial["examples"] == [
        {"payment_id": moved["id"], "rule": "USD payments", "before": [first, second], "after": [second]}
    ]


async def test_rules_that_would_refuse_payments_are_not_switched_on(payer: Payer) -> None:
    """A version that leaves past payments without a gateway is activated only by force."""
    second = await gateway(payer, "Second", enabled=False)
    await payer.payment()
    number = await saved(payer, rules(("INR", second), otherwise="refuse"))
    path = f"/routing/versions/{number}/activate"

    refused = await payer.http.post(path)
    forced = await payer.http.post(path, json={"force": True})

    assert (refused.status_code, refused.json()["code"]) == (409, "routing_refuses")
    assert "1 of your last 1 payments" in refused.json()["detail"]
    assert forced.json()["status"] == "active"


async def test_versions_are_switched_rolled_back_and_audited(caller: Caller, api_engine: AsyncEngine) -> None:
    """One version is active; going back activates the one before; each change is in the audit log."""
    first = await first_gateway(caller)
    one = await activated(caller, rules(("INR", first)))
    two = await activated(caller, rules(("USD", first)))

    back = await caller.http.post("/routing/rollback")

    assert (back.status_code, back.json()["number"]) == (200, one)
    listed = (await caller.http.get("/routing/versions")).json()["data"]
    assert [(each["number"], each["status"]) for each in listed] == [(two, "retired"), (one, "active")]
    assert (await caller.http.get("/routing")).json()["version"]["number"] == one
    assert (await caller.http.delete("/routing")).status_code == 204
    assert (await caller.http.get("/routing")).json()["version"] is None
    query = select(audit_log.c.action).where(
        audit_log.c.merchant_id == caller.id, audit_log.c.subject_type == "routing_version"
    )
    async with api_engine.connect() as connection:
        actions = [*(await connection.scalars(query.order_by(audit_log.c.id)))]
    assert actions == [
        *("routing_version.create", "routing_version.activate") * 2,
        *("routing_version.roll_back", "routing_version.deactivate"),
    ]


async def test_without_a_version_before_there_is_no_way_back(caller: Caller) -> None:
    """The refusal says what to do."""
    refused = await caller.http.post("/routing/rollback")

    assert (refused.status_code, refused.json()["code"]) == (409, "routing_nothing_before")


async def test_a_repeated_request_saves_one_version(caller: Caller) -> None:
    """An Idempotency-Key makes one draft, however often it is sent."""
    body = {"program": rules(("INR", await first_gateway(caller))), "note": "a trial"}
    headers = {"Idempotency-Key": "one"}

    made = [await caller.http.post("/routing/versions", json=body, headers=headers) for _ in range(2)]

    assert made[0].content == made[1].content
    assert len((await caller.http.get("/routing/versions")).json()["data"]) == 1


async def test_explaining_says_why_each_rule_fits_or_not(caller: Caller) -> None:
    """Without a payment: the decision, and of each rule before it what did not hold."""
    first = await first_gateway(caller)
    number = await saved(caller, rules(("USD", first), ("INR", first)))
    asked = {"method": "upi", "currency": "INR", "amount": 100, "version": number}

    explained = (await caller.http.post("/routing/explain", json=asked)).json()

    assert (explained["rule"], explained["gateways"]) == ("INR payments", [first])
    assert explained["considered"] == [
        {"rule": "USD payments", "fits": False, "failed": ["statements.0.conditions.0 (currency)"]},
        {"rule": "INR payments", "fits": True, "failed": []},
    ]
    active = (await caller.http.post("/routing/explain", json=asked | {"version": None})).json()
    assert (active["by"], active["version"]) == ("priority", None)


@pytest.mark.parametrize("path", ["", "/dry_run", "/activate"])
async def test_versions_of_others_are_not_found(new_caller: NewCaller, path: str) -> None:
    """A number means nothing to another merchant."""
    owner, other = await new_caller(), await new_caller()
    number = await saved(owner, rules(("INR", await first_gateway(owner))))

    method = "GET" if not path else "POST"
    refused: httpx.Response = await other.http.request(method, f"/routing/versions/{number}{path}")

    assert (refused.status_code, refused.json()["code"]) == (404, "routing_version_not_found")


async def _breaker(app: FastAPI, caller: Caller, gateway_id: str, **columns: object) -> None:
    """Write the breaker of a gateway as it is when enough calls have failed, and have the API read it."""
    values = {"gateway_id": gateway_id, "merchant_id": caller.id, "operation": "authorise", "failures": 10}
    moments = {"state": "open", "opened_at": datetime.now(UTC), "open_until": datetime.now(UTC) + timedelta(minutes=5)}
    async with app.state.services.engine.begin() as connection:
        await connection.execute(insert(gateway_breakers).values(**values | moments | columns))
    await app.state.services.breakers.read()  # every process does so each second


async def test_new_payments_avoid_a_gateway_that_fails(payer: Payer, app: FastAPI) -> None:
    """An open breaker leaves the gateway out with that reason; a reset brings it back at once."""
    first, second = await first_gateway(payer), await gateway(payer, "Second", priority=900)
    await _breaker(app, payer, first)

    avoiding = await payer.payment()
    shown = (await payer.http.get(f"/gateways/{first}/breaker")).json()["data"]
    reset = await payer.http.post(f"/gateways/{first}/breaker/reset")
    returned = await payer.payment()

    assert (avoiding["gateway_id"], returned["gateway_id"]) == (second, first)
    decision = (await payer.http.get(f"/payments/{avoiding['id']}/routing")).json()
    assert [(each["gateway_id"], each["why"]) for each in decision["left_out"]] == [(first, "breaker_open")]
    assert {each["operation"]: each["state"] for each in shown}["authorise"] == "open"
    assert {each["state"] for each in reset.json()["data"]} == {"closed"}
    assert [each["type"] for each in (await payer.http.get("/events")).json()["data"]].count(
        "gateway.breaker_closed"
    ) == 1


async def test_explaining_knows_the_breakers(caller: Caller, app: FastAPI) -> None:
    """An imagined payment avoids a gateway with an open breaker, as a real one does."""
    first, second = await first_gateway(caller), await gateway(caller, "Second", priority=900)
    await _breaker(app, caller, first)

    asked = {"method": "upi", "currency": "INR", "amount": 100}
    explained = (await caller.http.post("/routing/explain", json=asked)).json()

    assert explained["gateways"] == [second]
    assert [(each["gateway_id"], each["why"]) for each in explained["left_out"]] == [(first, "breaker_open")]


async def test_a_worker_counts_what_the_gateway_does(payer: Payer) -> None:
    """Each call that was not carried out counts at the gateway's breaker, and payments still succeed."""
    await payer.payment(vpa="error503@clearway")

    path = f"/gateways/{await first_gateway(payer)}/breaker"
    shown = await eventually(
        lambda: _read(payer, path), lambda read: any(each["failures"] > 0 for each in read["data"])
    )

    counted = next(each for each in shown["data"] if each["operation"] == "authorise")
    assert (counted["state"], counted["last_failure"]) == ("closed", "retryable")


async def _read(caller: Caller, path: str) -> dict[str, Any]:
    return dict((await caller.http.get(path)).json())


async def test_one_payment_tries_a_gateway_again(payer: Payer, app: FastAPI) -> None:
    """Half open, the next payment that has another gateway tries it, and the one after avoids it."""
    first, second = await first_gateway(payer), await gateway(payer, "Second", priority=900)
    await _breaker(app, payer, first, open_until=datetime.now(UTC) - timedelta(seconds=1))

    trying, avoiding = await payer.payment(), await payer.payment()

    assert (trying["gateway_id"], avoiding["gateway_id"]) == (first, second)
    decision = (await payer.http.get(f"/payments/{trying['id']}/routing")).json()
    assert decision["gateways"] == [first, second]


async def test_the_breaker_of_another_merchant_is_not_found(new_caller: NewCaller) -> None:
    """Neither read nor reset."""
    owner, other = await new_caller(), await new_caller()
    path = f"/gateways/{await first_gateway(owner)}/breaker"

    assert (await other.http.get(path)).status_code == 404
    assert (await other.http.post(f"{path}/reset")).status_code == 404
