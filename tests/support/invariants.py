"""The invariants of the design, judged from outside: what every stack must look like when it has come to rest.

Each rule is a pure function of the evidence that says in words what is wrong. `assert_sound` waits for quiet and asks
all of them; every end-to-end test ends with it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from clearway.domain.ids import REFUND
from clearway.domain.payment import FINAL, HOLDS_ORDER
from clearway.domain.payment import MOVES as PAYMENT_MOVES
from clearway.domain.refund import MOVES as REFUND_MOVES
from clearway.settings import LIVE_RETRY_INTERVALS_S
from tests.support.attempt_invariants import ANOTHER, ATTEMPT_RULES, is_move
from tests.support.evidence import Evidence, Record, Witnesses
from tests.support.quote_invariants import QUOTE_RULES

POLL_S: Final = 0.2
UNDER_REVIEW: Final = "needs_review"
OPEN_REFUNDS: Final = frozenset({"pending", UNDER_REVIEW})
GONE: Final = 410
PREPARING: Final = frozenset({"stripe", "paypal", "custom"})
"""The gateways with a first step that moves no money. Recording it changes no status, and has no event."""

Rule = Callable[[Evidence], Iterator[str]]


async def assert_sound(witnesses: Witnesses, *, limit_s: float = 60.0) -> Evidence:
    """Wait until nothing is under way any more, then fail with everything that is wrong."""
    deadline = time.monotonic() + limit_s
    while any(quiet(evidence := await witnesses.evidence())) and time.monotonic() < deadline:
        await asyncio.sleep(POLL_S)
    found = violations(evidence)
    assert not found, "\n".join(["the stack is not sound:", *found])
    return evidence


def violations(evidence: Evidence) -> list[str]:
    """Return everything that is wrong, each with the rule it breaks."""
    return [f"{rule.__name__}: {text}" for rule in RULES for text in rule(evidence)]


def quiet(evidence: Evidence) -> Iterator[str]:
    """Nothing stays unknown for ever: all is final, delivered or under review."""
    for payment in evidence.payments:
        if payment["status"] not in FINAL | {UNDER_REVIEW}:
            yield f"{payment['id']} is still {payment['status']}"
    for refund in evidence.refunds:
        if refund["status"] == "pending":
            yield f"{refund['id']} is still pending"
    for delivery in evidence.deliveries:
        if delivery["status"] == "pending":
            yield f"{_named(delivery)} is still pending after {delivery['attempt_count']} attempts"
    if evidence.gateway_undecided:
        yield f"the gateway has {evidence.gateway_undecided} operations or webhooks under way"


def books_balance(evidence: Evidence) -> Iterator[str]:
    """The ledger sums to zero in every transaction and currency."""
    for name in ("transaction_id", "currency"):
        sums: Counter[tuple[str, str]] = Counter()
        for entry in evidence.ledger:
            sums[entry[name], entry["currency"]] += entry["amount_minor"]
        for (what, currency), total in sums.items():
            if total:
                yield f"{name} {what} sums to {total} {currency}"


def amounts_are_bounded(evidence: Evidence) -> Iterator[str]:
    """What is captured is at most what was authorised; what is refunded or promised, at most what was captured."""
    for payment in evidence.payments:
        captured, taken_back = payment["captured_minor"], payment["refunded_minor"] + payment["refund_pending_minor"]
        if captured > payment["amount_minor"]:
            yield f"{payment['id']} has {captured} captured of {payment['amount_minor']}"
        if taken_back > captured:
            yield f"{payment['id']} has {taken_back} refunded or promised of {captured} captured"
    for payment_id, effects in _by(evidence.journal, "payment_id").items():
        if _sum(effects, "captured") > _sum(effects, "authorised"):
            yield f"the gateway captured more of {payment_id} than it authorised"
        if _sum(effects, "refunded") - _sum(effects, "refund_reversed") > _sum(effects, "captured"):
            yield f"the gateway gave back more of {payment_id} than it captured"


def charged_at_most_once(evidence: Evidence) -> Iterator[str]:
    """A payment is charged once over the journals of all gateways, and each operation has one effect.

    A charge that was released whole before the next one counts no more.
    """
    for payment_id, effects in _by(evidence.journal, "payment_id").items():
        charges = _charges_at_once(effects)
        if len(charges) > 1:
            yield f"{payment_id} was charged {len(charges)} times: {', '.join(charges)}"
        for key, times in Counter((effect["operation_key"], effect["type"]) for effect in effects).items():
            if times > 1:
                yield f"{key[0]} had the effect {key[1]} {times} times"
    refunded = Counter(_refund_id(effect) for effect in evidence.journal if effect["type"] == "refunded")
    refunded = Counter({refund_id: times for refund_id, times in refunded.items() if _is_refund(refund_id)})
    for refund_id, times in refunded.items():
        if times > 1:
            yield f"{refund_id} was paid out {times} times"


def _charges_at_once(effects: list[Record]) -> list[str]:
    """Return the gateways of the most charges that stood at one moment."""
    standing: dict[str, int] = {}
    gateways: dict[str, str] = {}
    most: list[str] = []
    for number, effect in enumerate(effects):
        reference = effect["payment_reference"]
        if effect["type"] == "authorised":
            reference = reference if reference not in standing else f"{reference} again {number}"
            standing[reference] = effect["amount"]
            gateways[reference] = effect["gateway"]
            most = max(most, [gateways[each] for each, left in standing.items() if left], key=len)
        elif effect["type"] == "voided" and reference in standing:
            standing[reference] -= effect["amount"]
    return most


def captures_agree(evidence: Evidence) -> Iterator[str]:
    """Gateway journal, captures, ledger and payment row have the same amount, unless it is under review.

    A payment that has ended is under review when a review of what the gateway reported since is open.
    """
    reviewed = {review["subject_id"] for review in evidence.reviews if review["resolved_at"] is None}
    journal, rows = _by(evidence.journal, "payment_id"), _by(evidence.captures, "payment_id")
    booked = _by((entry for entry in evidence.ledger if entry["kind"] == "capture"), "payment_id")
    for payment in evidence.payments:
        payment_id, captured = payment["id"], payment["captured_minor"]
        sums = {
            "captures": sum(row["amount_minor"] for row in rows[payment_id]),
            "ledger": sum(entry["amount_minor"] for entry in booked[payment_id] if entry["amount_minor"] > 0),
        }
        if payment["status"] != UNDER_REVIEW and payment_id not in reviewed:
            sums["journal"] = _sum(journal[payment_id], "captured")
        for name, amount in sums.items():
            if amount != captured:
                yield f"{payment_id} has {captured} captured, and the {name} {amount}"


def nothing_stays_held(evidence: Evidence) -> Iterator[str]:
    """An ended payment leaves nothing reserved on the customer's account, and the gateway knows no strangers."""
    known = {payment["id"]: payment for payment in evidence.payments}
    for payment_id, effects in _by(evidence.journal, "payment_id").items():
        held = _sum(effects, "authorised") - _sum(effects, "captured") - _sum(effects, "voided")
        if payment_id not in known:
            yield f"the gateway charged {payment_id}, which nobody recorded"
        elif held and known[payment_id]["status"] in FINAL:
            yield f"{payment_id} is {known[payment_id]['status']} and {held} is still held"


