"""`clearway demo`: shows the life of a payment step by step on the running stack, and checks every result.

Each step leaves what it made in a `Cast`, which the later ones speak of.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import httpx
import typer

from clearway.cli import checkout
from clearway.cli.decorators import asks_api
from clearway.cli.merchant_api import MerchantApi
from clearway.cli.output import JsonFlag, plain, print_json
from clearway.cli.problems import StoryError
from clearway.cli.running import running_stack
from clearway.cli.story import Story

AMOUNT: Final = 50_000
REFUND: Final = 12_500
FIRST_CAPTURE: Final = 20_000
CURRENCY: Final = "INR"


@dataclass
class Cast:
    """What the demonstration has created so far. receiver_url: the sample merchant, when it is known."""

    receiver_url: str | None
    payments: dict[str, str] = field(default_factory=dict)
    """The payments by what they show."""
    refund_id: str = ""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Try it")(demo)


@asks_api
def demo(
    api: MerchantApi,
    *,
    fast: Annotated[bool, typer.Option("--fast", help="Don't wait for Enter between the steps.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show the life of a payment on the running stack, step by step. Fails if a result is not as promised."""
    stack = running_stack()
    story = Story(api, silent=as_json, pauses=not fast)
    cast = Cast(stack.receiver_url if stack and stack.api_url == api.url else None)
    for chapter in (_pay, _repeat, _refund, _webhooks, _decline, _authenticate, _capture_in_parts, _look):
        chapter(story, cast)
    if as_json:
        print_json({"held": True, "payments": cast.payments, "steps": story.as_json()})
    else:
        story.say("\n[bold green]All results are as promised.[/]")


def _pay(story: Story, cast: Cast) -> None:
    story.step(
        "An order, and a UPI payment of it",
        "The order says what is to be paid; the payment is a durable workflow. 201 means recorded: from here on "
        "nothing loses it, whichever process dies.",
    )
    order = _order(story)
    payment = story.post(
        "/payments", {"order_id": order["id"], **checkout.UPI_SUCCESS}, key=f"demo-{secrets.token_hex(6)}"
    )
    story.check("the payment is recorded as pending", held=payment["status"] == "pending")
    paid = checkout.await_status(
        story.api, f"/payments/{payment['id']}", "success", "failed", "needs_review", on_change=story.watched
    )
    story.check("the payment has succeeded, in full", held=paid["status"] == "success" and paid["captured"])
    story.check("exactly the order's amount was captured", held=paid["amount_captured"] == AMOUNT)
    cast.payments["upi"] = payment["id"]


def _repeat(story: Story, _cast: Cast) -> None:
    story.step(
        "The same request, sent twice",
        "Networks lose answers, and programs ask again. With the same Idempotency-Key the second request gets the "
        "first one's answer and has no effect of its own: nobody is charged twice.",
    )
    key, body = f"demo-{secrets.token_hex(6)}", {"amount": AMOUNT, "currency": CURRENCY}
    first = story.post("/orders", body, key=key)
    second = story.post("/orders", body, key=key)
    story.check("both answers are the same order", held=first == second)


def _refund(story: Story, cast: Cast) -> None:
    story.step(
        "A partial refund",
        "Refunds are workflows, too. Money that is promised to one refund can't be promised to another, so together "
        "they never exceed what was captured, however many requests race.",
    )
    path = f"/payments/{cast.payments['upi']}/refunds"
    refund = story.post(path, {"amount": REFUND, "reason": "one item was missing"})
    cast.refund_id = refund["id"]
    story.refused(path, {"amount": AMOUNT}, code="amount_not_refundable")
    done = checkout.await_status(
        story.api, f"/refunds/{refund['id']}", "processed", "failed", "needs_review", on_change=story.watched
    )
    story.check("the refund is processed", held=done["status"] == "processed")
    payment = story.get(f"/payments/{cast.payments['upi']}")
    story.check("the payment shows what was refunded", held=payment["amount_refunded"] == REFUND)


def _webhooks(story: Story, cast: Cast) -> None:
    story.step(
        "The webhooks about it",
        "Each change was written together with its event, and each event is delivered by a workflow of its own, "
        "signed, and repeated until it is taken. The sample merchant verified both signatures.",
    )
    path = f"/payments/{cast.payments['upi']}/webhooks"
    wanted = {"payment.created", "payment.success", "refund.created", "refund.processed"}
    deliveries = _await_deliveries(story, path, wanted) if cast.receiver_url else story.get(path)["data"]
    for item in sorted(deliveries, key=lambda found: str(found["id"])):
        story.say(f"  {plain(item['event_type']):<20} {item['status']} after {item['attempt_count']} attempt(s)")
    if cast.receiver_url is None:
        story.say("  (The address of the sample merchant is not known, so its received webhooks are not checked.)")
        return
    story.check("every event was delivered", held={item["event_type"] for item in deliveries} >= wanted)
    received = _received(cast.receiver_url)
    ids = {item["event_id"] for item in deliveries}
    verified = {item["event_id"] for item in received if item["signature_ok"] and item["standard_ok"]}
    story.check(f"the sample merchant has all {len(ids)}, with valid signatures", held=ids <= verified)


