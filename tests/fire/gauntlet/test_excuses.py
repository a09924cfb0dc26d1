"""What a restore of the database excuses, and what it does not: an excuse that is too wide can hide a lost payment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clearway.recovery.books import Missing
from clearway.recovery.rebuilding import Rebuilt
from tests.fire.gauntlet import client_rules
from tests.fire.gauntlet.case import Case
from tests.fire.gauntlet.client import Exchange
from tests.fire.gauntlet.excuses import excuse, still_counted
from tests.fire.gauntlet.past import Listed, Past, Restore, operations_listed
from tests.fire.gauntlet.sound_case import PAYMENT, REFUND, exchange, sound_case
from tests.fire.gauntlet.verdict import Ruling, judge, overall
from tests.support.evidence import Record

COPIED, PUT_BACK = 100.0, 130.0
BEFORE, DURING, AFTER = 50.0, 110.0, 140.0
LOST_ORDER = {"object": "order", "id": "order_9", "amount": 700, "currency": "INR"}
LOST = PAYMENT | {"id": "pay_9", "order_id": "order_9", "amount": 700}
KEY = "pay_9:authorise:1"
REFUSED = Listed(Missing.ROW, Rebuilt.REFUSED)
IMPOSSIBLE = Listed(Missing.ROW, Rebuilt.IMPOSSIBLE)


def past(listed: dict[str, Listed] | None = None, stores_lost: tuple[float, ...] = ()) -> Past:
    """Describe a run whose database was copied at 100 s and put back at 130 s."""
    return Past((Restore((COPIED, COPIED), (PUT_BACK, PUT_BACK)),), listed or {}, stores_lost)


def judged(case: Case, what: Past) -> Ruling:
    """Excuse, then judge."""
    excuse(case, what)
    return overall(judge(case))


def with_exchanges(case: Case, *more: Exchange) -> Case:
    """Add answers that clients got."""
    case.exchanges = [*case.exchanges, *more]
    return case


def charge(at: float, key: str = KEY, kind: str = "authorised", payment_id: str = "pay_9") -> Record:
    """Describe an effect at the gateway at this time. The rest of the journal is from before the copy."""
    return {
        "type": kind,
        "payment_id": payment_id,
        "operation_key": key,
        "payment_reference": f"sim_{payment_id}",
        "gateway": "simulator",
        "amount": 200 if kind == "refunded" else 700,
        "currency": "INR",
        "occurred_at": f"1970-01-01T00:{int(at) // 60:02}:{int(at) % 60:02}.000000Z",
    }


def case_with(*effects: Record) -> Case:
    """Return the sound case, whose own effects took place before the copy, with more of them."""
    case = sound_case()
    for effect in case.stack.journal:
        effect["occurred_at"] = "1970-01-01T00:00:10.000000Z"
    case.stack.journal += effects
    return case


def made(at: float) -> tuple[Exchange, Exchange]:
    """Describe the order and payment that a client made at this time."""
    return exchange("/orders", 201, LOST_ORDER, key="k-9-order", at=at), exchange(
        "/payments", 201, LOST, key="k-9", at=at + 2
    )


def test_without_a_restore_nothing_is_excused() -> None:
    """A payment that was answered and is not recorded is lost, also when `recover` lists its charge."""
    case = with_exchanges(case_with(charge(DURING)), *made(DURING))
    assert excuse(case, Past(listed={KEY: REFUSED})) == {}
    assert overall(judge(case)) is Ruling.FAIL


def test_what_was_made_between_copy_and_restore_may_be_forgotten() -> None:
    """Its answers prove nothing, a later 404 about it is in order, and its charge is listed for a person."""
    asked_later = exchange("/payments/pay_9", 404, {}, method="GET", at=AFTER)
    ordered_later = exchange("/payments", 404, {}, key="k-10", body={"order_id": "order_9"}, at=AFTER)
    case = with_exchanges(case_with(charge(DURING)), *made(DURING), asked_later, ordered_later)
    forgotten = excuse(case, past({KEY: IMPOSSIBLE}, stores_lost=(120.0,)))
    assert [each.details for each in judge(case) if each.ruling is not Ruling.PASS] == []
    assert forgotten == {
        "answers": 2,
        "orders": 1,
        "payments": 1,
        "payments charged and not recorded again": 1,
        "effects listed for a person": 1,
    }


@pytest.mark.parametrize(("kind", "ruling"), [("voided", Ruling.PASS), ("captured", Ruling.FAIL)])
def test_a_release_is_listed_with_its_authorisation(kind: str, ruling: Ruling) -> None:
    """A gateway that releases the rest without an operation of its own lists only what it took."""
    more = charge(DURING, "pay_9:capture:1" if kind == "captured" else "pay_9:void:1", kind)
    case = with_exchanges(case_with(charge(DURING), more), *made(DURING))
    assert judged(case, past({KEY: IMPOSSIBLE}, stores_lost=(120.0,))) is ruling


@pytest.mark.parametrize("at", [BEFORE, AFTER])
def test_what_was_made_outside_of_that_time_must_be_there(at: float) -> None:
    """A payment answered before the copy or after the restore is lost when it has no row, listed or not."""
    case = with_exchanges(case_with(charge(at)), *made(at))
    assert judged(case, past({KEY: REFUSED})) is Ruling.FAIL


def test_other_answers_of_the_same_business_are_no_excuse() -> None:
    """When one answer of a business was forgotten, its answers from before the copy must still hold."""
    case = with_exchanges(
        case_with(), *made(BEFORE), exchange("/payments/pay_1", 200, PAYMENT, method="GET", at=DURING)
    )
    assert judged(case, past()) is Ruling.FAIL


@pytest.mark.parametrize(
    ("name", "effect", "listed", "stores_lost"),
    [
        ("nobody lists it", charge(DURING), {}, ()),
        ("it was charged before the copy, so its row was in the copy", charge(BEFORE), {KEY: REFUSED}, ()),
        ("it is still being recorded", charge(DURING), {KEY: Listed(Missing.ROW, Rebuilt.RECORDED_AGAIN)}, ()),
        ("its workflow runs", charge(DURING), {KEY: Listed(Missing.ROW, Rebuilt.CHECKING)}, ()),
        ("its row has ended otherwise", charge(DURING), {KEY: Listed(Missing.ROW, Rebuilt.ENDED)}, ()),
        ("its history is gone, and no store was lost", charge(DURING), {KEY: IMPOSSIBLE}, ()),
        ("its history is gone, and the store was lost before", charge(DURING), {KEY: IMPOSSIBLE}, (105.0,)),
        ("it has a row", charge(DURING), {KEY: Listed(Missing.BOOKING, Rebuilt.REFUSED)}, ()),
    ],
)  # fmt: skip
def test_a_charge_without_a_row_needs_a_reason_that_holds(
    name: str, effect: Record, listed: dict[str, Listed], stores_lost: tuple[float, ...]
) -> None:
    """What the gateway took and nobody recorded is excused only where nobody could record it."""
    case = with_exchanges(case_with(effect), *made(DURING))
    assert judged(case, past(listed, stores_lost)) is Ruling.FAIL, name


@pytest.mark.parametrize(("status", "ruling"), [(None, Ruling.FAIL), ("free", Ruling.FAIL), ("paid", Ruling.PASS)])
def test_a_payment_is_refused_only_where_another_has_its_order(status: str | None, ruling: Ruling) -> None:
    """An order that is gone is recorded again with its payment, and one that is free can take it."""
    case = with_exchanges(case_with(charge(DURING)), *made(DURING))
    if status is not None:
        case.stack.orders.append(case.stack.orders[0] | {"id": "order_9", "status": "attempted", "amount_minor": 700})
    if status == "paid":
        with_exchanges(case, exchange("/payments", 201, LOST | {"order_id": "order_1"}, key="k-9", at=DURING + 4))
    assert judged(case, past({KEY: REFUSED})) is ruling


def test_a_refund_is_not_refused_while_its_payment_is_there_and_whole() -> None:
    """`recover` says that the payment is gone or given back; where it is neither, the refund is lost."""
    lost = charge(DURING, "rfnd_9:refund:1", "refunded", "pay_1")
    listed = {"rfnd_9:refund:1": REFUSED}
    case = case_with(lost)
    case.stack.refunds.clear()
    assert judged(case, past(listed)) is Ruling.FAIL


def test_an_operation_of_a_payment_that_is_there_is_never_taken_out() -> None:
    """A second charge of a payment that has a row stays in the evidence, although `recover` lists it."""
    case = case_with(charge(DURING, "pay_1:authorise:2", payment_id="pay_1"))
    listed = {"pay_1:authorise:2": REFUSED}
    assert judged(case, past(listed)) is Ruling.FAIL
    assert case.stack.journal[-1]["operation_key"] == "pay_1:authorise:2"


def test_a_key_that_was_forgotten_may_be_used_once_more() -> None:
    """A repeat of a forgotten request is a new request: two payments of one key are excused, a third is not."""
    assert keys_with_two_effects(payment_answered("pay_10", AFTER), "pay_9", "pay_10") == []
    assert keys_with_two_effects(payment_answered("pay_10", AFTER), "pay_9", "pay_10", "pay_11") != []
    assert keys_with_two_effects(payment_answered("pay_12", AFTER), "pay_9", "pay_10") != []


def test_a_key_that_was_done_before_the_copy_is_held_to_it() -> None:
    """Its payment was in the copy, so a second one is a double payment."""
    assert keys_with_two_effects(payment_answered("pay_9", BEFORE), "pay_9") == []
    assert keys_with_two_effects(payment_answered("pay_9", BEFORE), "pay_9", "pay_10") != []


def payment_answered(payment_id: str, at: float) -> Exchange:
    """Describe an answer under the key `k-9`."""
    return exchange("/payments", 201, LOST | {"id": payment_id}, key="k-9", at=at)


def keys_with_two_effects(also: Exchange, *made: str) -> list[str]:
    """Return what the rule finds when `k-9` was answered with pay_9 in the lost time, and has made these payments."""
    case = with_exchanges(case_with(), payment_answered("pay_9", DURING), also)
    case.stack.payments += [case.stack.payments[0] | {"id": each, "notes": {"key": "k-9"}} for each in made]
    excuse(case, past())
    return list(client_rules.keys_have_one_effect(case))


def test_reads_of_that_time_prove_nothing_and_others_still_do() -> None:
    """A status read between copy and restore may be taken back. One read before the copy may not."""
    for at, ruling in ((DURING, Ruling.PASS), (BEFORE, Ruling.FAIL)):
        seen = exchange("/payments/pay_1", 200, PAYMENT | {"status": "failed"}, method="GET", at=at)
        assert judged(with_exchanges(case_with(), seen), past()) is ruling


def test_a_404_about_what_was_known_before_is_no_excuse() -> None:
    """A thing that a client knew before the copy is always found, also when a later answer named it again."""
    again = exchange("/payments", 201, PAYMENT, key="k-pay", at=DURING)
    case = with_exchanges(case_with(), again, exchange("/payments/pay_1", 404, {}, method="GET", at=AFTER))
    assert judged(case, past()) is Ruling.FAIL


@pytest.mark.parametrize(("asked_at", "ruling"), [(AFTER, Ruling.PASS), (AFTER + 20, Ruling.FAIL)])
def test_what_is_there_again_does_not_vanish_again(asked_at: float, ruling: Ruling) -> None:
    """A payment of the lost time is not found until it is recorded again, and is found from then on."""
    lost = PAYMENT | {"id": "pay_9"}
    case = with_exchanges(
        case_with(),
        exchange("/payments/pay_9", 200, lost, method="GET", at=DURING),
        exchange("/payments/pay_9", 200, lost, method="GET", at=AFTER + 10),
        exchange("/payments/pay_9", 404, {}, method="GET", at=asked_at),
    )
    assert judged(case, past()) is ruling


@pytest.mark.parametrize(("at", "ruling"), [(BEFORE, Ruling.FAIL), (DURING, Ruling.PASS), (200.0, Ruling.FAIL)])
def test_a_webhook_without_an_event_must_be_of_that_time(at: float, ruling: Ruling) -> None:
    """Events are forgotten with their rows; a webhook before the copy, or long after the restore, is of none."""
    case = case_with()
    case.arrivals = [*case.arrivals, replace(case.arrivals[0], webhook_id="evt_lost", at=at)]
    assert judged(case, past()) is ruling


@pytest.mark.parametrize(("rotated_at", "ruling"), [(BEFORE, Ruling.FAIL), (DURING, Ruling.PASS), (None, Ruling.FAIL)])
def test_a_wrong_signature_needs_a_rotation_that_was_forgotten(rotated_at: float | None, ruling: Ruling) -> None:
    """The old secret signs again only when the change of it was lost."""
    case = case_with()
    if rotated_at is not None:
        rotated = {"id": "whe_1", "object": "webhook_endpoint", "secret": "whsec_x"}
        with_exchanges(
            case, exchange("/webhook_endpoints/whe_1/rotate_secret", 200, rotated, key="k-rotate", at=rotated_at)
        )
    case.arrivals = [*case.arrivals, replace(case.arrivals[0], verified=False, at=AFTER)]
    assert judged(case, past()) is ruling


def test_a_webhook_with_a_forgotten_secret_has_arrived() -> None:
    """What its receiver could not verify for a forgotten rotation counts as an arrival of its delivery."""
    rotated = {"id": "whe_1", "object": "webhook_endpoint", "secret": "whsec_x"}
    rotation = exchange("/webhook_endpoints/whe_1/rotate_secret", 200, rotated, key="k-rotate", at=DURING)
    case = with_exchanges(case_with(), rotation)
    case.arrivals = [replace(arrival, verified=False, at=AFTER) for arrival in case.arrivals]
    assert judged(case, past()) is Ruling.PASS


@pytest.mark.parametrize(("created_s", "counted", "ruling"), [
    (DURING, 3, Ruling.PASS), (AFTER, 3, Ruling.FAIL), (DURING, 0, Ruling.FAIL),
])  # fmt: skip
def test_attempts_may_be_forgotten_and_never_invented(created_s: float, counted: int, ruling: Ruling) -> None:
    """A run may count attempts that its row forgot; a row may not have attempts that nobody counted."""
    case = case_with()
    delivery = case.stack.deliveries[0]
    delivery["created_at"] = type(delivery["created_at"]).fromtimestamp(created_s, delivery["created_at"].tzinfo)
    delivery["schedule_attempts"] = counted
    assert judged(case, past()) is ruling


def test_a_capture_needs_a_request_for_it() -> None:
    """A request of the lost time counts as asked; a capture that nobody asked for is one too many."""
    capture = exchange("/payments/pay_1/capture", None, key="k-capture-2", at=DURING, error="ReadError")
    again = exchange("/payments/pay_1/capture", 409, {}, key="k-capture-2", at=AFTER)
    for asked, ruling in (((capture, again), Ruling.PASS), ((), Ruling.FAIL)):
        case = with_exchanges(case_with(), *asked)
        case.stack.captures[0]["amount_minor"] = 250
        case.stack.captures.append(case.stack.captures[0] | {"id": "cap_2"})
        assert judged(case, past()) is ruling


def test_a_client_that_broke_off_is_excused_only_by_what_was_forgotten() -> None:
    """A client counts as a witness unless it got an answer, or none, between copy and restore."""
    log = [
        exchange("/payments", 201, LOST, business=1, at=DURING),
        exchange("/payments", None, business=2, at=DURING, error="ReadError"),
        exchange("/payments", 409, {}, business=3, at=DURING),
        exchange("/payments", 201, LOST, business=4, at=BEFORE),
    ]
    failures = [f"business {number} (pays): KeyError: 'id'" for number in (1, 2, 3, 4)]
    assert still_counted(failures, log, past().restores) == failures[2:]
    assert still_counted(failures, log, ()) == failures


def test_what_recover_lists_is_read_by_key() -> None:
    """The key, the missing part and the result come from the command's JSON."""
    found = {"unrecorded": [{"key": KEY, "missing": "no row", "rebuilt": str(Rebuilt.REFUSED), "gateway": "simulator"}]}
    assert operations_listed(found) == {KEY: REFUSED}
    assert REFUND["id"] not in operations_listed(found)
