"""The kinds of business a simulated client does, each a function over the public API and a draw of its particulars.

Each ends when it knows all it wants to know, or gives up in patience; nothing is judged here: the log is (`rules`). A
new kind is one function and one line in `KINDS`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.fire.gauntlet.client import Client, Exchange, Shop
from tests.fire.gauntlet.instruments import (
    any_value,
    approved_value,
    declined_value,
    instrument,
    page_value,
    price,
    refund_value,
)
from tests.fire.gauntlet.receivers import Receiver

ENDED: Final = frozenset({"success", "failed", "cancelled", "expired", "needs_review"})
DECIDED: Final = ENDED | {"authorized"}
REFUND_ENDED: Final = frozenset({"processed", "failed", "needs_review"})
LOOKS: Final = 5
LOOK_S: Final = 2.0

Terms = Mapping[str, Any]
Run = Callable[["Purchase"], Awaitable[None]]


@dataclass(frozen=True)
class Purchase:
    """What one business has at hand: its client, the merchants there are, and what was drawn for it."""

    client: Client
    shops: Sequence[Shop]
    number: int
    terms: Terms
    receivers: Sequence[Receiver] = ()
    """Those of this merchant."""

    @property
    def rival(self) -> Client:
        """The same client with the credentials of the next merchant."""
        return self.client.of(self.shops[(self.client.shop.number + 1) % len(self.shops)])

    def key(self, name: str) -> str:
        """An Idempotency-Key that no other business has."""
        return f"b{self.number}-{name}"

    async def order(self, client: Client | None = None, name: str = "order") -> str | None:
        """Create an order; None when patience ended."""
        body = {"amount": self.terms["amount"], "currency": self.terms["currency"], "receipt": f"b{self.number}"}
        exchange = await (client or self.client).insist("/orders", body, key=self.key(name))
        return exchange.answer.get("id") if exchange.is_success else None

    def body(self, order_id: str, key: str, **more: Any) -> dict[str, Any]:
        """Return the body that pays the order; the key stands in the notes, so that its effects can be counted."""
        manual = {"capture_method": "manual"} if self.terms.get("manual") else {}
        value = instrument(self.terms["method"], self.terms["value"])
        notes = {"key": key, **self.terms.get("notes", {})}
        return {"order_id": order_id, "notes": notes, **value, **manual, **more}

    async def pay(self, name: str = "pay", **more: Any) -> Exchange | None:
        """Create an order and pay it."""
        order_id = await self.order(name=f"{name}-order")
        if order_id is None:
            return None
        key = self.key(name)
        return await self.client.insist("/payments", self.body(order_id, key, **more), key=key)

    async def paid(self, *until: str, name: str = "pay") -> dict[str, Any]:
        """Create a payment and follow it; an empty answer when it was not made."""
        exchange = await self.pay(name)
        if exchange is None or not exchange.is_success:
            return {}
        return await self.client.follow(f"/payments/{exchange.answer['id']}", until or DECIDED)

    async def delivered(self, payment_id: str) -> dict[str, Any] | None:
        """Wait for a webhook about the payment to be delivered; None when none was for some time."""
        for _ in range(LOOKS):
            listed = (await self.client.read(f"/payments/{payment_id}/webhooks")).answer.get("data", [])
            taken: list[dict[str, Any]] = [delivery for delivery in listed if delivery["status"] == "delivered"]
            if taken:
                return taken[0]
            await asyncio.sleep(LOOK_S)
        return None


@dataclass(frozen=True)
class BusinessKind:
    """A kind of business. payments: how many payments one of it tries to make."""

    name: str
    weight: float
    run: Run
    draw: Callable[[random.Random], Terms]
    early: bool = False
    payments: int = 1


def draw_with(value: Callable[[random.Random], dict[str, str]], **fixed: Any) -> Callable[[random.Random], Terms]:
    """Return a draw of a value and a price, with more that is fixed or, when it can be called, drawn."""

    def draw(chance: random.Random) -> Terms:
        chosen = value(chance)
        more = {name: item(chance) if callable(item) else item for name, item in fixed.items()}
        return {**chosen, **price(chance, chosen["method"]), **more}

    return draw


def one_in(times: int) -> Callable[[random.Random], bool]:
    """Return a draw that is true one time in so many."""
    return lambda chance: chance.randrange(times) == 0


async def pays(purchase: Purchase) -> None:
    """Pay, perhaps follow it to its end, and perhaps ask again with the key: the answer must be the same."""
    exchange = await purchase.pay()
    if exchange is None or not exchange.is_success:
        return
    if purchase.terms["follows"]:
        await purchase.client.follow(f"/payments/{exchange.answer['id']}", DECIDED)
    if purchase.terms["repeats"]:
        await purchase.client.insist("/payments", exchange.body, key=purchase.key("pay"))


async def races_itself(purchase: Purchase) -> None:
    """Send the same payment several times at once, with one key, to every process of the API."""
    order_id = await purchase.order()
    if order_id is None:
        return
    key = purchase.key("pay")
    body = purchase.body(order_id, key)
    await asyncio.gather(
        *(purchase.client.send("POST", "/payments", body, key=key, api=number % 2) for number in range(4))
    )
    await purchase.client.insist("/payments", body, key=key)


async def reuses_a_key(purchase: Purchase) -> None:
    """Use a key again with another body, during the first request or after it: it must be refused."""
    first, second = await purchase.order(name="order-1"), await purchase.order(name="order-2")
    if first is None or second is None:
        return
    key = purchase.key("pay")
    body = purchase.body(first, key)
    if purchase.terms["during"]:
        await asyncio.gather(
            purchase.client.insist("/payments", body, key=key),
            purchase.client.send("POST", "/payments", body | {"order_id": second}, key=key),
        )
    else:
        await purchase.client.insist("/payments", body, key=key)
    await purchase.client.insist("/payments", body | {"order_id": second}, key=key)


async def races_for_an_order(purchase: Purchase) -> None:
    """Two customers' tabs pay one order at once, each with its own key: it may be paid once."""
    order_id = await purchase.order()
    if order_id is None:
        return
    keys = [purchase.key("tab-1"), purchase.key("tab-2")]
    await asyncio.gather(*(purchase.client.insist("/payments", purchase.body(order_id, key), key=key) for key in keys))