def _decline(story: Story, cast: Cast) -> None:
    story.step(
        "A card that is declined",
        "A decline is an answer, not an error: the payment fails with a code that is the same for every gateway, and "
        "the order can be paid again in another way.",
    )
    order = _order(story)
    instrument = checkout.card(checkout.CARD_WITHOUT_FUNDS)
    payment = story.post("/payments", {"order_id": order["id"], **instrument})
    failed = checkout.await_status(
        story.api, f"/payments/{payment['id']}", "failed", "success", "needs_review", on_change=story.watched
    )
    story.say(f"  {plain(failed['error_code'])}: {plain(failed['error_description'])}")
    story.check("it failed with insufficient_funds", held=failed["error_code"] == "insufficient_funds")
    story.check("nothing was captured", held=failed["amount_captured"] == 0)
    cast.payments["declined"] = payment["id"]


def _authenticate(story: Story, cast: Cast) -> None:
    story.step(
        "A card that needs 3-D Secure",
        "The customer must say yes on their bank's page. Until they do, or their time is up, the workflow waits: a "
        "timer costs nothing, and a restart of everything does not lose it.",
    )
    order = _order(story)
    payment = story.post("/payments", {"order_id": order["id"], **checkout.card(checkout.CARD_WITH_3DS)})
    path = f"/payments/{payment['id']}"
    waiting = checkout.await_status(
        story.api, path, "requires_action", "success", "failed", "needs_review", on_change=story.watched
    )
    story.check("the customer must act", held=waiting["status"] == "requires_action")
    story.say(f"  The page: [bold]{plain(waiting['next_action']['url'])}[/]")
    story.pause("Press a button on that page; or press Enter, and the first button is pressed for you.")
    if story.api.get(path)["status"] == "requires_action":
        checkout.press_first_button(waiting)
    done = checkout.await_status(story.api, path, "success", "failed", "needs_review", on_change=story.watched)
    story.check("the payment has succeeded", held=done["status"] == "success")
    cast.payments["three_d_secure"] = payment["id"]


def _capture_in_parts(story: Story, cast: Cast) -> None:
    story.step(
        "Authorise now, capture in parts",
        "With manual capture the money is only reserved, until you take it: as parcels leave, part by part, and never "
        "more than was authorised.",
    )
    order = _order(story)
    body = {"order_id": order["id"], **checkout.card(checkout.CARD_APPROVED), "capture_method": "manual"}
    payment = story.post("/payments", body)
    path = f"/payments/{payment['id']}"
    checkout.await_status(story.api, path, "authorized", on_change=story.watched)
    part = story.post(f"{path}/capture", {"amount": FIRST_CAPTURE, "final": False})
    story.check("a part is captured", held=part["amount_captured"] == FIRST_CAPTURE)
    story.refused(f"{path}/capture", {"amount": AMOUNT}, code="not_capturable")
    rest = story.post(f"{path}/capture", None)
    story.check("the rest is captured, and that is all", held=rest["amount_captured"] == AMOUNT)
    story.check("the payment has succeeded", held=rest["status"] == "success")
    cast.payments["captured_in_parts"] = payment["id"]


def _look(story: Story, cast: Cast) -> None:
    from clearway.cli import durable  # noqa: PLC0415 - heavy

    story.step(
        "Where to look",
        "Each of these payments is a workflow that tells its story: its steps, its waits, what the gateway said.",
    )
    for what, payment_id in cast.payments.items():
        workflow_id = f"payment/{payment_id}"
        story.say(f"  {what.replace('_', ' '):<18} {durable.ui_link(workflow_id) or workflow_id}")
    story.say(f"  {'refund':<18} {durable.ui_link(f'refund/{cast.refund_id}') or f'refund/{cast.refund_id}'}")
    story.say(f"  on the command line: clearway payments show {cast.payments['upi']}")
    if cast.receiver_url:
        story.say(f"  what the merchant received: {cast.receiver_url}")
    story.say(f"  the API's reference: {story.api.url}/docs")


def _order(story: Story) -> dict[str, Any]:
    order = story.post("/orders", {"amount": AMOUNT, "currency": CURRENCY, "receipt": f"demo-{secrets.token_hex(3)}"})
    story.check("the order is created", held=order["status"] == "created")
    return order


def _await_deliveries(story: Story, path: str, wanted: set[str]) -> list[dict[str, Any]]:
    """Return the deliveries once the wanted events are delivered."""
    deadline = time.monotonic() + checkout.PATIENCE_S
    while True:
        found: list[dict[str, Any]] = story.api.get(path)["data"]
        if {item["event_type"] for item in found if item["status"] == "delivered"} >= wanted:
            return story.get(path)["data"]  # type: ignore[no-any-return]
        if time.monotonic() >= deadline:
            seen = ", ".join(f"{item['event_type']} {item['status']}" for item in found) or "nothing"
            raise StoryError(f"Not every webhook was delivered within {checkout.PATIENCE_S:.0f} s: {seen}.")
        time.sleep(checkout.POLL_S)


def _received(receiver_url: str) -> list[dict[str, Any]]:
    try:
        received: list[dict[str, Any]] = httpx.get(f"{receiver_url}/received", timeout=10, trust_env=False).json()
    except httpx.TransportError as error:
        raise StoryError(f"The sample merchant at {receiver_url} can't be reached: {error}.") from None
    return received
