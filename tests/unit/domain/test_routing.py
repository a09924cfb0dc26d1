"""Routing: the first rule that fits, what a gateway cannot express, what seems broken, and stable splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from clearway.domain.money import Money
from clearway.domain.payment import CaptureMethod, PaymentMethod, UpiFlow
from clearway.domain.routing import BreakerSays, Candidate, ChosenBy, Decision, Why, decide, decide_for
from clearway.domain.routing_conditions import CardBrand, PaymentFacts, brand_of
from clearway.domain.routing_program import (
    EMPTY,
    Program,
    ProgramInvalidError,
    gateways_named,
    problems,
    read_program,
    warnings,
)

A, B, C = (f"gw_{letter * 26}" for letter in "abc")
FACTS = PaymentFacts(
    payment_id="pay_1",
    method=PaymentMethod.CARD,
    currency="INR",
    amount_minor=50_000,
    capture_method=CaptureMethod.AUTOMATIC,
    at=datetime(2026, 11, 26, 20, 30, tzinfo=UTC),  # a Thursday
    country="IN",
    card_brand=CardBrand.VISA,
    card_bin="424242",
    customer_id="c-1",
    notes={"tier": "gold"},
)


@dataclass(frozen=True)
class Takes:
    """What a gateway can express."""

    methods: frozenset[PaymentMethod] = frozenset(PaymentMethod)

    def refusal(
        self,
        method: PaymentMethod,
        money: Money,
        capture_method: CaptureMethod,
        upi: UpiFlow | None = None,  # noqa: ARG002
    ) -> str | None:
        """Refuse other methods."""
        return None if method in self.methods else f"it does not take {method.value}: {money} {capture_method}"


def candidate(gateway_id: str, **changes: Any) -> Candidate:
    """Return a gateway that takes everything."""
    return replace(Candidate(gateway_id, "simulator", "One", enabled=True, expresses=Takes()), **changes)


THREE = [candidate(A), candidate(B), candidate(C)]


def single(gateway_id: str) -> dict[str, Any]:
    """Return an output."""
    return {"type": "single", "gateway": gateway_id}


def program(*rules: Mapping[str, Any], **more: Any) -> Program:
    """Return a program of rules that send to B, unless they say otherwise."""
    filled = [{"name": f"rule {number}", "output": single(B)} | dict(rule) for number, rule in enumerate(rules)]
    return read_program({"rules": filled} | more)


def when(*conditions: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return a rule with one statement."""
    return {"statements": [{"conditions": list(conditions)}]} | more


def why(decision: Decision) -> dict[str, Why]:
    """Return why each gateway is left out."""
    return {each.gateway_id: each.why for each in decision.left_out}


@pytest.mark.parametrize(
    ("condition", "fulfilled"),
    [
        ({"field": "method", "is": "one_of", "value": ["card", "upi"]}, True),
        ({"field": "method", "is": "none_of", "value": ["card"]}, False),
        ({"field": "currency", "is": "one_of", "value": ["USD"]}, False),
        ({"field": "currency", "is": "none_of", "value": ["USD"]}, True),
        ({"field": "amount", "is": "at_least", "value": 50_000, "currency": "INR"}, True),
        ({"field": "amount", "is": "greater_than", "value": 50_000, "currency": "INR"}, False),
        ({"field": "amount", "is": "at_most", "value": 50_000, "currency": "INR"}, True),
        ({"field": "amount", "is": "less_than", "value": 50_000, "currency": "INR"}, False),
        ({"field": "amount", "is": "equal", "value": 50_000, "currency": "INR"}, True),
        ({"field": "amount", "is": "at_least", "value": 1, "currency": "JPY"}, False),
        ({"field": "capture_method", "is": "one_of", "value": ["manual"]}, False),
        ({"field": "country", "is": "one_of", "value": ["IN"]}, True),
        ({"field": "card_brand", "is": "one_of", "value": ["visa"]}, True),
        ({"field": "card_bin", "is": "one_of", "value": ["4242", "5555"]}, True),
        ({"field": "card_bin", "is": "none_of", "value": ["4242"]}, False),
        ({"field": "customer", "is": "one_of", "value": ["c-1"]}, True),
        ({"field": "note", "key": "tier", "is": "one_of", "value": ["gold"]}, True),
        ({"field": "note", "key": "tier", "is": "none_of", "value": ["gold"]}, False),
        ({"field": "time", "days": ["thu"], "from": "20:00", "to": "21:00"}, True),
        ({"field": "time", "days": ["fri"]}, False),
        ({"field": "time", "zone": "Asia/Kolkata", "days": ["fri"], "from": "02:00", "to": "02:01"}, True),
        ({"field": "time", "from": "20:00", "to": "02:00", "days": ["thu"]}, True),
        ({"field": "time", "from": "22:00", "to": "21:00", "days": ["wed"]}, True),
        ({"field": "time", "from": "22:00", "to": "21:00", "days": ["thu"]}, False),
        ({"field": "moment", "is": "from", "value": "2026-11-26T20:30:00Z"}, True),
        ({"field": "moment", "is": "before", "value": "2026-11-26T20:30:00Z"}, False),
    ],
    ids=str,
)
def test_a_condition(condition: dict[str, Any], *, fulfilled: bool) -> None:
    """Each kind of condition says what it is read to say; an amount in another currency is never compared."""
    decision = decide(program(when(condition)), 1, FACTS, THREE)

    assert decision.gateways[0] == (B if fulfilled else A)


