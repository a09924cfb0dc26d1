"""A merchant's routing rules as one program: the first rule that matches names the gateways, in order.

    program    rules, in order           default: for payments that no rule fits
    rule       statements: one must hold    output: where to
    statement  conditions: all must hold    nested: and one of these, if there are any
    output     single, priority or split

The classes are the JSON form. `problems` is what pydantic cannot know: whether the gateways are the merchant's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import cached_property, partial
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from clearway.domain.field_checks import plain_text
from clearway.domain.forms import wanted
from clearway.domain.ids import BODY_LENGTH
from clearway.domain.routing_conditions import Condition, Node, PaymentFacts, Test
from clearway.domain.stable_share import POINTS, point_of
from clearway.domain.success_rate import SuccessRate

RULES_MAX: Final = 500
STATEMENTS_MAX: Final = 20
CONDITIONS_MAX: Final = 20
DEPTH_MAX: Final = 3
"""How deep statements may be nested."""
GATEWAYS_MAX: Final = 50
"""In one list."""
TRIED_MAX: Final = 3
"""Gateways for one payment: the first, and two failovers."""
TRIED_DEFAULT: Final = 2
PERCENT: Final = 100
NAME_FORM: Final = r"^\S(?:.*\S)?$"
"""Of a rule: without blanks at the ends."""

GatewayId = Annotated[
    str,
    StringConstraints(pattern=rf"^gw_[0-9a-z]{{{BODY_LENGTH}}}$"),
    Field(description="The id of one of your gateways.", examples=["gw_01m7yv51wdc6tzp8g6hb86sqk6"]),
]


def _distinct(gateways: tuple[str, ...]) -> tuple[str, ...]:
    twice = [gateway for gateway, times in Counter(gateways).items() if times > 1]
    if twice:
        raise PydanticCustomError("gateway_twice", "{gateway} is in the list twice. Remove one", {"gateway": twice[0]})
    return gateways


Gateways = Annotated[
    tuple[GatewayId, ...],
    Field(min_length=1, max_length=GATEWAYS_MAX, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_distinct),
]


class Single(Node):
    """One gateway."""

    type: Literal["single"]
    gateway: GatewayId

    def order(self, payment_id: str, salt: str) -> tuple[str, ...]:  # noqa: ARG002 - the same for every payment
        """Return the gateways, the first to be tried first."""
        return (self.gateway,)


class Priority(Node):
    """Several gateways, in this order."""

    type: Literal["priority"]
    gateways: Gateways

    def order(self, payment_id: str, salt: str) -> tuple[str, ...]:  # noqa: ARG002 - the same for every payment
        """Return the gateways, the first to be tried first."""
        return self.gateways


class Share(Node):
    """A part of the payments, and the gateways that it goes to, in this order."""

    percent: Annotated[int, Field(strict=True, ge=0, le=PERCENT)]
    gateways: Gateways


class Split(Node):
    """Payments in parts by percentage. The same payment always belongs to the same part.

    When no gateway of its part can take a payment, those of the other parts are tried, in the order of the list.
    """

    type: Literal["split"]
    shares: Annotated[tuple[Share, ...], Field(min_length=1, max_length=GATEWAYS_MAX)]

    @model_validator(mode="after")
    def _is_whole(self) -> Split:
        total = sum(share.percent for share in self.shares)
        if total != PERCENT:
            raise PydanticCustomError(
                "shares_not_whole", "The percentages sum to {total}. Make them sum to 100", {"total": total}
            )
        return self

    def order(self, payment_id: str, salt: str) -> tuple[str, ...]:
        """Return the gateways, the first to be tried first. salt: so that two rules do not split alike."""
        bound, point = 0, point_of(payment_id, salt)
        mine = self.shares[0]
        for share in self.shares:
            bound += share.percent * POINTS // PERCENT
            if point < bound:
                mine = share
                break
        others = (share for share in self.shares if share is not mine and share.percent > 0)
        return tuple(dict.fromkeys(gateway for share in (mine, *others) for gateway in share.gateways))


Output = Annotated[Single | Priority | Split, Field(discriminator="type")]


def _all(tests: tuple[Test, ...], facts: PaymentFacts) -> bool:
    for test in tests:  # noqa: SIM110 - a generator would cost more than the tests
        if not test(facts):
            return False
    return True


def _any(tests: tuple[Test, ...], facts: PaymentFacts) -> bool:
    for test in tests:  # noqa: SIM110 - a generator would cost more than the tests
        if test(facts):
            return True
    return False


def _always(_: PaymentFacts) -> bool:
    return True


class Statement(Node):
    """Conditions that must all hold, and further statements of which one must hold."""

    conditions: Annotated[tuple[Condition, ...], Field(max_length=CONDITIONS_MAX)] = ()
    nested: Annotated[tuple[Statement, ...], Field(max_length=STATEMENTS_MAX)] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Statement:
        if not self.conditions and not self.nested:
            raise PydanticCustomError("statement_empty", "Add a condition, or leave the statement out")
        return self

    def test(self) -> Test:
        """Return the predicate that a payment must fulfil."""
        own = tuple(condition.test() for condition in self.conditions)
        if not self.nested:
            return own[0] if len(own) == 1 else partial(_all, own)
        return partial(_all, (*own, partial(_any, tuple(statement.test() for statement in self.nested))))

    def depth(self) -> int:
        """Return how deep it is nested."""
        return 1 + max((each.depth() for each in self.nested), default=0)


class Otherwise(StrEnum):
    """What happens to a payment when no gateway of its rule can take it."""

    DEFAULT = "default"
    """It goes where payments go that no rule matches."""
    REFUSE = "refuse"
    """It is refused: the rule says where such payments may go at all."""


def _name(name: str) -> str:
    if name != name.strip():
        raise PydanticCustomError("name_not_plain", "Remove the blanks at the ends")
    return plain_text(name)


class Rule(Node):
    """Where payments go that match one of the statements. Without statements, the rule matches every payment.

    fixed_order: `success_rate` of the program does not change the order of its gateways.
    """

    name: Annotated[
        str,
        StringConstraints(min_length=1, max_length=64),
        AfterValidator(_name),
        Field(json_schema_extra={"pattern": NAME_FORM}),
    ]
    statements: Annotated[tuple[Statement, ...], Field(max_length=STATEMENTS_MAX)] = ()
    output: Output
    otherwise: Otherwise = Otherwise.DEFAULT
    fixed_order: Annotated[bool, Field(strict=True)] = False

    @model_validator(mode="after")
    def _is_shallow(self) -> Rule:
        if any(statement.depth() > DEPTH_MAX for statement in self.statements):
            raise PydanticCustomError(
                "nested_too_deep",
                "Statements are nested deeper than {depth}. Make two rules of it",
                {"depth": DEPTH_MAX},
            )
        return self

    def test(self) -> Test:
        """Return the predicate that a payment must fulfil."""
        tests = tuple(statement.test() for statement in self.statements)
        return tests[0] if len(tests) == 1 else partial(_any, tests or (_always,))


class Program(Node):
    """All the rules of a merchant. default: without it, the enabled gateways in the order of their priority.

    gateways_max: how many gateways are tried for one payment. success_rate: put gateways last whose approval
    rate dropped; without it, rates do not change the order.
    """

    rules: Annotated[tuple[Rule, ...], Field(max_length=RULES_MAX)] = ()
    default: Output | None = None
    gateways_max: Annotated[int, Field(strict=True, ge=1, le=TRIED_MAX)] = TRIED_DEFAULT
    success_rate: SuccessRate | None = None

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Program:
        twice = [name for name, times in Counter(rule.name for rule in self.rules).items() if times > 1]
        if twice:
            raise PydanticCustomError(
                "rule_twice", "Two rules are called '{name}'. Give each a name of its own", {"name": twice[0]}
            )
        return self

    def first_match(self, facts: PaymentFacts) -> Rule | None:
        """Return the first rule that a payment fulfils."""
        for test, rule in self._tests:
            if test(facts):
                return rule
        return None

    @cached_property
    def _tests(self) -> tuple[tuple[Test, Rule], ...]:
        return tuple((rule.test(), rule) for rule in self.rules)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


EMPTY: Final = Program()
"""No rules: every payment goes to the enabled gateways in the order of their priority."""


class ProgramInvalidError(ValueError):
    """The rules are not valid. problems: each names a place and says what to change."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_program(document: Any) -> Program:
    """Read the JSON form. Raises ProgramInvalidError with everything that is wrong."""
    try:
        return Program.model_validate(document)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        raise ProgramInvalidError(tuple(f"{_place(each['loc'])}: {_words(each)}" for each in found)) from None


