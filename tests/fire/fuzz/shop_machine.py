"""A shop that makes random calls, and after each compares the answer with the model's."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any, Final

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, initialize, invariant, multiple, rule

from tests.fire.fuzz.model import OUTCOMES, Expected, Shop

REST_S: Final = 20.0
AMOUNTS: Final = st.sampled_from([1, 2, 100, 999, 50_000])
PARTS: Final = st.sampled_from([None, 1, 2, 99, 100, 500, 25_000, 50_000, 60_000])
NONSENSE: Final = st.sampled_from([0, -1, "100", 1.5, True])
CREATED: Final = 201
BAD_REQUEST: Final = 400
SETTLED_REFUNDS: Final = frozenset({"processed", "failed", "needs_review"})


@dataclass(frozen=True)
class Made:
    """A payment that was made: its id, and the request and answer that a repeat is compared with."""

    id: str
    key: str
    body: dict[str, Any]
    told: dict[str, Any]


class ShopMachine(RuleBasedStateMachine):
    """`http` and `gateway` are set by the test: clients of the API, with credentials, and of the simulator."""

    http: httpx.Client
    gateway: httpx.Client

    orders = Bundle("orders")
    payments = Bundle("payments")

    def __init__(self) -> None:
        super().__init__()
        self.model = Shop()
        self.touched: set[str] = set()

    # What is compared

    def post(
        self, path: str, body: dict[str, Any] | None, expected: Expected, key: str | None = None
    ) -> dict[str, Any]:
        """Send a request and compare its answer."""
        answer = self.http.post(path, json=body, headers={"Idempotency-Key": key} if key else {})
        told = answer.json()
        assert answer.status_code == expected.status, (path, body, expected, told)
        assert told.get("code") == expected.code, (path, body, expected, told)
        assert {name: told[name] for name in expected.shown} == expected.shown, (path, body, expected, told)
        return told

    def at_rest(self, path: str, statuses: frozenset[str]) -> dict[str, Any]:
        """Read until a status is one that is waited for."""
        deadline = time.monotonic() + REST_S
        while (told := self.http.get(path).json())["status"] not in statuses and time.monotonic() < deadline:
            time.sleep(0.02)
        return told

    @invariant()
    def what_was_touched_reads_as_the_model_says(self) -> None:
        """A read after every call shows what the model has."""
        for payment_id in self.touched:
            shown = self.model.payments[payment_id].shown
            told = self.at_rest(f"/payments/{payment_id}", frozenset({shown["status"]}))
            assert {name: told[name] for name in shown} == shown, told
            order_id = told["order_id"]
            assert self.http.get(f"/orders/{order_id}").json()["status"] == self.model.orders[order_id].status
        self.touched.clear()

    # What the shop does

    @initialize(target=orders, amount=AMOUNTS)
    def first_order(self, amount: int) -> str:
        """Begin with an order, so that there is something to pay."""
        return self.made_order(amount, "INR")

    @rule(target=orders, amount=AMOUNTS, currency=st.sampled_from(["INR", "USD", "JPY"]))
    def order(self, amount: int, currency: str) -> str:
        """Create an order."""
        return self.made_order(amount, currency)

    def made_order(self, amount: int, currency: str) -> str:
        """Create an order, and give it to the model under the id that the API gave it."""
        shop = Shop()
        told = self.post("/orders", {"amount": amount, "currency": currency}, shop.order("new", amount, currency))
        self.model.orders[told["id"]] = shop.orders["new"]
        return str(told["id"])

    @rule(target=payments, order=orders, outcome=st.sampled_from(sorted(OUTCOMES)))
    def pay(self, order: str, outcome: tuple[str, str]) -> Made | MultipleResults[Made]:
        """Create a payment under a key, and keep the request so that it can be repeated."""
        vpa, capture_method = outcome
        body = {"order_id": order, "method": "upi", "vpa": vpa, "capture_method": capture_method}
        key = uuid.uuid4().hex
        expected = self.model.pay(key, order, vpa, capture_method)
        told = self.post("/payments", body, expected, key)
        if expected.status != CREATED:
            return multiple()
        self.model.payments[told["id"]] = self.model.payments.pop(key)
        self.touched.add(told["id"])
        return Made(told["id"], key, body, told)

    @rule(made=payments)
    def repeat(self, made: Made) -> None:
        """Repeat a request under its key: the same answer, and no other effect."""
        answer = self.http.post("/payments", json=made.body, headers={"Idempotency-Key": made.key})
        assert (answer.status_code, answer.json()) == (CREATED, made.told)
        assert answer.headers["Idempotent-Replayed"] == "true"
        self.touched.add(made.id)

    @rule(made=payments, order=orders)
    def misuse(self, made: Made, order: str) -> None:
        """Use a key again for something else: refused, and nothing is done."""
        reused = Expected(422, "idempotency_key_reused")
        self.post("/payments", made.body | {"order_id": order, "notes": {"another": "request"}}, reused, made.key)
        self.post(f"/payments/{made.id}/refunds", None, reused, made.key)
        self.touched.add(made.id)

    @rule(made=payments, amount=PARTS)
    def capture(self, made: Made, amount: int | None) -> None:
        """Capture a part, or all that is left."""
        body: dict[str, int] = (_amount(amount) or {}) | {"final": False}
        self.post(f"/payments/{made.id}/capture", body, self.model.capture(made.id, amount))
        self.touched.add(made.id)

    @rule(made=payments)
    def cancel(self, made: Made) -> None:
        """Cancel a payment."""
        self.post(f"/payments/{made.id}/cancel", None, self.model.cancel(made.id))
        self.touched.add(made.id)

    @rule(made=payments, amount=PARTS, twice=st.booleans())
    def refund(self, made: Made, amount: int | None, *, twice: bool) -> None:
        """Give back a part, or all that is left; a repeat under the key gives nothing more."""
        expected = self.model.refund(made.id, amount)
        path, body, key = f"/payments/{made.id}/refunds", _amount(amount), uuid.uuid4().hex
        told = self.post(path, body, expected, key)
        if expected.status == CREATED:
            assert not twice or self.post(path, body, expected, key) == told
            assert self.at_rest(f"/refunds/{told['id']}", SETTLED_REFUNDS)["status"] == "processed"
        self.touched.add(made.id)

    @rule(made=payments)
    def customer_approves(self, made: Made) -> None:
        """Press the button on the page that a payment waits for."""
        if self.model.payments[made.id].status == "requires_action":
            url = self.http.get(f"/payments/{made.id}").json()["next_action"]["url"]
            assert self.gateway.post(f"{url}/complete").status_code < BAD_REQUEST
            self.model.approve(made.id, manual=made.told["capture_method"] == "manual")
            self.touched.add(made.id)

    @rule(made=payments, amount=NONSENSE, what=st.sampled_from(["capture", "refunds"]))
    def nonsense(self, made: Made, amount: object, what: str) -> None:
        """An invalid amount is refused, and nothing is done."""
        self.post(f"/payments/{made.id}/{what}", {"amount": amount}, Expected(422, "validation_error"))
        self.touched.add(made.id)


def _amount(amount: int | None) -> dict[str, int] | None:
    return None if amount is None else {"amount": amount}
