"""The clients' answers, compared with each other and with the database: keys, refusals, statuses, strangers.

Each rule is a pure function of the case that says in words what is wrong. It runs in time linear in the case.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

from clearway.domain.payment import MOVES as PAYMENT_MOVES
from clearway.domain.payment import UNDECIDED, PaymentStatus
from clearway.domain.refund import MOVES as REFUND_MOVES
from tests.fire.gauntlet.case import Case
from tests.fire.gauntlet.client import Exchange
from tests.support.evidence import Record

Keyed = dict[tuple[str, str], list[Exchange]]
READ_MOVES: Final = PAYMENT_MOVES | {
    status: PAYMENT_MOVES[status] | {PaymentStatus.PENDING} for status in (*UNDECIDED, PaymentStatus.RETRYING)
}
"""What reads of a payment may show: it is pending again with each further attempt."""
DENIED: Final = "403 permission_missing"
THING: Final = re.compile(r"/(payments|refunds)/[a-z]+_[0-9a-z]+")


def keys_answer_alike(case: Case) -> Iterator[str]:
    """Same key and same body: byte-equal answers, and no refusal once it was done."""
    for (merchant_id, key), group in _by_key(case).items():
        by_request = defaultdict(list)
        for exchange in group:
            by_request[exchange.request].append(exchange)
        for same in by_request.values():
            done = [exchange for exchange in same if exchange.is_promise]
            if len({(exchange.status, exchange.content) for exchange in done}) > 1:
                yield f"{merchant_id} {key}: {len(done)} successes of one request, and their bytes differ"
            for exchange in same:
                if done and exchange.is_refusal and exchange.status != 429 and _contradicts(exchange, done):
                    yield f"{merchant_id} {key}: done, and refused with {_said(exchange)}"


def _contradicts(refusal: Exchange, done: list[Exchange]) -> bool:
    """A refusal before the success is in order: it changed nothing, and a repeat may succeed.

    After it, never. Beside it only where a payment would be refused because of its own twin.
    """
    after = refusal.began > min(exchange.ended for exchange in done)
    beside = refusal.ended > min(exchange.began for exchange in done)
    return after or (beside and refusal.path == "/payments")


def keys_do_one_thing(case: Case) -> Iterator[str]:
    """Same key, other body: 422 and no effect."""
    for (merchant_id, key), group in _by_key(case).items():
        done = [exchange for exchange in group if exchange.is_promise]
        if len({exchange.request for exchange in done}) > 1:
            yield f"{merchant_id} {key}: two different requests were done"
        if not done:
            continue
        first = min(exchange.ended for exchange in done)
        for exchange in group:
            other = exchange.request != done[0].request and exchange.began > first
            if other and exchange.is_final and exchange.status != 422:
                yield f"{merchant_id} {key}: another body was answered with {_said(exchange)}"


def keys_are_answered(case: Case) -> Iterator[str]:
    """A client that repeats a request with its key gets an answer once everything runs again."""
    for (merchant_id, key), group in _by_key(case).items():
        if not any(exchange.is_final for exchange in group):
            yield f"{merchant_id} {key}: {len(group)} requests and no answer; the last was {_said(group[-1])}"


def keys_have_one_effect(case: Case) -> Iterator[str]:
    """A key, used any number of times, creates at most one payment or refund: the one in the answer."""
    made: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for payment in case.stack.payments:
        made[payment["merchant_id"], (payment["notes"] or {}).get("key", "")].append(payment["id"])
    for refund in case.stack.refunds:
        made[refund["merchant_id"], refund["reason"] or ""].append(refund["id"])
    for (merchant_id, key), group in _by_key(case).items():
        ids, was_forgotten = made[merchant_id, key], _was_forgotten(group)
        if len(ids) > (1 + case.restores if was_forgotten else 1):
            yield f"{merchant_id} {key} has made {ids}"
        answered = {exchange.answer.get("id") for exchange in group if exchange.is_promise and _makes(exchange)}
        if answered - set(ids) or (answered and answered != set(ids) and not was_forgotten):
            yield f"{merchant_id} {key} was answered with {sorted(map(str, answered))} and has made {ids}"


def captures_were_asked_for(case: Case) -> Iterator[str]:
    """A payment that is captured by hand has no more captures than keys with which one was asked for."""
    asked: Counter[str] = Counter()
    for group in _by_key(case).values():
        path = group[0].path
        if path.endswith("/capture"):
            asked[path.split("/")[2]] += 1 + case.restores if _was_forgotten(group) else 1
    taken: defaultdict[str, int] = defaultdict(int)
    for capture in case.stack.captures:
        taken[capture["payment_id"]] += 1
    for payment in case.stack.payments:
        allowed = asked[payment["id"]] if payment["capture_method"] == "manual" else 1
        if taken[payment["id"]] > allowed:
            yield f"{payment['id']} has {taken[payment['id']]} captures, and {allowed} were asked for"


def refusals_change_nothing(case: Case) -> Iterator[str]:
    """A key that was only ever refused has no effect."""
    made = {(row["merchant_id"], (row["notes"] or {}).get("key")) for row in case.stack.payments}
    made |= {(row["merchant_id"], row["reason"]) for row in case.stack.refunds}
    for (merchant_id, key), group in _by_key(case).items():
        if (merchant_id, key) in made and all(exchange.is_refusal and exchange.status != 429 for exchange in group):
            yield f"{merchant_id} {key} was refused with {_said(group[0])}, and had an effect"


def answers_are_recorded(case: Case) -> Iterator[str]:
    """What a 2xx answered is in the database: a payment, refund or order, with this amount, of this merchant."""
    rows = {row["id"]: row for table in (case.stack.orders, case.stack.payments, case.stack.refunds) for row in table}
    for exchange in case.exchanges:
        if not (exchange.is_promise and exchange.method == "POST" and "id" in exchange.answer):
            continue
        answer = exchange.answer
        if answer.get("object") not in {"order", "payment", "refund"}:
            continue
        row = rows.get(answer["id"])
        if row is None:
            yield f"{answer['id']} was in an answer to {exchange.merchant_id} and is not recorded"
        elif any(differs := _differences(answer, row, exchange.merchant_id)):
            yield f"{answer['id']} was answered otherwise than recorded: {differs}"


def named_resources_are_found(case: Case) -> Iterator[str]:
    """A client finds everything that an answer named; nothing of its own is a 404."""
    for exchange in case.exchanges:
        if exchange.status == 404 and not exchange.stranger and not _names_what_is_forgotten(exchange, case):
            yield f"{exchange.merchant_id} asked {exchange.method} {exchange.path} and got {_said(exchange)}"


def reads_never_go_back(case: Case) -> Iterator[str]:
    """What one client reads of a payment or refund, read after read, only moves along the state machine."""
    reads: defaultdict[str, list[Exchange]] = defaultdict(list)
    for exchange in case.exchanges:
        if exchange.method == "GET" and exchange.is_promise and THING.fullmatch(exchange.path):
            reads[exchange.path].append(exchange)
    last = {row["id"]: row["status"] for table in (case.stack.payments, case.stack.refunds) for row in table}
    for path, sequence in reads.items():
        for before, after in itertools.pairwise(sequence):
            if before.ended <= after.began:
                yield from _went_back(path, before.answer, after.answer)
        final = last.get(path.split("/")[2])
        if final is not None:
            yield from _went_back(path, sequence[-1].answer, {"status": final})


def strangers_get_nothing(case: Case) -> Iterator[str]:
    """Another merchant's things are not found, in any request."""
    for exchange in case.exchanges:
        if exchange.stranger and exchange.is_final and exchange.status != 404:
            yield f"{exchange.merchant_id} asked {exchange.method} {exchange.path} of another and got {_said(exchange)}"


