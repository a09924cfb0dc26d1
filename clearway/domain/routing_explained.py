"""Why a rule matches a payment or does not: for people who ask before they switch rules on, or after a payment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from clearway.domain.routing_conditions import PaymentFacts
from clearway.domain.routing_program import Program, Rule, Statement


@dataclass(frozen=True, slots=True)
class Considered:
    """A rule that was evaluated. failed: the first unmet condition of each statement, by its place."""

    rule: str
    fits: bool
    failed: tuple[str, ...]


def considered(program: Program, facts: PaymentFacts) -> tuple[Considered, ...]:
    """Return the rules that are evaluated for a payment: up to the first that matches."""
    found: list[Considered] = []
    for rule in program.rules:
        fits = rule.test()(facts)
        found.append(Considered(rule.name, fits, () if fits else tuple(_failed(rule, facts))))
        if fits:
            break
    return tuple(found)


def _failed(rule: Rule, facts: PaymentFacts) -> Iterator[str]:
    for number, statement in enumerate(rule.statements):
        yield from _failed_in(statement, f"statements.{number}", facts)


def _failed_in(statement: Statement, place: str, facts: PaymentFacts) -> Iterator[str]:
    for number, condition in enumerate(statement.conditions):
        if not condition.test()(facts):
            yield f"{place}.conditions.{number} ({condition.field})"
            return
    for number, nested in enumerate(statement.nested):
        yield from _failed_in(nested, f"{place}.nested.{number}", facts)
