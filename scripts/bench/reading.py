"""Whether the API slows down as the tables fill: the same questions asked of empty tables and of full ones.

"Empty" holds a full page of payments, so that both answers are of one size. Each question is asked one at a time, in
`ROUNDS` rounds, and the median of its best round counts: a neighbour on the machine spoils a round, not all of them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from clearway.db.seed import TEST_MERCHANT_ID
from scripts.bench import rows
from scripts.bench.cost import SUCCESS
from scripts.bench.figures import percentile
from scripts.bench.load import closed_loop
from scripts.bench.stand import PREFIX, BenchError, Stand

PAGE: Final = 50
WARM_UP: Final = 5
ROUNDS: Final = 3
NEEDLE: Final = "needle@mail.example"
SLOWER_MAX: Final = 1.3


@dataclass(frozen=True)
class Needle:
    """The one payment that is searched for and read, with its history."""

    payment_id: str
    order_id: str


async def growth_of_rows(stand: Stand, count: int, asked: int) -> dict[str, Any]:
    """Ask everything `asked` times a round, before and after `count` payments are put into the tables."""
    await stand.subscribe(SUCCESS.event_types)
    needle = await _page_and_needle(stand)
    before = await _ask_all(stand, needle, asked)
    began = time.perf_counter()
    async with stand.database() as connection:
        await rows.fill(
            connection, count, big_merchant_id=TEST_MERCHANT_ID, before_ms=int(time.time() * 1_000) - 3_600_000
        )
    took_s = time.perf_counter() - began
    after = await _ask_all(stand, needle, asked)
    return {"rows": count, "filled_in_s": round(took_s, 1), "questions": compared(before, after)}


def compared(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    """Put medians in seconds side by side, with their ratio and whether it is within bounds."""
    return {
        name: {
            "empty_ms": round(before[name] * 1_000, 2),
            "full_ms": round(after[name] * 1_000, 2),
            "ratio": round(after[name] / before[name], 2),
            "within": after[name] <= SLOWER_MAX * before[name],
        }
        for name in before
    }


async def _page_and_needle(stand: Stand) -> Needle:
    orders = await stand.make_orders(PAGE + 10)
    made = await closed_loop(len(orders), 4, lambda number: stand.pay(orders[number]))
    if any(one.made is None for one in made):
        raise BenchError("the first page of payments could not be made")
    order_id = (await stand.make_orders(1))[0]
    payment_id = await stand.pay(order_id, customer={"email": NEEDLE})
    assert payment_id is not None
    return Needle(payment_id, order_id)


async def _ask_all(stand: Stand, needle: Needle, asked: int) -> dict[str, float]:
    payments = f"{PREFIX}/payments"
    questions = {
        "list": f"{payments}?limit={PAGE}",
        "list by status": f"{payments}?limit={PAGE}&status=success",
        "list by method": f"{payments}?limit={PAGE}&method=upi",
        "search e-mail": f"{payments}?search={NEEDLE.replace('@', '%40')}",
        "search order": f"{payments}?search={needle.order_id}",
        "search nothing": f"{payments}?search=no-such-receipt",
        "read": f"{payments}/{needle.payment_id}",
        "history": f"{payments}/{needle.payment_id}/history",
        "events": f"{PREFIX}/events?limit={PAGE}",
    }
    rounds: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        medians = {name: await _median_s(stand, path, asked) for name, path in questions.items()}
        rounds.append({**medians, "create": await _median_of_creations_s(stand, asked)})
    return {name: min(medians[name] for medians in rounds) for name in rounds[0]}


async def _median_of_creations_s(stand: Stand, asked: int) -> float:
    orders = await stand.make_orders(asked + WARM_UP)
    sent = await closed_loop(len(orders), 1, lambda number: stand.pay(orders[number]))
    return percentile([one.latency_s for one in sent[WARM_UP:] if one.made], 50)


async def _median_s(stand: Stand, path: str, asked: int) -> float:
    took: list[float] = []
    for _ in range(asked + WARM_UP):
        began = time.perf_counter()
        answer = await stand.http.request("GET", path)
        took.append(time.perf_counter() - began)
        if answer.status != HTTPStatus.OK:
            raise BenchError(f"GET {path}: {answer.status} {answer.body[:300]!r}")
    return percentile(took[WARM_UP:], 50)
