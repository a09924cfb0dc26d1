"""Payments by quote, judged from outside: what the customer paid, and what the ledger owes the merchant for it.

Rules like those of `tests.support.invariants`: pure functions of the evidence that say in words what is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from clearway.domain.ledger import merchant_payable
from tests.support.evidence import Evidence, Record


def quotes_are_kept(evidence: Evidence) -> Iterator[str]:
    """A payment by quote is of the quote's amount, and settles its order's; each quote is used once."""
    orders = {order["id"]: order for order in evidence.orders}
    quotes = {quote["id"]: quote for quote in evidence.quotes}
    used = Counter(payment["quote_id"] for payment in _quoted(evidence))
    yield from (f"{quote_id} was used {times} times" for quote_id, times in used.items() if times > 1)
    for payment in _quoted(evidence):
        settles = (payment["settlement_minor"], payment["settlement_currency"])
        order = orders[payment["order_id"]]
        if settles != (order["amount_minor"], order["currency"]):
            yield f"{payment['id']} settles {settles}, its order is of {order['amount_minor']} {order['currency']}"
        quote = quotes.get(payment["quote_id"])
        if quote is None:
            continue  # a restored database may lack it; the client's answer is compared then
        pays = (payment["amount_minor"], payment["currency"], *settles)
        sides = ("presentment_minor", "presentment_currency", "settlement_minor", "settlement_currency")
        if pays != tuple(quote[side] for side in sides):
            yield f"{payment['id']} is of {pays}, which is not what {quote['id']} says"


def quotes_are_settled(evidence: Evidence) -> Iterator[str]:
    """The ledger owes the merchant nothing in the customer's currency, and the order's amount when all is captured."""
    owed: Counter[tuple[str, str]] = Counter()
    payable = {payment["id"]: merchant_payable(payment["merchant_id"]) for payment in evidence.payments}
    for entry in evidence.ledger:
        if entry["payment_id"] in payable and entry["account"] == payable[entry["payment_id"]]:
            owed[entry["payment_id"], entry["currency"]] -= entry["amount_minor"]
    for payment in _quoted(evidence):
        left = owed[payment["id"], payment["currency"]]
        if left:
            yield f"{payment['id']}: the merchant is owed {left} {payment['currency']} of the customer's"
        settled = owed[payment["id"], payment["settlement_currency"]]
        due = payment["settlement_minor"] - payment["settlement_refunded_minor"]
        if payment["captured_minor"] == payment["amount_minor"] and settled != due:
            yield f"{payment['id']}: the merchant is owed {settled} {payment['settlement_currency']} of {due}"
        taken_back = payment["refunded_minor"] + payment["refund_pending_minor"]
        if taken_back == payment["captured_minor"] and settled:
            yield f"{payment['id']} is refunded whole, and the merchant is owed {settled}"


QUOTE_RULES: Final = (quotes_are_kept, quotes_are_settled)


def _quoted(evidence: Evidence) -> list[Record]:
    return [payment for payment in evidence.payments if payment["quote_id"] is not None]
