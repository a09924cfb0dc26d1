"""The checker itself: a sound case passes, every planted violation fails its invariant, and silence is unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.fire.gauntlet.case import Case, Witness
from tests.fire.gauntlet.sound_case import OTHER, PAYMENT, REFUND, change_answer, exchange, sound_case
from tests.fire.gauntlet.verdict import INVARIANTS, Judged, Ruling, judge, judge_gateways, overall
from tests.support.evidence import Evidence
from tests.support.test_attempt_invariants import PLANTED as OF_ATTEMPTS
from tests.support.test_invariants import effect, event, is_by_quote
from tests.support.test_quote_invariants import PLANTED as OF_QUOTES

Plant = Callable[[Case], Any]
PAID = PAYMENT | {"status": "success", "amount_captured": 500}
READ: dict[str, Any] = {"method": "GET", "at": 30}
AGAIN = "/webhooks/whd_evt_payment.created/retry"


def change(table: str, index: int, **values: Any) -> Plant:
    """Return what changes a record of the database or the journal."""
    return lambda case: getattr(case.stack, table)[index].update(values)


def drop(table: str, index: int = -1) -> Plant:
    """Return what makes a record vanish."""
    return lambda case: getattr(case.stack, table).pop(index)


def add(table: str, record: dict[str, Any]) -> Plant:
    """Return what adds a record."""
    return lambda case: getattr(case.stack, table).append(record)


def change_exchange(index: int, **changes: Any) -> Plant:
    """Return what changes an answer that a client got."""
    return lambda case: change_answer(case, index, **changes)


def add_exchange(path: str, status: int, answer: Any = None, **more: Any) -> Plant:
    """Return what adds an answer that a client got."""

    def plant(case: Case) -> None:
        case.exchanges = [*case.exchanges, exchange(path, status, answer, **more)]

    return plant


def arrive(index: int, **changes: Any) -> Plant:
    """Return what makes a webhook have arrived otherwise."""

    def plant(case: Case) -> None:
        arrivals = list(case.arrivals)
        arrivals[index] = replace(arrivals[index], **changes)
        case.arrivals = arrivals

    return plant


def lose_arrival(case: Case) -> None:
    """A delivery that is said to be delivered never came."""
    case.arrivals = case.arrivals[1:]


def rewrite_ledger(case: Case) -> None:
    """Both entries of a transaction are changed, so that it still balances."""
    case.stack.ledger[0]["amount_minor"] += 7
    case.stack.ledger[1]["amount_minor"] -= 7


def move_back(case: Case) -> None:
    """A payment that was a success becomes pending again, with an event and a step in order."""
    case.stack.payments[0] |= {"status": "processing", "version": 2}
    case.stack.events.append(event("payment.processing", "2", "success", "processing") | {"body": '{"data": {}}'})


def send_again(*numbers: int) -> Plant:
    """Promise a webhook once more, and have these attempts made for it by hand."""

    def plant(case: Case) -> None:
        add_exchange(AGAIN, 200, {"attempt": {"number": numbers[0]}}, key="k-again")(case)
        case.stack.deliveries[0]["attempt_count"] = max(numbers)
        first = case.stack.attempts[0]
        case.stack.attempts += [first | {"number": number, "trigger": "manual"} for number in numbers]

    return plant


def retried(*, by_hand: int) -> Plant:
    """Return what adds retries by a merchant."""

    def plant(case: Case) -> None:
        again = event("payment.retried", "2", "retrying", "pending")
        again |= {"actor": "merchant", "body": case.stack.events[0]["body"]}
        case.stack.events += [again | {"id": f"evt_retried_{number}"} for number in range(by_hand)]

    return plant


def quoted(amount: int) -> Plant:
    """Return what makes the payment one by quote, of which a client was answered with this amount."""

    def plant(case: Case) -> None:
        is_by_quote(case.stack)
        case.exchanges = [each for each in case.exchanges if each.answer.get("object") != "order"]
        quote = {"object": "fx_quote", "id": "fxq_1", "order_id": "order_1"}
        quote["presentment"] = {"amount": amount, "currency": "INR"}
        add_exchange("/fx/quotes", 201, quote, key="k-quote")(case)

    return plant


PLANTED: list[tuple[str, int, Plant]] = [
    ("a lost ledger entry", 1, drop("ledger")),
    ("a ledger entry changed", 1, change("ledger", 0, amount_minor=501)),
    ("a ledger transaction rewritten in balance", 1, rewrite_ledger),
    ("a ledger transaction deleted", 1, lambda case: case.stack.ledger.__delitem__(slice(0, 2))),
    ("more captured than authorised", 2, change("payments", 0, captured_minor=501)),
    ("more refunded than captured", 2, change("payments", 0, refunded_minor=501)),
    ("a double charge", 3, add("journal", effect("authorised", 500, "pay_1:authorise:2"))),
    ("a double refund", 3, add("journal", effect("refunded", 200, "rfnd_1:refund:2"))),
    ("differing bytes for one key", 4, change_exchange(3, content=b'{"id": "pay_1" }')),
    ("another payment for the same key", 4, change_exchange(3, answer=PAYMENT | {"id": "pay_2"})),
    ("a second payment of one key", 4, lambda case: add("payments", case.stack.payments[0] | {"id": "pay_2"})(case)),
    ("a second refund of one key", 4, lambda case: add("refunds", case.stack.refunds[0] | {"id": "rfnd_2"})(case)),
    ("a refusal after the answer", 4, change_exchange(3, status=409, answer={"code": "order_has_payment"})),
    ("a refusal because of one's own twin", 4, change_exchange(3, status=409, began=2.5, ended=3.5)),
    ("another body accepted", 4, change_exchange(4, status=201, answer=PAYMENT)),
    ("another body refused for the wrong reason", 4, change_exchange(4, status=409)),
    ("a capture nobody asked for", 4, lambda case: add("captures", case.stack.captures[0] | {"id": "cap_2"})(case)),
    ("a refusal with an effect", 4, change("refunds", 0, reason="k-refused")),
    ("a key without an answer", 4, add_exchange("/payments", 503, {}, key="k-lost")),
    ("a payment that never ends", 5, change("payments", 0, status="processing")),
    ("a refund that never ends", 5, change("refunds", 0, status="pending")),
    ("a delivery that never ends", 5, change("deliveries", 0, status="pending")),
    ("a change without an event", 6, drop("events", 1)),
    ("a lost delivery", 6, drop("deliveries")),
    ("a delivery that never arrived", 6, lose_arrival),
    ("a delivery that was not taken", 6, arrive(0, answered=None)),
    ("other bytes than recorded", 6, arrive(0, digest="0")),
    ("a wrong signature", 6, arrive(0, verified=False)),
    ("another webhook id", 6, arrive(0, webhook_id="evt_x")),
    ("a redirect that was followed", 6, arrive(0, path="/trap")),
    ("a delivery given up too early", 6, change("deliveries", 0, status="failed")),
    ("a webhook promised again and not sent", 6, add_exchange(AGAIN, 202, {}, key="k-again")),
    ("a webhook sent twice under one key", 6, send_again(2, 3)),
    ("a retry answered by another attempt", 6, add_exchange(AGAIN, 200, {"attempt": {"number": 1}}, key="k-again")),
    ("a webhook promised again and not recorded", 6, add_exchange("/webhooks/whd_x/retry", 202, {}, key="k-again")),
    ("a status moved back", 7, move_back),
    ("a status read that went back", 7, add_exchange("/payments/pay_1", 200, PAID | {"status": "pending"}, **READ)),
    ("a status read after the end", 7, change_exchange(7, answer=PAYMENT | {"status": "failed"})),
    (
        "an amount read that fell",
        7,
        add_exchange("/payments/pay_1", 200, PAID | {"amount_captured": 0}, **READ),
    ),
    ("a wrong amount accepted", 7, change("journal", 0, amount=499)),
    ("a wrong currency accepted", 7, change("journal", 0, currency="USD")),
    ("a cross-tenant read", 8, change_exchange(10, status=200, answer=PAYMENT)),
    ("a stranger learns that it exists", 8, change_exchange(10, status=409, answer={"code": "not_capturable"})),
    ("a viewer refunds", 8, change_exchange(11, status=201, answer=REFUND)),
    ("a viewer learns more than a refusal", 8, change_exchange(11, status=409, answer={"code": "not_refundable"})),
    ("a list with another's payment", 8, change_exchange(12, merchant_id=OTHER)),
    ("an event sent to a stranger", 8, change("endpoints", 0, merchant_id=OTHER)),
    ("a payment of another's order", 8, change("orders", 0, merchant_id=OTHER)),
    ("a capture the gateway denies", 9, change("journal", 1, amount=400)),
    ("a payment answered and not recorded", 9, add_exchange("/payments", 201, PAYMENT | {"id": "pay_9"}, key="k-9")),
    ("a refund answered otherwise", 9, change_exchange(8, answer=REFUND | {"amount": 201})),
    ("a thing of one's own not found", 9, add_exchange("/payments/pay_1", 404, {}, method="GET", at=40)),
    ("a retry that nobody asked for", 4, retried(by_hand=1)),
    ("a retry answered and not made", 4, add_exchange("/payments/pay_1/retry", 200, PAYMENT, key="k-retry")),
    ("another amount than quoted", 7, quoted(501)),
    ("money still held", 9, change("journal", 0, amount=600)),
    ("an order paid twice", 9, change("orders", 0, status="attempted")),
]


OF_RULE = {
    "attempts_explain_payments": 9,
    "failovers_were_safe": 3,
    "charges_are_of_attempts": 3,
    "failovers_have_events": 6,
    "breakers_have_events": 6,
    "breakers_moved_with_reason": 6,
    "quotes_are_kept": 9,
    "quotes_are_settled": 9,
}
"""The invariant of each rule about attempts and quotes."""


def rulings(case: Case) -> dict[int, Judged]:
    """Judge a case; by the number of the invariant."""
    return {int(judged.name.partition(" ")[0]): judged for judged in judge(case)}


def test_a_sound_case_passes() -> None:
    """Where everything agrees, every invariant passes and the whole does."""
    judged = judge(sound_case())
    assert [(one.name, one.details) for one in judged if one.ruling is not Ruling.PASS] == []
    assert overall(judged) is Ruling.PASS
    assert sorted(rulings(sound_case())) == list(range(1, 10))


@pytest.mark.parametrize(("number", "plant"), [planted[1:] for planted in PLANTED], ids=[one[0] for one in PLANTED])
def test_a_planted_violation_fails_its_invariant(number: int, plant: Plant) -> None:
    """What is planted is found under the invariant it breaks, and the whole fails."""
    case = sound_case()
    plant(case)
    judged = rulings(case)
    assert judged[number].ruling is Ruling.FAIL, {key: one.details for key, one in judged.items()}
    assert judged[number].details
    assert overall(judged.values()) is Ruling.FAIL


def test_a_failover_in_order_passes() -> None:
    """A payment that was tried at two gateways, and a breaker that opened and closed, break nothing."""
    judged = judge(sound_case(failed_over=True))
    assert [(one.name, one.details) for one in judged if one.ruling is not Ruling.PASS] == []


@pytest.mark.parametrize(
    ("rule", "plant"),
    [planted[1:] for planted in (*OF_ATTEMPTS, *OF_QUOTES)],
    ids=[one[0] for one in (*OF_ATTEMPTS, *OF_QUOTES)],
)
def test_a_planted_violation_of_attempts_fails_its_invariant(rule: str, plant: Callable[[Evidence], None]) -> None:
    """What is wrong about attempts, breakers and quotes is found under its invariant, by its rule."""
    case = sound_case(failed_over=not rule.startswith("quotes"), by_quote=rule.startswith("quotes"))
    plant(case.stack)
    judged = rulings(case)[OF_RULE[rule]]
    assert judged.ruling is Ruling.FAIL
    assert any(detail.startswith(f"{rule}: ") for detail in judged.details), judged.details


@pytest.mark.parametrize("lost", ["payment.attempt_failed", "gateway.breaker_opened", "gateway.breaker_closed"])
def test_a_run_without_a_failover_or_a_breaker_proves_nothing_of_them(lost: str) -> None:
    """What did not happen is unknown, and so is the whole."""
    case = sound_case(failed_over=True)
    assert judge_gateways(case).ruling is Ruling.PASS
    case.stack.events = [event for event in case.stack.events if event["type"] != lost]
    assert judge_gateways(case).ruling is Ruling.UNKNOWN


def test_every_rule_was_seen_to_find_something() -> None:
    """No rule of the verdict is there that no planted violation breaks."""
    found = set(OF_RULE)
    for _, _, plant in PLANTED:
        case = sound_case()
        plant(case)
        found |= {detail.partition(":")[0] for judged in judge(case) for detail in judged.details}
    assert {rule.__name__ for invariant in INVARIANTS for rule, _ in invariant.rules} <= found


@pytest.mark.parametrize("witness", list(Witness))
def test_a_witness_that_cannot_be_read_makes_its_invariants_unknown(witness: Witness) -> None:
    """What could not be read is never a pass: every invariant that needs it is unknown, and so is the whole."""
    case = sound_case()
    case.unread[witness] = "the connection broke"
    unknown = {int(one.name.partition(" ")[0]) for one in judge(case) if one.ruling is Ruling.UNKNOWN}
    needing = {
        int(invariant.name.partition(" ")[0])
        for invariant in INVARIANTS
        if any(witness in needs for _, needs in invariant.rules)
    }
    assert unknown == needing
    assert needing
    assert overall(judge(case)) is Ruling.UNKNOWN


def test_a_violation_that_was_seen_is_not_excused_by_a_witness_that_was_not() -> None:
    """A double charge in the journal fails although the database could not be read."""
    case = sound_case()
    case.stack.journal.append(effect("authorised", 500, "pay_1:authorise:2"))
    case.unread[Witness.DATABASE] = "away"
    assert rulings(case)[3].ruling is Ruling.FAIL
    assert overall(judge(case)) is Ruling.FAIL


def test_a_payment_by_quote_that_was_retried_is_in_order() -> None:
    """What the client was quoted is charged, and a retry has one attempt for its key."""
    case = sound_case()
    quoted(500)(case)
    retried(by_hand=1)(case)
    add_exchange("/payments/pay_1/retry", 200, PAYMENT, key="k-retry")(case)
    assert rulings(case)[4].ruling is Ruling.PASS
    assert rulings(case)[7].ruling is Ruling.PASS
    assert rulings(case)[9].details == []


def test_a_refusal_before_the_success_is_in_order() -> None:
    """A key that was refused has changed nothing and may be used again."""
    case = sound_case()
    change_answer(case, 1, status=409, error=None)
    assert overall(judge(case)) is Ruling.PASS


def test_a_webhook_that_was_sent_again_is_in_order() -> None:
    """What was promised again has one attempt more than was needed."""
    case = sound_case()
    add_exchange(AGAIN, 200, {"attempt": {"number": 2}}, key="k-again")(case)
    case.stack.deliveries[0]["attempt_count"] = 2
    case.stack.attempts.append(case.stack.attempts[0] | {"number": 2, "trigger": "manual"})
    case.arrivals = [*case.arrivals, case.arrivals[0]]
    assert overall(judge(case)) is Ruling.PASS


def test_many_findings_are_counted_and_not_all_shown() -> None:
    """A run with a thousand violations of one kind can still be read."""
    case = sound_case()
    case.exchanges = [
        *case.exchanges,
        *(exchange(f"/payments/pay_{number}", 404, {}, method="GET") for number in range(1_000)),
    ]
    details = rulings(case)[9].details
    assert len(details) == 6
    assert details[-1] == "named_resources_are_found: and 995 more"
