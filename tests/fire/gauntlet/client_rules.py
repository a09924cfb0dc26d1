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
from clearway.domain.refund import MOVES as REFUND_MOVES
from tests.fire.gauntlet.case import Case
from tests.fire.gauntlet.client import Told
from tests.support.evidence import Record

Keyed = dict[tuple[str, str], list[Told]]
THING: Final = re.compile(r"/(payments|refunds)/[a-z]+_[0-9a-z]+")


def keys_answer_alike(case: Case) -> Iterator[str]:
    """Same key and same body: byte-equal answers, and no refusal once it was done."""
    for (merchant_id, key), group in _by_key(case).items():
        by_request = defaultdict(list)
        for told in group:
            by_request[told.request].append(told)
        for same in by_request.values():
            done = [told for told in same if told.is_promise]
            if len({(told.status, told.content) for told in done}) > 1:
                yield f"{merchant_id} {key}: {len(done)} successes of one request, and their bytes differ"
            for told in same:
                if done and told.is_refusal and told.status != 429 and _contradicts(told, done):
                    yield f"{merchant_id} {key}: done, and refused with {_said(told)}"


def _contradicts(refusal: Told, done: list[Told]) -> bool:
    """A refusal before the success is in order: it changed nothing, and a repeat may succeed.

    After it, never. Beside it only where a payment would be refused because of its own twin.
    """
    after = refusal.began > min(told.ended for told in done)
    beside = refusal.ended > min(told.began for told in done)
    return after or (beside and refusal.path == "/payments")


def keys_do_one_thing(case: Case) -> Iterator[str]:
    """Same key, other body: 422 and no effect."""
    for (merchant_id, key), group in _by_key(case).items():
        done = [told for told in group if told.is_promise]
        if len({told.request for told in done}) > 1:
            yield f"{merchant_id} {key}: two different requests were done"
        if not done:
            continue
        first = min(told.ended for told in done)
        for told in group:
            other = told.request != done[0].request and told.began > first
            if other and told.is_final and told.status != 422:
                yield f"{merchant_id} {key}: another body was answered with {_said(told)}"


def keys_are_answered(case: Case) -> Iterator[str]:
    """A client that repeats a request with its key gets an answer once everything runs again."""
    for (merchant_id, key), group in _by_key(case).items():
        if not any(told.is_final for told in group):
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
        told = {told.answer.get("id") for told in group if told.is_promise and _makes(told)}
        if told - set(ids) or (told and told != set(ids) and not was_forgotten):
            yield f"{merchant_id} {key} was told of {sorted(map(str, told))} and has made {ids}"


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
        if (merchant_id, key) in made and all(told.is_refusal and told.status != 429 for told in group):
            yield f"{merchant_id} {key} was refused with {_said(group[0])}, and had an effect"


def told_things_are_recorded(case: Case) -> Iterator[str]:
    """What a 2xx answered is in the database: a payment, refund or order, with this amount, of this merchant."""
    rows = {row["id"]: row for table in (case.stack.orders, case.stack.payments, case.stack.refunds) for row in table}
    for told in case.told:
        if not (told.is_promise and told.method == "POST" and "id" in told.answer):
            continue
        answer = told.answer
        if answer.get("object") not in {"order", "payment", "refund"}:
            continue
        row = rows.get(answer["id"])
        if row is None:
            yield f"{answer['id']} was told to {told.merchant_id} and is not recorded"
        elif any(differs := _differences(answer, row, told.merchant_id)):
            yield f"{answer['id']} was told otherwise than recorded: {differs}"


def told_things_are_found(case: Case) -> Iterator[str]:
    """A client finds everything that an answer named; nothing of its own is a 404."""
    for told in case.told:
        if told.status == 404 and not told.stranger and not _names_what_is_forgotten(told, case):
            yield f"{told.merchant_id} asked {told.method} {told.path} and was told {_said(told)}"