def viewers_change_nothing(case: Case) -> Iterator[str]:
    """A member whose role allows no acts is refused every act, under fire too."""
    for exchange in case.exchanges:
        if exchange.denied and exchange.is_final and _said(exchange) != DENIED:
            yield f"{exchange.merchant_id}: a viewer asked {exchange.method} {exchange.path} and got {_said(exchange)}"


def lists_are_ones_own(case: Case) -> Iterator[str]:
    """A list holds nothing of another merchant."""
    owner = {row["id"]: row["merchant_id"] for row in case.stack.payments}
    for exchange in case.exchanges:
        if exchange.method == "GET" and exchange.is_promise and exchange.path.startswith("/payments?"):
            for item in exchange.answer.get("data", []):
                if owner.get(item["id"]) != exchange.merchant_id:
                    yield f"{exchange.merchant_id} listed {item['id']} of {owner.get(item['id'])}"


def retries_are_asked_for(case: Case) -> Iterator[str]:
    """A payment has one attempt by hand for each key whose retry was answered, and none that nobody asked for."""
    begun: Counter[str] = Counter()
    for event in case.stack.events:
        begun[event["subject_id"]] += event["type"] == "payment.retried" and event["actor"] == "merchant"
    keys: defaultdict[str, set[str | None]] = defaultdict(set)
    answered: defaultdict[str, set[str | None]] = defaultdict(set)
    for exchange in case.exchanges:
        if exchange.path.startswith("/payments/") and exchange.path.endswith("/retry"):
            payment_id = exchange.path.split("/")[2]
            keys[payment_id].add(exchange.key)
            if exchange.is_promise:
                answered[payment_id].add(exchange.key)
    for payment_id in begun.keys() | keys.keys():
        made, least, most = begun[payment_id], len(answered[payment_id]), len(keys[payment_id]) * (1 + case.restores)
        if not least <= made <= most:
            yield f"{payment_id} has {made} attempts by hand, for {least} retries answered and {most} asked for"


def quotes_are_charged(case: Case) -> Iterator[str]:
    """A payment by quote is of the amount that the client was quoted, for the order that it asked about, once."""
    quotes = {each.answer["id"]: each.answer for each in case.exchanges if each.answer.get("object") == "fx_quote"}
    paid: Counter[str] = Counter()
    for payment in case.stack.payments:
        quote = quotes.get(payment["quote_id"] or "")
        if quote is None:
            continue
        paid[quote["id"]] += 1
        charged = (payment["order_id"], payment["amount_minor"], payment["currency"])
        if charged != (quote["order_id"], quote["presentment"]["amount"], quote["presentment"]["currency"]):
            yield f"{payment['id']} is of {charged}, and {quote['id']} says {quote['presentment']}"
    yield from (f"{quote_id} has paid {times} payments" for quote_id, times in paid.items() if times > 1)


