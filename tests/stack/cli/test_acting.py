"""What a merchant does with the command line: pay, capture, cancel, refund, manage endpoints, set faults."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import create_async_engine

from clearway.db.tables import audit_log
from clearway.dev.places import cache_dir
from clearway.dev.stack import Stack
from clearway.settings import TEST_API_KEY
from tests.stack.cli.command import Cli

pytestmark = pytest.mark.stack

CARD = "4242424242424242"


async def result(cli: Cli, *arguments: str) -> dict[str, Any]:
    """Run a command that must go well and return the resource it prints."""
    shown = await cli(*arguments, "--json")
    assert shown.code == 0, shown
    found: dict[str, Any] = shown.json
    return found


async def authorized(cli: Cli) -> str:
    """Create a card payment that waits for its capture."""
    return str((await result(cli, "trigger", "payment.authorized", "--amount", "1000"))["subject"]["id"])


async def test_a_payment_is_taken_captured_and_refunded(at_stack: Cli) -> None:
    """Each command does what its name says, and prints the resource as the API shows it."""
    pay = ("payments", "create", "--amount", "1000", "--card", CARD, "--manual-capture")
    made = await result(at_stack, *pay)
    payment_id = await authorized(at_stack)
    captured = await result(at_stack, "payments", "capture", payment_id)
    refund = await result(at_stack, "refunds", "create", payment_id, "--amount", "300", "--reason", "broken")
    assert (made["status"], made["capture_method"], made["card"]["last4"]) == ("pending", "manual", CARD[-4:])
    assert captured["amount_captured"] == 1000
    assert (refund["payment_id"], refund["amount"], refund["reason"]) == (payment_id, 300, "broken")


async def test_a_payment_is_cancelled(at_stack: Cli) -> None:
    """What is authorised is released, and a capture after it is refused with the reason."""
    payment_id = await authorized(at_stack)
    cancelled = await result(at_stack, "payments", "cancel", payment_id, "--reason", "out of stock")
    assert cancelled["status"] == "cancelled"
    assert "not_capturable" in (await at_stack("payments", "capture", payment_id)).problem


async def test_a_key_makes_the_whole_command_safe_to_repeat(at_stack: Cli) -> None:
    """The order that is made for the payment has a key of its own: a repeat finds both."""
    pay = ("payments", "create", "--amount", "1000", "--vpa", "success@razorpay", "--idempotency-key", "cli-repeat")
    assert await result(at_stack, *pay) == await result(at_stack, *pay)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--amount", "1000"),
        ("--amount", "1000", "--vpa", "success@razorpay", "--bank", "HDFC"),
        ("--vpa", "success@razorpay"),
        ("--vpa", "success@razorpay", "--amount", "1", "--order", "order_1"),
    ],
)
async def test_a_payment_needs_one_amount_and_one_way_to_pay(at_stack: Cli, arguments: tuple[str, ...]) -> None:
    """An ambiguous request is refused before anything is sent."""
    shown = await at_stack("payments", "create", *arguments)
    assert shown.code == 2, shown


async def test_an_endpoint_lives_and_is_deleted(at_stack: Cli, stack: Stack) -> None:
    """Register, change, rotate, test, delete: the secret is printed when it is made and when it is rotated."""
    made = await result(at_stack, "endpoints", "create", f"{stack.receiver_url}/webhooks", "--events", "payment.failed")
    rotated = await result(at_stack, "endpoints", "rotate-secret", made["id"], "--overlap", "0")
    tested = await result(at_stack, "endpoints", "test", made["id"])
    changed = await result(at_stack, "endpoints", "update", made["id"], "--disable", "--description", "old")
    deleted = await at_stack("endpoints", "delete", made["id"], "--yes")
    left = {item["id"] for item in (await at_stack("endpoints", "list", "--json")).json}
    assert made["secret"] != rotated["secret"]
    assert tested["endpoint_id"] == made["id"]
    assert (changed["status"], changed["description"], changed["url"]) == ("disabled", "old", made["url"])
    assert deleted.code == 0, deleted
    assert made["id"] not in left


async def test_deliveries_name_their_payment_and_endpoint(at_stack: Cli) -> None:
    """A list of deliveries says what each is about and where it goes; one shows the receiver's answer."""
    triggered = await at_stack("trigger", "payment.created", "--json")
    payment_id = triggered.json["subject"]["id"]
    listed = await at_stack("webhooks", "list", "--payment", payment_id)
    assert payment_id in listed.out
    assert "whe_" in listed.out