def refunds_agree(evidence: Evidence) -> Iterator[str]:
    """Gateway journal, ledger, refund row and payment row have the same refunds.

    Where a gateway takes no key of ours, only the sum of the refunds of a payment can be compared.
    """
    paid_out: Counter[str] = Counter()
    keyless: Counter[str] = Counter()
    for effect in evidence.journal:
        amount = {"refunded": 1, "refund_reversed": -1}.get(effect["type"], 0) * effect["amount"]
        paid_out[_refund_id(effect)] += amount
        if amount and not _is_refund(_refund_id(effect)):
            keyless[effect["payment_id"]] += amount
    booked = _by((entry for entry in evidence.ledger if entry["refund_id"] and entry["amount_minor"] > 0), "refund_id")
    for refund in evidence.refunds:
        by_key = None if refund["payment_id"] in keyless else paid_out[refund["id"]]
        yield from _refund_agrees(refund, by_key, booked[refund["id"]])
    known = {refund["id"] for refund in evidence.refunds}
    for refund_id in {_refund_id(effect) for effect in evidence.journal if effect["type"] == "refunded"} - known:
        if _is_refund(refund_id):
            yield f"the gateway paid {refund_id} out, which nobody recorded"
    of_payment = _by(evidence.refunds, "payment_id")
    for payment_id, gave_back in keyless.items():
        processed = sum(row["amount_minor"] for row in of_payment[payment_id] if row["status"] == "processed")
        unsure = any(row["status"] == UNDER_REVIEW for row in of_payment[payment_id])
        if gave_back != processed and not unsure:
            yield f"{payment_id} has {processed} refunded, and the gateway gave back {gave_back}"
    for payment in evidence.payments:
        rows = of_payment[payment["id"]]
        processed = sum(row["amount_minor"] for row in rows if row["status"] == "processed")
        promised = sum(row["amount_minor"] for row in rows if row["status"] in OPEN_REFUNDS)
        if (processed, promised) != (payment["refunded_minor"], payment["refund_pending_minor"]):
            yield f"{payment['id']} does not add up to its refunds: {processed} processed, {promised} promised"