def reads_never_go_back(case: Case) -> Iterator[str]:
    """What one client reads of a payment or refund, read after read, only moves along the state machine."""
    reads: defaultdict[str, list[Told]] = defaultdict(list)
    for told in case.told:
        if told.method == "GET" and told.is_promise and THING.fullmatch(told.path):
            reads[told.path].append(told)
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
    for told in case.told:
        if told.stranger and told.is_final and told.status != 404:
            yield f"{told.merchant_id} asked {told.method} {told.path} of another's and was told {_said(told)}"


def lists_are_ones_own(case: Case) -> Iterator[str]:
    """A list holds nothing of another merchant."""
    owner = {row["id"]: row["merchant_id"] for row in case.stack.payments}
    for told in case.told:
        if told.method == "GET" and told.is_promise and told.path.startswith("/payments?"):
            for item in told.answer.get("data", []):
                if owner.get(item["id"]) != told.merchant_id:
                    yield f"{told.merchant_id} listed {item['id']} of {owner.get(item['id'])}"


def asked_again_is_sent_again(case: Case) -> Iterator[str]:
    """A delivery that a merchant retried has one attempt by hand for each key, and no other."""
    by_hand = _attempts_by_hand(case)
    enabled = {row["id"] for row in case.stack.endpoints if row["status"] == "enabled"}
    endpoint = {row["id"]: row["endpoint_id"] for row in case.stack.deliveries}
    for delivery_id, asked in _retries(case).items():
        made, keys = len(by_hand[delivery_id]), {told.key for told in asked}
        promised = {told.key for told in asked if told.is_promise}
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
        for told in asked:
            attempt = told.answer.get("attempt") if told.is_promise else None
            if attempt is not None and attempt["number"] not in by_hand[delivery_id]:
                yield f"{delivery_id} was answered with attempt {attempt['number']}, which was not made by hand"


def _retries(case: Case) -> dict[str, list[Told]]:
    found: defaultdict[str, list[Told]] = defaultdict(list)
    for told in case.told:
        if told.path.startswith("/webhooks/") and told.path.endswith("/retry"):
            found[told.path.split("/")[2]].append(told)
    return found


def _attempts_by_hand(case: Case) -> defaultdict[str, set[int]]:
    found: defaultdict[str, set[int]] = defaultdict(set)
    for attempt in case.stack.attempts:
        if attempt["trigger"] == "manual":
            found[attempt["delivery_id"]].add(attempt["number"])
    return found


def _by_key(case: Case) -> Keyed:
    groups: Keyed = defaultdict(list)
    for told in case.told:
        if told.key is not None and not told.stranger:
            groups[told.merchant_id, told.key].append(told)
    return groups


def _was_forgotten(group: Sequence[Told]) -> bool:
    """Tell whether a key was used between a copy and its restore, and not done before: a repeat is a new request."""
    first = min((told.began for told in group if told.forgotten), default=None)
    return first is not None and not any(told.is_promise and told.ended < first for told in group)


def _names_what_is_forgotten(told: Told, case: Case) -> bool:
    order_id = told.body.get("order_id") if isinstance(told.body, dict) else None
    named = {*told.path.split("/")[2:3], order_id}
    return any(told.began < there_again for name, there_again in case.forgotten.items() if name in named)


def _makes(told: Told) -> bool:
    return told.path == "/payments" or told.path.endswith("/refunds")


def _differences(answer: Record, row: Record, merchant_id: str) -> list[str]:
    expected: dict[str, Any] = {
        "merchant_id": merchant_id,
        "amount_minor": answer["amount"],
        "currency": answer["currency"],
    }
    expected |= {name: answer[name] for name in ("order_id", "payment_id", "method") if name in answer}
    return [f"{name} {row[name]}, told {value}" for name, value in expected.items() if row[name] != value]


def _went_back(path: str, before: Record, after: Record) -> Iterator[str]:
    moves: Any = PAYMENT_MOVES if path.startswith("/payments") else REFUND_MOVES
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


def _said(told: Told) -> str:
    return f"{told.status} {told.answer.get('code', told.error or '')}".strip()


ABOUT_KEYS: Final[Sequence[Any]] = (
    keys_answer_alike,
    keys_do_one_thing,
    keys_are_answered,
    keys_have_one_effect,
    captures_were_asked_for,
    refusals_change_nothing,
)
