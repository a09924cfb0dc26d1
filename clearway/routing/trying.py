"""Dry run: what other rules would have done with the latest payments, before they are activated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row

from clearway.domain.payment import CaptureMethod, PaymentMethod
from clearway.domain.routing import Candidate, Decision, decide
from clearway.domain.routing_conditions import PaymentFacts
from clearway.domain.routing_program import Program, Statement

EXAMPLES_MAX: Final = 20
NOT_KEPT: Final = frozenset({"card_bin", "customer", "success_rate"})
"""What rules may ask and a dry run cannot: digits of cards, who the customer is, and the success rates of that time."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A payment that would move to another gateway. before, after: the gateways in order, by old and new rules."""

    payment_id: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    rule: str | None


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of a dry run. refused: payments that no gateway could take and that had one before.

    by_gateway: how many payments go there first, before and after. by_rule: how many payments each rule fits; None: no
    rule. not_asked: fields that the rules ask and that are not stored with past payments, so real decisions may differ.
    """

    payments: int
    moved: int
    refused: int
    by_gateway: dict[str, tuple[int, int]]
    by_rule: dict[str | None, int]
    examples: tuple[Moved, ...]
    not_asked: tuple[str, ...]


def facts_of(row: Row[Any]) -> PaymentFacts:
    """Return the facts of a stored payment that rules may use."""
    inputs = (row.routing or {}).get("inputs", {})
    return PaymentFacts(
        payment_id=row.id,
        method=PaymentMethod(row.method),
        currency=row.currency,
        amount_minor=row.amount_minor,
        capture_method=CaptureMethod(row.capture_method),
        at=row.created_at,
        country=inputs.get("country"),
        card_brand=inputs.get("card_brand") or (row.instrument.get("card") or {}).get("brand"),
        notes=row.notes,
    )


def try_program(before: Program, after: Program, rows: Iterable[Row[Any]], candidates: Sequence[Candidate]) -> Trial:
    """Route past payments by two programs and compare the decisions."""
    facts = [facts_of(row) for row in rows]
    was = [decide(before, None, each, candidates) for each in facts]
    would = [decide(after, None, each, candidates) for each in facts]
    moved = [
        Moved(each.payment_id, old.gateways, new.gateways, new.rule)
        for each, old, new in zip(facts, was, would, strict=True)
        if old.gateways != new.gateways
    ]
    firsts, new_firsts = _firsts(was), _firsts(would)
    return Trial(
        payments=len(facts),
        moved=len(moved),
        refused=sum(1 for each in moved if each.before and not each.after),
        by_gateway={each: (firsts[each], new_firsts[each]) for each in sorted(firsts.keys() | new_firsts.keys())},
        by_rule=dict(Counter(each.rule for each in would).most_common()),
        examples=tuple(moved[:EXAMPLES_MAX]),
        not_asked=tuple(sorted(NOT_KEPT & fields_asked(after))),
    )


def _firsts(decisions: Iterable[Decision]) -> Counter[str]:
    return Counter(each.gateways[0] for each in decisions if each.gateways)


def fields_asked(program: Program) -> set[str]:
    """Return the fields that a program's rules use. `success_rate`: past rates are not computed again."""
    of_rates = {"success_rate"} if program.success_rate else set()
    return of_rates | {field for rule in program.rules for statement in rule.statements for field in _fields(statement)}


def _fields(statement: Statement) -> set[str]:
    own = {condition.field for condition in statement.conditions}
    return own.union(*(_fields(nested) for nested in statement.nested))
