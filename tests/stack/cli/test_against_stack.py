"""The command line against a whole stack: it shows, acts, triggers events, and runs the demonstration."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psutil
import pytest

from clearway.cli.trigger import TRIGGERS
from clearway.dev.stack import Stack
from clearway.domain.events import EventType
from tests.stack.cli.command import Cli, ended
from tests.stack.dev.waiting import eventually, has_ended

pytestmark = pytest.mark.stack

SLOW = frozenset({"payment.expired", "payment.processing", "order.expired"})
"""These wait for the payment's deadline, for its first status poll, and for an order's end and maintenance."""
QUICK = sorted(TRIGGERS.keys() - SLOW)


async def made(cli: Cli, event: str) -> dict[str, Any]:
    """Trigger an event and return what it is about."""
    shown = await cli("trigger", event, "--json")
    assert shown.code == 0, shown
    assert shown.json["event"]["type"] == event
    subject: dict[str, Any] = shown.json["subject"]
    return subject


async def test_the_story_holds(at_stack: Cli) -> None:
    """`clearway demo` passes its own checks: payment, refund, webhooks, decline, 3-D Secure, capture in parts."""
    shown = await at_stack("demo", "--fast", "--json")
    assert shown.code == 0, shown
    assert shown.json["held"] is True
    assert len(shown.json["steps"]) == 8
    assert sum(len(step["held"]) for step in shown.json["steps"]) >= 20
    assert shown.err == ""


async def test_the_demonstration_is_printed_for_people(at_stack: Cli, stack: Stack) -> None:
    """Every step has its requests as curl, and the end says where to look in the Temporal UI."""
    shown = await at_stack("demo", "--fast")
    assert shown.code == 0, shown
    assert "All results are as promised." in shown.out
    assert f"curl -s {stack.api_url}/api/v1/orders" in shown.out
    assert f"{stack.temporal_ui_url}/namespaces/default/workflows/payment%2Fpay_" in shown.out


async def test_the_story_fails_when_a_promise_is_broken(at_stack: Cli, stack: Stack) -> None:
    """A gateway that charges another amount is noticed, and the command fails with the step and the promise."""
    wrong = [{"operation": "authorise", "fault": "wrong_amount"}]
    async with httpx.AsyncClient(base_url=stack.simulator_url, trust_env=False) as gateway:
        await gateway.put("/faults", json=wrong)
        try:
            shown = await at_stack("demo", "--fast", "--json")
        finally:
            await gateway.delete("/faults")
    assert "The demo failed. At step 1" in shown.problem
    assert shown.out == ""


@pytest.mark.parametrize("event", QUICK)
async def test_a_triggered_event_really_exists(at_stack: Cli, event: str) -> None:
    """A triggered event can be read from the API, and is about the triggered payment, refund or test."""
    subject = await made(at_stack, event)
    listed = await at_stack("events", "list", "--type", event, "--limit", "100", "--json")
    about = {item["data"].get("id", subject["id"]) for item in listed.json}
    assert subject["id"] in about


def test_every_event_can_be_triggered() -> None:
    """A newcomer can make every event of an order, payment, refund and endpoint happen, but no contradiction."""
    of_gateways = {event for event in EventType if event.startswith(("gateway.", "reconciliation."))}
    contradictions = {event for event in EventType if event.endswith(".contradicted")}
    assert set(EventType) - of_gateways - contradictions == set(TRIGGERS)


async def test_a_triggered_amount_is_the_amount_asked_for(at_stack: Cli) -> None:
    """--amount and --currency are those of the payment."""
    shown = await at_stack("trigger", "payment.created", "--amount", "1234", "--currency", "JPY", "--json")
    assert (shown.json["subject"]["amount"], shown.json["subject"]["currency"]) == (1234, "JPY")


async def test_an_event_that_does_not_come_is_one_line(at_stack: Cli) -> None:
    """Waiting has an end, and the line names what was made."""
    shown = await at_stack("trigger", "payment.processing", "--wait", "0.5")
    assert "payment.processing has not come within 0 s" in shown.problem
    assert "pay_" in shown.problem


async def test_show_prints_everything_of_a_payment(at_stack: Cli, stack: Stack) -> None:
    """Payment, history, refunds, deliveries, and the workflow's own story with a link."""
    refund = await made(at_stack, "refund.processed")
    payment_id = refund["payment_id"]
    story = (await at_stack("payments", "show", payment_id, "--json")).json
    assert story["payment"]["id"] == payment_id
    assert [entry["type"] for entry in story["history"]][-1] == "refund.processed"
    assert [item["id"] for item in story["refunds"]] == [refund["id"]]
    assert {item["event_type"] for item in story["deliveries"]} >= {"payment.created", "payment.success"}
    assert story["workflow"]["status"] == "COMPLETED"
    assert story["workflow"]["timeline"]
    assert story["workflow"]["link"].startswith(f"{stack.temporal_ui_url}/namespaces/default/workflows/payment%2F")

    told = (await at_stack("payments", "show", payment_id)).out
    for words in (payment_id, refund["id"], "payment.success", "Workflow", story["workflow"]["link"]):
        assert words in told
    of_refund = (await at_stack("refunds", "show", refund["id"], "--json")).json
    assert of_refund["refund"]["id"] == refund["id"]
    assert of_refund["workflow"]["id"] == f"refund/{refund['id']}"