def asked_again_is_sent_again(case: Case) -> Iterator[str]:
    """A delivery that a merchant retried has one attempt by hand for each key, and no other."""
    by_hand = _attempts_by_hand(case)
    enabled = {row["id"] for row in case.stack.endpoints if row["status"] == "enabled"}
    endpoint = {row["id"]: row["endpoint_id"] for row in case.stack.deliveries}
    for delivery_id, asked in _retries(case).items():
        made, keys = len(by_hand[delivery_id]), {exchange.key for exchange in asked}
        promised = {exchange.key for exchange in asked if exchange.is_promise}
        if promised and delivery_id not in endpoint:
            yield f"{delivery_id} was promised again, and is not recorded"
        elif endpoint.get(delivery_id) in enabled and made < len(promised):
            yield f"{delivery_id} was promised again under {len(promised)} keys, and has {made} attempts by hand"
        elif made > len(keys):
            yield f"{delivery_id} was asked for under {len(keys)} keys, and has {made} attempts by hand"


def retries_are_answered_by_their_attempt(case: Case) -> Iterator[str]:
    """The attempt that a retry was answered with is on record, and was made by hand."""
    by_hand = _attempts_by_hand(case)
    for delivery_id, asked in _retries(case).items():
        for exchange in asked:
            attempt = exchange.answer.get("attempt") if exchange.is_promise else None
            if attempt is not None and attempt["number"] not in by_hand[delivery_id]:
                yield f"{delivery_id} was answered with attempt {attempt['number']}, which was not made by hand"


def _retries(case: Case) -> dict[str, list[Exchange]]:
    found: defaultdict[str, list[Exchange]] = defaultdict(list)
    for exchange in case.exchanges:
        if exchange.path.startswith("/webhooks/") and exchange.path.endswith("/retry"):
            found[exchange.path.split("/")[2]].append(exchange)
    return found


def _attempts_by_hand(case: Case) -> defaultdict[str, set[int]]:
    found: defaultdict[str, set[int]] = defaultdict(set)
    for attempt in case.stack.attempts:
        if attempt["trigger"] == "manual":
            found[attempt["delivery_id"]].add(attempt["number"])
    return found


def _by_key(case: Case) -> Keyed:
    groups: Keyed = defaultdict(list)
    for exchange in case.exchanges:
        if exchange.key is not None and not exchange.stranger:
            groups[exchange.merchant_id, exchange.key].append(exchange)
    return groups


def _was_forgotten(group: Sequence[Exchange]) -> bool:
    """Return whether a key was used between a copy and its restore, and not done before: a repeat is a new request."""
    first = min((exchange.began for exchange in group if exchange.forgotten), default=None)
    return first is not None and not any(exchange.is_promise and exchange.ended < first for exchange in group)


def _names_what_is_forgotten(exchange: Exchange, case: Case) -> bool:
    body = exchange.body if isinstance(exchange.body, dict) else {}
    named = {*exchange.path.split("/")[2:3], body.get("order_id"), body.get("quote_id")}
    return any(exchange.began < there_again for name, there_again in case.forgotten.items() if name in named)


def _makes(exchange: Exchange) -> bool:
    return exchange.path == "/payments" or exchange.path.endswith("/refunds")


def _differences(answer: Record, row: Record, merchant_id: str) -> list[str]:
    expected: dict[str, Any] = {
        "merchant_id": merchant_id,
        "amount_minor": answer["amount"],
        "currency": answer["currency"],
    }
    expected |= {name: answer[name] for name in ("order_id", "payment_id", "method") if name in answer}
    return [f"{name} {row[name]}, answered {value}" for name, value in expected.items() if row[name] != value]


def _went_back(path: str, before: Record, after: Record) -> Iterator[str]:
    moves: Any = READ_MOVES if path.startswith("/payments") else REFUND_MOVES
    if not _reachable(moves, before["status"], after["status"]):
        yield f"{path} was {before['status']} and then {after['status']}"
    for name in ("amount_captured", "amount_refunded"):
        if name in before and name in after and after[name] < before[name]:
            yield f"{path}: {name} fell from {before[name]} to {after[name]}"


def _reachable(moves: Any, start: str, end: str) -> bool:
    seen, edge = {start}, [start]
    while edge:
        for status in moves[edge.pop()]:
            if status not in seen:
                seen.add(status)
                edge.append(status)
    return end in seen


def _said(exchange: Exchange) -> str:
    return f"{exchange.status} {exchange.answer.get('code', exchange.error or '')}".strip()


ABOUT_KEYS: Final[Sequence[Any]] = (
    keys_answer_alike,
    keys_do_one_thing,
    keys_are_answered,
    keys_have_one_effect,
    captures_were_asked_for,
    refusals_change_nothing,
)