@pytest.mark.parametrize("wanted", ["one_of", "none_of"])
@pytest.mark.parametrize(
    "condition",
    [
        {"field": "country", "value": ["IN"]},
        {"field": "card_brand", "value": ["visa"]},
        {"field": "card_bin", "value": ["4242"]},
        {"field": "customer", "value": ["c-1"]},
        {"field": "note", "key": "tier", "value": ["gold"]},
    ],
    ids=lambda condition: condition["field"],
)
def test_what_is_not_known_fulfils_nothing(condition: dict[str, Any], wanted: str) -> None:
    """A fact that is not known fulfils no condition: it is neither in a list nor outside it."""
    unknown = replace(FACTS, country=None, card_brand=None, card_bin=None, customer_id=None, notes={})

    assert decide(program(when(condition | {"is": wanted})), 1, unknown, THREE).by is ChosenBy.PRIORITY


def test_the_first_rule_that_fits_decides() -> None:
    """Rules are asked in order; all conditions of a statement must hold, and one statement of a rule."""
    card, euro = (
        {"field": "method", "is": "one_of", "value": ["card"]},
        {"field": "currency", "is": "one_of", "value": ["EUR"]},
    )
    made = program(
        when(card, euro, name="both"),
        {"name": "either", "statements": [{"conditions": [euro]}, {"conditions": [card]}], "output": single(C)},
        when(card, name="later"),
    )

    decision = decide(made, 7, FACTS, THREE)

    assert (decision.rule, decision.gateways, decision.by, decision.version) == ("either", (C,), ChosenBy.RULE, 7)


def test_nested_statements_need_one_that_holds() -> None:
    """A statement with nested ones holds when its conditions do, and one of the nested."""
    card = {"field": "method", "is": "one_of", "value": ["card"]}
    nested = [{"conditions": [{"field": "currency", "is": "one_of", "value": [code]}]} for code in ("EUR", "INR")]

    fits = program({"statements": [{"conditions": [card], "nested": nested}]})
    fails = program({"statements": [{"conditions": [card], "nested": nested[:1]}]})

    assert decide(fits, 1, FACTS, THREE).by is ChosenBy.RULE
    assert decide(fails, 1, FACTS, THREE).by is ChosenBy.PRIORITY


def test_without_rules_the_priority_decides() -> None:
    """The enabled gateways are tried in the order of priority, at most as many as the program says."""
    gateways = [candidate(A, enabled=False), candidate(B), candidate(C)]

    decision = decide(EMPTY, None, FACTS, gateways)

    assert (decision.gateways, decision.by, decision.rule) == ((B, C), ChosenBy.PRIORITY, None)
    assert decide(program(gateways_max=1), 1, FACTS, gateways).gateways == (B,)


def test_a_gateway_that_cannot_take_the_payment_is_left_out_with_the_reason() -> None:
    """What is disabled, deleted or cannot express the payment is not sent to, and the decision says why."""
    made = program({"output": {"type": "priority", "gateways": [A, B, C, f"gw_{'d' * 26}"]}})
    upi_only = Takes(frozenset({PaymentMethod.UPI}))
    gateways = [candidate(A, enabled=False), candidate(B, expresses=upi_only), candidate(C)]

    decision = decide(made, 1, FACTS, gateways)

    assert decision.gateways == (C,)
    assert why(decision) == {A: Why.DISABLED, B: Why.CANNOT, f"gw_{'d' * 26}": Why.UNKNOWN}
    assert any(each.reason.startswith("it does not take card") for each in decision.left_out)


def test_a_rule_without_a_usable_gateway_falls_back_or_refuses() -> None:
    """`otherwise` says whether the payment may go elsewhere than the rule says."""
    gateways = [candidate(A), candidate(B, enabled=False)]

    falls = decide(program({}), 1, FACTS, gateways)
    refused = decide(program({"otherwise": "refuse"}), 1, FACTS, gateways)

    assert (falls.gateways, falls.fell_back, falls.rule) == ((A,), True, "rule 0")
    assert (refused.gateways, refused.fell_back) == ((), False)