def _refund_agrees(refund: Record, paid_out: int | None, booked: list[Record]) -> Iterator[str]:
    """Compare one refund. paid_out None: the gateway does not say which refund it paid out."""
    status, amount = refund["status"], refund["amount_minor"]
    expected = {"refund_reserved": amount}
    if status in {"processed", "failed"}:
        expected[f"refund_{status}"] = amount
    if {entry["kind"]: entry["amount_minor"] for entry in booked} != expected:
        yield f"{refund['id']} is {status}, and the ledger has {[(e['kind'], e['amount_minor']) for e in booked]}"
    unsure = status == UNDER_REVIEW or paid_out is None
    if not unsure and paid_out != (amount if status == "processed" else 0):
        yield f"{refund['id']} of {amount} is {status}, and the gateway gave back {paid_out}"


def orders_agree(evidence: Evidence) -> Iterator[str]:
    """An order has at most one payment in progress or successful, and is paid exactly when one succeeded."""
    of_order = _by(evidence.payments, "order_id")
    for order in evidence.orders:
        payments = of_order[order["id"]]
        holding = [payment["id"] for payment in payments if payment["status"] in HOLDS_ORDER]
        if len(holding) > 1:
            yield f"{order['id']} is held by {holding}"
        succeeded = any(payment["status"] == "success" for payment in payments)
        if succeeded != (order["status"] == "paid"):
            yield f"{order['id']} is {order['status']}, its payments {[payment['status'] for payment in payments]}"


def changes_have_events(evidence: Evidence) -> Iterator[str]:
    """Every change of status has its event, one after the other, each a move of the state machine and never back.

    A contradiction is no change: it shows what a gateway reported after the end.
    """
    changes = [event for event in evidence.events if not event["type"].endswith(".contradicted")]
    of_subject = _by(changes, "subject_id")
    silent = Counter(row["payment_id"] for row in evidence.payment_attempts if row["gateway"] in PREPARING)
    for payment in evidence.payments:
        events = of_subject[payment["id"]]
        yield from _story(payment, events, "payment", PAYMENT_MOVES, silent_max=silent[payment["id"]])
    for refund in evidence.refunds:
        yield from _story(refund, of_subject[refund["id"]], "refund", REFUND_MOVES)


def _story(thing: Record, events: list[Record], noun: str, moves: dict, silent_max: int = 0) -> Iterator[str]:
    steps = _by(events, "step")
    expected = ["created", *(str(number) for number in range(1, thing["version"] + 1))]
    silent = [step for step in expected if step not in steps]
    if len(silent) <= silent_max:
        expected = [step for step in expected if step in steps]
    if set(steps) != set(expected):
        yield f"{thing['id']} took the steps {expected} and has events of {sorted(steps)}"
        return
    status = None
    for step in expected:
        before, after = steps[step][0]["from_status"], steps[step][0]["to_status"]
        types = [event["type"] for event in steps[step]]
        if before != status:
            yield f"{thing['id']} step {step} goes on from {before}, but was {status}"
        if not is_move(moves, steps[step][0]):
            yield f"{thing['id']} moved from {before} to {after}"
        if ANOTHER.intersection(types):
            status = after
            continue
        reached = "created" if before is None else after
        if before != after and types.count(f"{noun}.{reached}") != 1:
            yield f"{thing['id']} became {after} and has the events {types}"
        status = after
    if status != thing["status"]:
        yield f"{thing['id']} is {thing['status']}, its last event says {status}"


def events_have_deliveries(evidence: Evidence) -> Iterator[str]:
    """Every event has a delivery to each endpoint that was there for it."""
    there = {(delivery["event_id"], delivery["endpoint_id"]) for delivery in evidence.deliveries}
    open_endpoints = [row for row in evidence.endpoints if row["status"] == "enabled" and row["deleted_at"] is None]
    for event in evidence.events:
        for endpoint in open_endpoints:
            wanted = not endpoint["event_types"] or event["type"] in endpoint["event_types"]
            mine = event["merchant_id"] == endpoint["merchant_id"] and endpoint["created_at"] < event["created_at"]
            if mine and wanted and event["type"] != "endpoint.test" and (event["id"], endpoint["id"]) not in there:
                yield f"{event['type']} {event['id']} has no delivery to {endpoint['id']}"