async def tries_again(purchase: Purchase) -> None:
    """A first payment is declined, and the order is paid with a second one."""
    order_id = await purchase.order()
    if order_id is None:
        return
    key = purchase.key("first")
    exchange = await purchase.client.insist("/payments", purchase.body(order_id, key), key=key)
    if not exchange.is_success:
        return
    seen = await purchase.client.follow(f"/payments/{exchange.answer['id']}", DECIDED)
    if seen.get("status") == "failed":
        again = purchase.key("second")
        body = {"order_id": order_id, "notes": {"key": again}, **instrument("upi", "success@razorpay")}
        await purchase.client.insist("/payments", body, key=again)


async def captures(purchase: Purchase) -> None:
    """Authorise, then capture in parts, each perhaps twice with its key, and perhaps let go of the rest."""
    payment = await purchase.paid()
    if payment.get("status") != "authorized":
        return
    left = await capture_in_parts(purchase, payment, purchase.terms["shares"])
    path = f"/payments/{payment['id']}"
    if left and purchase.terms["lets_go"]:
        await purchase.client.insist(f"{path}/cancel", {}, key=purchase.key("cancel"))
    await purchase.client.follow(path, ENDED, limit_s=10)


async def capture_in_parts(purchase: Purchase, payment: dict[str, Any], shares: Sequence[int]) -> int:
    """Capture shares of what is left, one after the other; return what is left in the end."""
    path, left = f"/payments/{payment['id']}", payment["amount"]
    for number, share in enumerate(shares, 1):
        amount = max(1, left * share // 100)
        left -= amount
        body = {} if left == 0 else {"amount": amount, "final": False}
        key = purchase.key(f"capture-{number}")
        sends = [purchase.client.insist(f"{path}/capture", body, key=key) for _ in range(purchase.terms["times"])]
        await asyncio.gather(*sends)
        if left == 0:
            break
    return int(left)


async def cancels(purchase: Purchase) -> None:
    """Call a payment off: at once after it was made, or when it is authorised; perhaps racing a capture."""
    exchange = await purchase.pay()
    if exchange is None or not exchange.is_success:
        return
    path = f"/payments/{exchange.answer['id']}"
    if purchase.terms["when_authorized"]:
        await purchase.client.follow(path, DECIDED)
    asks = [purchase.client.insist(f"{path}/cancel", {"reason": "changed my mind"}, key=purchase.key("cancel"))]
    if purchase.terms["races_capture"]:
        asks.append(purchase.client.insist(f"{path}/capture", {}, key=purchase.key("capture")))
    await asyncio.gather(*asks)
    await purchase.client.follow(path, ENDED, limit_s=10)


async def visits_a_page(purchase: Purchase) -> None:
    """The customer must act: they confirm, refuse or go away on the gateway's page, or never come."""
    await visit_page(purchase)


async def visit_page(purchase: Purchase, name: str = "pay") -> dict[str, Any]:
    """Pay, and press the button of the gateway's page if there is one; return the payment as it is then."""
    payment = await purchase.paid("requires_action", *DECIDED, name=name)
    action, button = payment.get("next_action"), purchase.terms["button"]
    if action and button != "leave":
        await purchase.client.press(action["url"], button)
        payment = await purchase.client.follow(f"/payments/{payment['id']}", DECIDED)
    return payment


async def refunds(purchase: Purchase) -> None:
    """Pay, then give back in parts, one after the other or at once; together they may ask for more than there is."""
    await refund(purchase, await purchase.paid())


async def refunds_after_a_page(purchase: Purchase) -> None:
    """Pay on the gateway's page, then give back in parts."""
    await refund(purchase, await visit_page(purchase))


async def refund(purchase: Purchase, payment: dict[str, Any]) -> None:
    """Give a successful payment back in parts."""
    if payment.get("status") != "success":
        return
    path = f"/payments/{payment['id']}"
    asks = []
    for number, share in enumerate(purchase.terms["shares"], 1):
        key = purchase.key(f"refund-{number}")
        amount = None if share == 100 else max(1, payment["amount"] * share // 100)
        body = {"reason": key} | ({"amount": amount} if amount else {})
        asks += [purchase.client.insist(f"{path}/refunds", body, key=key) for _ in range(purchase.terms["times"])]
    if purchase.terms["at_once"]:
        answers = await asyncio.gather(*asks)
    else:
        answers = [await ask for ask in asks]
    for exchange in answers[:1]:
        if exchange.is_success:
            await purchase.client.follow(f"/refunds/{exchange.answer['id']}", REFUND_ENDED, limit_s=20)


async def leaves_it(purchase: Purchase) -> None:
    """Authorise and never capture: the authorisation expires."""
    await purchase.paid()


async def wants_it_again(purchase: Purchase) -> None:
    """Ask for a webhook that was delivered once more, perhaps several times with one key."""
    payment = await purchase.paid()
    delivery = await purchase.delivered(payment["id"]) if payment else None
    if delivery is None:
        return
    path, key = f"/webhooks/{delivery['id']}/retry", purchase.key("again")
    await asyncio.gather(*(purchase.client.insist(path, {}, key=key) for _ in range(purchase.terms["times"])))


async def rotates_a_secret(purchase: Purchase) -> None:
    """Put a new secret in force at an honest receiver while its webhooks are under way."""
    receiver = next(receiver for receiver in purchase.receivers if receiver.endpoint.kind == "honest")
    await purchase.pay()
    async with receiver.rotating:
        path = f"/webhook_endpoints/{receiver.endpoint_id}/rotate_secret"
        exchange = await purchase.client.insist(path, {}, key=purchase.key("rotate"))
        if exchange.is_success:
            receiver.learn(exchange.answer["secret"])


BUTTONS: Final = ("complete", "complete", "fail", "cancel")
CAPTURE_SHARES: Final = ((100,), (100,), (50, 100), (30, 40), (10, 20, 100), (60,))
REFUND_SHARES: Final = ((100,), (40,), (30, 30), (60, 60), (100, 100), (50, 50, 50))

KINDS: Final[tuple[BusinessKind, ...]] = (
    BusinessKind("pays", 46, pays, draw_with(any_value, follows=one_in(3), repeats=one_in(3))),
    BusinessKind("races itself", 7, races_itself, draw_with(any_value)),
    BusinessKind("reuses a key", 4, reuses_a_key, draw_with(approved_value, during=one_in(2))),
    BusinessKind("races for an order", 5, races_for_an_order, draw_with(any_value), payments=2),
    BusinessKind("tries again", 3, tries_again, draw_with(declined_value), payments=2),
    BusinessKind(
        "captures",
        10,
        captures,
        draw_with(
            approved_value,
            manual=True,
            shares=lambda chance: chance.choice(CAPTURE_SHARES),
            times=lambda chance: chance.choice((1, 1, 2)),
            lets_go=one_in(2),
        ),
    ),
    BusinessKind(
        "cancels",
        5,
        cancels,
        draw_with(approved_value, manual=True, when_authorized=one_in(2), races_capture=one_in(2)),
    ),
    BusinessKind(
        "visits a page", 5, visits_a_page, draw_with(page_value, button=lambda chance: chance.choice(BUTTONS))
    ),
    BusinessKind("leaves a page", 2, visits_a_page, draw_with(page_value, button="leave"), early=True),
    BusinessKind("leaves it authorised", 2, leaves_it, draw_with(approved_value, manual=True), early=True),
    BusinessKind(
        "refunds",
        12,
        refunds,
        draw_with(
            refund_value,
            shares=lambda chance: chance.choice(REFUND_SHARES),
            times=lambda chance: chance.choice((1, 1, 2)),
            at_once=one_in(2),
        ),
    ),
    BusinessKind(
        "wants it again", 3, wants_it_again, draw_with(approved_value, times=lambda chance: chance.choice((1, 1, 2)))
    ),
    BusinessKind("rotates a secret", 2, rotates_a_secret, draw_with(approved_value)),
)