def test_an_open_breaker_is_left_out_while_another_works() -> None:
    """A gateway with an open breaker is left out while another works, and the decision says so."""
    gateways = [candidate(A, breaker=BreakerSays.OPEN), candidate(B), candidate(C, breaker=BreakerSays.PROBED)]

    decision = decide(EMPTY, None, FACTS, gateways)

    assert decision.gateways == (B,)
    assert why(decision) == {A: Why.BREAKER_OPEN, C: Why.BREAKER_PROBING}


def test_a_broken_gateway_is_tried_when_there_is_no_other() -> None:
    """A sole gateway with an open breaker still gets the payment: to refuse it would surely lose the sale."""
    decision = decide(EMPTY, None, FACTS, [candidate(A, breaker=BreakerSays.OPEN)])

    assert (decision.gateways, decision.despite_breaker, decision.left_out) == ((A,), True, ())


def test_a_default_that_works_comes_before_a_rule_that_is_broken() -> None:
    """The last resort is the last: first everything that works, unless the rule forbids other gateways."""
    gateways = [candidate(A), candidate(B, breaker=BreakerSays.OPEN)]

    assert decide(program({}), 1, FACTS, gateways).gateways == (A,)
    refuses = decide(program({"otherwise": "refuse"}), 1, FACTS, gateways)
    assert (refuses.gateways, refuses.despite_breaker) == ((B,), True)


def test_a_probe_needs_a_gateway_to_go_to() -> None:
    """A gateway that is tried again keeps its place if another works; two are never tried by one payment."""
    trying = [candidate(A, breaker=BreakerSays.PROBE), candidate(B, breaker=BreakerSays.PROBE), candidate(C)]

    movable = replace(FACTS, method=PaymentMethod.UPI)
    decision = decide(EMPTY, None, movable, trying)

    assert (decision.gateways, why(decision)) == ((A, C), {B: Why.BREAKER_PROBING})
    assert decide(EMPTY, None, movable, trying[:1]).despite_breaker


def test_a_payment_that_cannot_move_probes_only_what_waited_long() -> None:
    """A card stays at its gateway, so it tries a half-open breaker only when no other payment did for long."""
    card = replace(FACTS, method=PaymentMethod.CARD)
    for says, chosen in ((BreakerSays.PROBE, (B,)), (BreakerSays.PROBE_BY_ANY, (A, B))):
        gateways = [candidate(A, breaker=says), candidate(B)]
        assert decide(EMPTY, None, card, gateways).gateways == chosen


def test_a_named_gateway_is_the_only_one() -> None:
    """A request that names its gateway gets that gateway or is refused, also when its breaker is open."""
    gateways = [candidate(A), candidate(B, breaker=BreakerSays.OPEN), candidate(C, enabled=False)]

    assert decide_for(B, FACTS, gateways).gateways == (B,)
    assert decide_for(C, FACTS, gateways).gateways == ()
    assert decide_for(A, FACTS, gateways).by is ChosenBy.REQUEST


def test_a_split_is_stable_and_keeps_its_percentages() -> None:
    """A payment stays in its part, parts are as large as they say, and two rules split independently."""
    shares = [{"percent": 80, "gateways": [A]}, {"percent": 20, "gateways": [B]}, {"percent": 0, "gateways": [C]}]
    made = program({"output": {"type": "split", "shares": shares}})
    named_otherwise = program({"name": "other", "output": {"type": "split", "shares": shares}})
    facts = [replace(FACTS, payment_id=f"pay_{number}") for number in range(5_000)]

    first = [decide(made, 1, each, THREE).gateways for each in facts]
    other = [decide(named_otherwise, 1, each, THREE).gateways for each in facts]
    counted = Counter(gateways[0] for gateways in first)

    assert first == [decide(made, 1, each, THREE).gateways for each in facts]
    assert 0.78 < counted[A] / 5_000 < 0.82
    assert counted[C] == 0
    assert 0.6 < sum(left == right for left, right in zip(first, other, strict=True)) / 5_000 < 0.76
    assert set(first) == {(A, B), (B, A)}, "the other part is where a payment can go"