def deliveries_end_as_scheduled(evidence: Evidence) -> Iterator[str]:
    """A delivery is delivered by a 2xx, or failed after exactly the scheduled attempts; all have one webhook id."""
    of_delivery = _by(evidence.attempts, "delivery_id")
    schedules = {row["id"]: row["retry_intervals_s"] or LIVE_RETRY_INTERVALS_S for row in evidence.endpoints}
    for delivery in evidence.deliveries:
        attempts = sorted(of_delivery[delivery["id"]], key=lambda attempt: attempt["number"])
        numbers = [attempt["number"] for attempt in attempts]
        if numbers != list(range(1, delivery["attempt_count"] + 1)):
            yield f"{_named(delivery)} counts {delivery['attempt_count']} attempts and has {numbers}"
        if any(attempt["request_headers"].get("webhook-id") != delivery["event_id"] for attempt in attempts):
            yield f"{_named(delivery)} was sent under another webhook id"
        taken = any(was_taken(attempt) for attempt in attempts)
        if taken != (delivery["status"] == "delivered"):
            yield f"{_named(delivery)} is {delivery['status']}, answers {[a['response_status'] for a in attempts]}"
        scheduled = len(schedules[delivery["endpoint_id"]]) + 1
        gone = any(attempt["response_status"] == GONE for attempt in attempts)
        if delivery["status"] == "failed" and delivery["schedule_attempts"] != scheduled and not gone:
            yield f"{_named(delivery)} failed after {delivery['schedule_attempts']} attempts of {scheduled}"
        by_event = [attempt for attempt in attempts if attempt["trigger"] == "schedule"]
        on_schedule = len(by_event) + evidence.forgotten_attempts[delivery["id"]]
        if delivery["recovery_id"] is None and on_schedule != delivery["schedule_attempts"]:
            yield f"{_named(delivery)} counts {delivery['schedule_attempts']} of its schedule and has {on_schedule}"


def receiver_got_everything(evidence: Evidence) -> Iterator[str]:
    """The merchant got every event at least once, signed, under its own id, with the body that was recorded."""
    events = {event["id"]: event for event in evidence.events}
    received = _by(evidence.received, "event_id")
    here = {row["id"] for row in evidence.endpoints if evidence.receiver_url and _is_at(row, evidence.receiver_url)}
    for delivery in evidence.deliveries:
        is_new = delivery["created_at"] >= evidence.received_since
        is_due = delivery["endpoint_id"] in here and is_new and delivery["status"] == "delivered"
        if is_due and not received[delivery["event_id"]]:
            yield f"{_named(delivery)} is delivered and never arrived"
    for item in evidence.received:
        event = events.get(item["event_id"])
        if event is None or item["headers"].get("webhook-id") != item["event_id"]:
            yield f"the merchant got {item['event_id']} as {item['headers'].get('webhook-id')}, which is no event"
        elif not (item["signature_ok"] and item["standard_ok"]):
            yield f"{item['type']} {item['event_id']} arrived with a wrong signature"
        elif item["type"] != event["type"]:
            yield f"{item['event_id']} arrived as {item['type']} and is {event['type']}"


RULES: Final[tuple[Rule, ...]] = (
    quiet,
    books_balance,
    amounts_are_bounded,
    charged_at_most_once,
    captures_agree,
    nothing_stays_held,
    refunds_agree,
    orders_agree,
    changes_have_events,
    events_have_deliveries,
    deliveries_end_as_scheduled,
    receiver_got_everything,
    *ATTEMPT_RULES,
    *QUOTE_RULES,
)


def _by(records: Iterable[Record], name: str) -> defaultdict[str, list[Record]]:
    groups: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        groups[record[name]].append(record)
    return groups


def _sum(effects: Iterable[Record], kind: str) -> int:
    return sum(effect["amount"] for effect in effects if effect["type"] == kind)


def _refund_id(effect: Record) -> str:
    return str(effect["operation_key"]).split(":", 1)[0]


def _is_refund(subject_id: str) -> bool:
    """Return whether a key is that of a refund. Some gateways take no key with a refund."""
    return subject_id.startswith(f"{REFUND}_")


def _named(delivery: Record) -> str:
    return f"{delivery['event_type']} {delivery['event_id']} to {delivery['endpoint_id']}"


def was_taken(attempt: Record) -> bool:
    """A 2xx whose answer did not end in time is no success: its error says so."""
    return attempt["response_status"] in range(200, 300) and attempt.get("error_code") is None


def _is_at(endpoint: Record, url: str) -> bool:
    return str(endpoint["url"]) == f"{url}/webhooks"