def gateways_named(program: Program) -> Iterator[tuple[str, str]]:
    """Yield each gateway that the program names, with the place where it stands."""
    outputs = [(f"rules.{number}.output", rule.output) for number, rule in enumerate(program.rules)]
    if program.default is not None:
        outputs.append(("default", program.default))
    for place, output in outputs:
        match output:
            case Single():
                yield f"{place}.gateway", output.gateway
            case Priority():
                yield from ((f"{place}.gateways.{at}", gateway) for at, gateway in enumerate(output.gateways))
            case Split():
                for number, share in enumerate(output.shares):
                    for at, gateway in enumerate(share.gateways):
                        yield f"{place}.shares.{number}.gateways.{at}", gateway


def problems(program: Program, own: Iterable[str]) -> tuple[str, ...]:
    """Return semantic errors of rules whose form is valid. own: the merchant's gateways."""
    known = frozenset(own)
    return tuple(
        f"{place}: You have no gateway {gateway}. Name one of yours"
        for place, gateway in gateways_named(program)
        if gateway not in known
    )


def warnings(program: Program, enabled: Iterable[str]) -> tuple[str, ...]:
    """Return warnings about probable mistakes. enabled: the merchant's gateways that take new payments."""
    takes = frozenset(enabled)
    of_disabled = [
        f"{place}: Gateway {gateway} is disabled, so it is left out"
        for place, gateway in gateways_named(program)
        if gateway not in takes
    ]
    catch_all = next((number for number, rule in enumerate(program.rules) if not rule.statements), None)
    unreached = [] if catch_all is None else [rule.name for rule in program.rules[catch_all + 1 :]]
    never = [f"Rule {name!r} is never reached: an earlier rule takes every payment" for name in unreached]
    return (*of_disabled, *never)


_WORDS: Final = {
    "missing": "This field is required",
    "extra_forbidden": "Unknown field. Check the spelling, or leave it out",
    "union_tag_not_found": "Add {discriminator}, which says what kind it is",
    "union_tag_invalid": "There is no {discriminator} {tag!r}. Use one of {expected_tags}",
    "string_pattern_mismatch": "{wanted}",
    "too_long": "This may have at most {max_length} items",
    "too_short": "This needs at least {min_length} item",
    "tuple_type": "This must be a list",
    "model_type": "This must be a JSON object",
    "model_attributes_type": "This must be a JSON object",
}


def _words(problem: Any) -> str:
    words = _WORDS.get(problem["type"])
    context = problem.get("ctx", {})
    return (
        str(problem["msg"])
        if words is None
        else words.format_map(context | {"wanted": wanted(context.get("pattern", ""))})
    )


def _place(location: tuple[str | int, ...]) -> str:
    return ".".join(str(step) for step in location) or "program"