def test_a_decision_holds_no_personal_data() -> None:
    """What is stored with the payment has neither the customer nor notes nor digits of a card."""
    stored = str(
        decide(program(when({"field": "customer", "is": "one_of", "value": ["c-1"]})), 1, FACTS, THREE).to_json()
    )

    assert not any(secret in stored for secret in ("c-1", "gold", "424242"))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "program: This must be a JSON object"),
        ({"rule": []}, "rule: Unknown field"),
        ({"rules": [{"name": "x"}]}, "rules.0.output: This field is required"),
        ({"rules": [{"name": "x", "output": {"type": "one"}}]}, "Use one of 'single', 'priority', 'split'"),
        ({"rules": [{"name": "x", "output": single("stripe")}]}, "must be the id of a gateway"),
        ({"default": {"type": "priority", "gateways": []}}, "This needs at least 1 item"),
        ({"default": {"type": "priority", "gateways": [A, A]}}, f"{A} is in the list twice"),
        ({"default": {"type": "split", "shares": [{"percent": 90, "gateways": [A]}]}}, "sum to 90"),
        ({"gateways_max": 4}, "less than or equal to 3"),
        ({"rules": [{"name": "x", "output": single(A)}] * 2}, "Two rules are called 'x'"),
        ({"rules": [{"name": "x", "statements": [{}], "output": single(A)}]}, "Add a condition"),
    ],
    ids=str,
)
def test_what_is_no_program_is_refused_with_what_to_change(document: Any, said: str) -> None:
    """A message names the place and says what to change."""
    with pytest.raises(ProgramInvalidError) as refused:
        read_program(document)

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"field": "colour", "is": "one_of", "value": ["red"]}, "There is no 'field' 'colour'"),
        ({"field": "currency", "is": "one_of", "value": ["inr"]}, "not an ISO 4217 currency code"),
        ({"field": "amount", "is": "at_least", "value": 5}, "amount.currency: This field is required"),
        ({"field": "amount", "is": "at_least", "value": 5.5, "currency": "INR"}, "valid integer"),
        ({"field": "country", "is": "one_of", "value": ["India"]}, "must be a country of two capital letters"),
        ({"field": "time", "zone": "Mars"}, "There is no such time zone"),
        ({"field": "time", "from": "09:00", "to": "09:00"}, "Leave both out"),
        ({"field": "time", "from": "24:00"}, "must be a time of day, such as 09:30"),
        ({"field": "moment", "is": "from", "value": "2026-11-26T20:30:00"}, "timezone"),
        ({"field": "moment", "is": "from", "value": 0}, "Write a date and time"),
    ],
    ids=str,
)
def test_a_condition_that_cannot_be_one_is_refused(condition: dict[str, Any], said: str) -> None:
    """Values are of the type of their field."""
    with pytest.raises(ProgramInvalidError) as refused:
        program(when(condition))

    assert said in str(refused.value)


def test_statements_are_not_nested_without_end() -> None:
    """What a person cannot follow is refused."""
    statement: dict[str, Any] = {"conditions": [{"field": "method", "is": "one_of", "value": ["upi"]}]}
    for _ in range(3):
        statement = {"nested": [statement]}

    with pytest.raises(ProgramInvalidError, match="nested deeper than 3"):
        program({"statements": [statement]})


def test_a_program_is_read_as_it_was_written() -> None:
    """The JSON form goes to the database and back unchanged."""
    made = program(
        when({"field": "time", "zone": "Asia/Kolkata", "from": "09:00", "to": "18:00"}, otherwise="refuse"),
        default={"type": "split", "shares": [{"percent": 100, "gateways": [A, B]}]},
        gateways_max=3,
    )

    assert read_program(made.to_json()) == made
    assert [place for place, _ in gateways_named(made)] == [
        "rules.0.output.gateway",
        "default.shares.0.gateways.0",
        "default.shares.0.gateways.1",
    ]


def test_gateways_of_others_and_rules_without_effect_are_found() -> None:
    """A gateway that the merchant does not have is a problem; one that is disabled is a warning, as is a dead rule."""
    made = program({"name": "all"}, when({"field": "method", "is": "one_of", "value": ["upi"]}, name="late"))

    assert problems(made, [A]) == tuple(
        f"rules.{n}.output.gateway: You have no gateway {B}. Name one of yours" for n in (0, 1)
    )
    assert problems(made, [A, B]) == ()
    assert [text.partition(":")[0] for text in warnings(made, [A])] == [
        "rules.0.output.gateway",
        "rules.1.output.gateway",
        "Rule 'late' is never reached",
    ]


@pytest.mark.parametrize(
    ("digits", "brand"),
    [("424242", "visa"), ("555555", "mastercard"), ("222300", "mastercard"), ("378282", "amex"), ("601111", "discover"),
     ("305693", "diners"), ("356600", "jcb"), ("620000", "unionpay"), ("607400", "rupay"), ("999999", None)],
)  # fmt: skip
def test_brands_by_first_digits(digits: str, brand: str | None) -> None:
    """The network of a card is read from its first digits."""
    assert brand_of(digits) == brand