async def test_faults_are_switched_on_and_off(at_stack: Cli) -> None:
    """A fault is listed, with how often it still applies, until it is cleared; an unknown one is refused."""
    added = await at_stack("faults", "add", "look_up", "slow", "--times", "1", "--payment", "pay_none", "--json")
    await result(at_stack, "trigger", "refund.needs_review")
    listed = await at_stack("faults", "list")
    cleared = await at_stack("faults", "clear")
    after = await at_stack("faults", "list", "--json")
    refused = await at_stack("faults", "add", "look_up", "bogus")
    assert [(rule["operation"], rule["fault"], rule["times"]) for rule in added.json] == [("look_up", "slow", 1)]
    assert re.search(r"refund +wrong_amount +1 +0 +1 ", listed.out), listed.out
    assert cleared.code == 0, cleared
    assert after.json == []
    assert "executed_then_timeout" in refused.problem


async def test_temporals_own_command_finds_the_stack(at_stack: Cli) -> None:
    """`clearway temporal …` is Temporal's CLI with address and namespace set: the runbook works under `make dev`."""
    made = await at_stack("trigger", "payment.created", "--json")
    workflow = f"payment/{made.json['subject']['id']}"
    servers = {"CLEARWAY_CACHE_DIR": str(cache_dir())}
    shown = await at_stack("temporal", "workflow", "describe", "--workflow-id", workflow, **servers)
    unknown = await at_stack("temporal", "workflow", "describe", "--workflow-id", "payment/none", **servers)
    assert shown.code == 0, shown
    assert workflow in shown.out
    assert unknown.code != 0


async def test_an_operator_reads_any_payment_by_its_id(at_stack: Cli, stack: Stack) -> None:
    """An operator reads a payment without the merchant's key, and the audit log records it; an unknown id fails."""
    payment_id = (await result(at_stack, "trigger", "payment.created"))["subject"]["id"]
    shown = await result(at_stack, "payments", "show", payment_id, "--any-merchant", "--operator", "ana")
    told = await at_stack("payments", "show", payment_id, "--any-merchant", "--operator", "ana")
    unknown = await at_stack("payments", "show", "pay_00000000000000000000000000", "--any-merchant")
    assert (shown["payment"]["id"], shown["history"][0]["type"]) == (payment_id, "payment.created")
    assert shown["merchant_id"] in told.out
    assert "No merchant" in unknown.problem
    engine = create_async_engine(stack.database_url)
    async with engine.connect() as connection:
        query = select(audit_log.c.actor, audit_log.c.action).where(audit_log.c.subject_id == payment_id)
        lines = [tuple(row) for row in await connection.execute(query)]
    await engine.dispose()
    assert lines.count(("operator:ana", "payment.read")) == 2


async def test_an_operator_forgets_a_payment_and_reads_who_did(at_stack: Cli) -> None:
    """Only a payment that has ended can be forgotten; the audit log records who asked and from where."""
    payment_id = await authorized(at_stack)
    early = await at_stack("payments", "forget", payment_id, "--reason", "too early")
    await result(at_stack, "payments", "capture", payment_id)
    left = await result(at_stack, "payments", "forget", payment_id, "--reason", "asked by letter", "--operator", "ana")
    lines = await at_stack("audit", payment_id, "--json")
    told = await at_stack("audit", payment_id)
    unknown = await at_stack("payments", "forget", "pay_00000000000000000000000000", "--reason", "x")
    assert "Only a payment that has ended" in early.problem
    assert (left["card"], left["customer"], left["amount_captured"]) == (None, None, 1000)
    assert [(line["actor"], line["action"], line["address"]) for line in lines.json][-2:] == [
        (f"key:{TEST_API_KEY}", "payment.capture", "127.0.0.1"),
        ("operator:ana", "payment.forget", None),
    ]
    assert "payment.forget" in told.out
    assert '"final":true' in told.out
    assert "no payment" in unknown.problem