async def test_lists_are_filtered(at_stack: Cli) -> None:
    """What is asked for is what is shown."""
    failed = await made(at_stack, "payment.failed")
    listed = (await at_stack("payments", "list", "--status", "failed", "--json")).json
    assert failed["id"] in {payment["id"] for payment in listed}
    assert {payment["status"] for payment in listed} == {"failed"}
    assert failed["id"] in (await at_stack("payments", "list", "--search", failed["id"])).out
    assert (await at_stack("payments", "list", "--search", "nothing-like-it")).out.strip() == "No payments."


async def test_a_review_is_resolved_by_an_operator(at_stack: Cli) -> None:
    """The decision moves the payment, is in its history with operator and reason, and cannot be made twice."""
    payment = await made(at_stack, "payment.needs_review")
    word = ("--outcome", "failed", "--operator", "ana", "--reason", "reversed at the gateway", "--json")
    resolved = await at_stack("payments", "resolve", payment["id"], *word)
    assert resolved.code == 0, resolved
    assert resolved.json["status"] == "failed"
    last = (await at_stack("payments", "show", payment["id"], "--json")).json["history"][-1]
    assert (last["actor"], last["to_status"]) == ("operator:ana", "failed")
    assert "reversed at the gateway" in last["reason"]
    again = await at_stack("payments", "resolve", payment["id"], *word)
    assert "Only a payment in needs_review can be resolved" in again.problem


async def test_what_is_not_under_review_can_not_be_resolved(at_stack: Cli) -> None:
    """A payment that is not under review cannot be resolved, so a typing error cannot fail it."""
    payment = await made(at_stack, "payment.authorized")
    shown = await at_stack("payments", "resolve", payment["id"], "--outcome", "failed", "--reason", "typo")
    assert "is authorized" in shown.problem
    unknown = await at_stack("payments", "resolve", "pay_nothing", "--outcome", "failed", "--reason", "typo")
    assert "has a payment or refund 'pay_nothing'" in unknown.problem
    refund = await at_stack("refunds", "resolve", "rfnd_nothing", "--outcome", "failed", "--reason", "typo")
    assert "has a payment or refund 'rfnd_nothing'" in refund.problem


async def test_a_delivery_is_shown_and_sent_again(at_stack: Cli) -> None:
    """A retry is one more attempt of the same delivery, which is shown with the body that was sent."""
    payment = await made(at_stack, "payment.failed")
    delivery = await _delivered(at_stack, payment["id"], "payment.failed")
    assert len((await at_stack("webhooks", "show", delivery["id"], "--json")).json["attempts"]) == 1
    assert (await at_stack("webhooks", "retry", delivery["id"], "--json")).json["id"] == delivery["id"]
    async with asyncio.timeout(90):
        while len((await at_stack("webhooks", "show", delivery["id"], "--json")).json["attempts"]) < 2:
            await asyncio.sleep(0.2)
    shown = (await at_stack("webhooks", "show", delivery["id"])).out
    assert delivery["id"] in shown
    assert '"type":"payment.failed"' in shown
    event = (await at_stack("events", "show", delivery["event_id"])).json
    assert event["data"]["id"] == payment["id"]


async def test_credentials_of_another_merchant_open_nothing(at_stack: Cli, stack: Stack) -> None:
    """Keys are made on the command line, work at once, and show their own merchant's payments only."""
    url = stack.database_url
    merchant = (await at_stack("merchants", "add", "Other", "--json", DATABASE_URL=url)).json["test"]
    theirs = {"CLEARWAY_API_KEY": merchant["api_key"], "CLEARWAY_API_SECRET": merchant["api_secret"]}
    assert (await at_stack("payments", "list", "--json", **theirs)).json == []
    wrong = {**theirs, "CLEARWAY_API_SECRET": "secret_wrong"}
    assert "--api-secret" in (await at_stack("payments", "list", **wrong)).problem


async def test_a_worker_serves_and_stops_in_order(at_stack: Cli, stack: Stack) -> None:
    """`clearway worker` works beside others on the same queues, and a stop in order is success."""
    async with working(at_stack, stack) as process:
        await made(at_stack, "payment.success")
        assert await ended(process) == 0


async def test_workers_do_not_outlive_their_supervisor(at_stack: Cli, stack: Stack) -> None:
    """After a kill -9 of the command nothing is left that nobody watches over; it stops in order."""
    async with working(at_stack, stack) as process:
        workers = [child.pid for child in psutil.Process(process.pid).children()]
        assert len(workers) == 2
        process.kill()
        await eventually(lambda: all(has_ended(pid) for pid in workers), limit_s=60)


@asynccontextmanager
async def working(cli: Cli, stack: Stack) -> AsyncIterator[Process]:
    """Two workers beside the stack's own."""
    environment = {name: value for name, value in stack.environment().items() if name != "METRICS_PORT"}
    arguments = ("worker", "--processes", "2", "--queues", "payments,deliveries")
    async with cli.running(*arguments, **environment) as process:
        ready = 0
        assert process.stderr is not None
        async with asyncio.timeout(60):
            while ready < 2:
                line = await process.stderr.readline()
                assert line, "it has ended"
                ready += b"worker ready" in line
        yield process


async def _delivered(cli: Cli, payment_id: str, event: str) -> dict[str, Any]:
    """Wait for a delivery about a payment."""
    async with asyncio.timeout(90):
        while True:
            arguments = ("--payment", payment_id, "--event", event, "--status", "delivered", "--json")
            found: list[dict[str, Any]] = (await cli("webhooks", "list", *arguments)).json
            if found:
                return found[0]
            await asyncio.sleep(0.2)
