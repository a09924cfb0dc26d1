"""The verdict: every invariant of the design with its rules and the witnesses they need, and the result of each.

Pure. An invariant that a rule finds broken has failed; one with a rule whose witness could not be read is unknown;
only one whose every rule was asked and found nothing has passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tests.fire.gauntlet import client_rules, record_rules
from tests.fire.gauntlet.case import Case, Witness
from tests.support import attempt_invariants, invariants, quote_invariants
from tests.support.evidence import Evidence

SHOWN_MAX: Final = 5
"""How many findings of one rule are shown; all are counted."""

Rule = Callable[[Case], Iterator[str]]
W = Witness


class Ruling(StrEnum):
    """The result of one invariant."""

    PASS = "pass"
    FAIL = "FAIL"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Judged:
    """One line of the verdict, with what was found."""

    name: str
    ruling: Ruling
    details: Sequence[str] = ()

    def lines(self) -> Iterator[str]:
        """Return the lines to print."""
        yield f"{self.ruling.value:8}{self.name}"
        yield from (f"          {detail}" for detail in self.details)


@dataclass(frozen=True)
class Invariant:
    """One invariant of the design, and the rules that would find it broken, each with the witnesses it needs."""

    name: str
    rules: Sequence[tuple[Rule, frozenset[Witness]]] = field(default_factory=tuple)

    def judge(self, case: Case) -> Judged:
        """Ask every rule whose witnesses could be read."""
        found: list[str] = []
        unheard: list[str] = []
        for rule, needs in self.rules:
            missing = sorted(needs & case.unread.keys())
            if missing:
                unheard += [f"{rule.__name__}: {witness}: {case.unread[witness]}" for witness in missing]
            else:
                found += _some(rule.__name__, rule(case))
        if found:
            return Judged(self.name, Ruling.FAIL, found + unheard)
        return Judged(self.name, Ruling.UNKNOWN if unheard else Ruling.PASS, unheard)


def judge(case: Case) -> list[Judged]:
    """Judge every invariant."""
    return [invariant.judge(case) for invariant in INVARIANTS]


def judge_gateways(case: Case) -> Judged:
    """Judge whether the run proves anything about several gateways: it had a failover, and a breaker that recovered."""
    name = "a payment failed over, and a circuit breaker opened and closed by itself"
    if W.DATABASE in case.unread:
        return Judged(name, Ruling.UNKNOWN, [case.unread[W.DATABASE]])
    types = {(event["type"], event["actor"]) for event in case.stack.events}
    wanted = {
        ("payment.attempt_failed", "system"): "no payment failed over",
        (attempt_invariants.OPENED, "system"): "no circuit breaker opened",
        (attempt_invariants.CLOSED, "system"): "no circuit breaker closed by itself",
    }
    missing = [text for each, text in wanted.items() if each not in types]
    return Judged(name, Ruling.UNKNOWN if missing else Ruling.PASS, missing)


def overall(judged: Iterable[Judged]) -> Ruling:
    """Return the worst: a failure, or else anything unknown."""
    rulings = {one.ruling for one in judged}
    return next((ruling for ruling in (Ruling.FAIL, Ruling.UNKNOWN) if ruling in rulings), Ruling.PASS)


def _some(name: str, findings: Iterator[str]) -> list[str]:
    every = list(findings)
    more = [f"{name}: and {len(every) - SHOWN_MAX} more"] if len(every) > SHOWN_MAX else []
    return [f"{name}: {finding}" for finding in every[:SHOWN_MAX]] + more


def _of_stack(rule: Callable[[Evidence], Iterator[str]]) -> Rule:
    def asked(case: Case) -> Iterator[str]:
        return rule(case.stack)

    asked.__name__ = rule.__name__
    return asked


def _rules(*rules: Rule, needs: Sequence[Witness]) -> list[tuple[Rule, frozenset[Witness]]]:
    return [(rule, frozenset(needs)) for rule in rules]


def _stack_rules(*rules: Callable[[Evidence], Iterator[str]]) -> list[tuple[Rule, frozenset[Witness]]]:
    return _rules(*map(_of_stack, rules), needs=[W.DATABASE, W.GATEWAY])


def _books(*rules: Callable[[Evidence], Iterator[str]]) -> list[tuple[Rule, frozenset[Witness]]]:
    return _rules(*map(_of_stack, rules), needs=[W.DATABASE])


INVARIANTS: Final[tuple[Invariant, ...]] = (
    Invariant(
        "1 the ledger sums to zero, and nothing in it is changed",
        [
            *_books(invariants.books_balance),
            *_rules(record_rules.ledger_only_grows, needs=[W.DATABASE, W.LEDGER_BEFORE]),
        ],
    ),
    Invariant(
        "2 captured <= authorised, refunded <= captured",
        _stack_rules(invariants.amounts_are_bounded),
    ),
    Invariant(
        "3 one payment, one charge; one refund, one pay-out",
        [
            *_rules(_of_stack(invariants.charged_at_most_once), needs=[W.GATEWAY]),
            *_stack_rules(attempt_invariants.failovers_were_safe, attempt_invariants.charges_are_of_attempts),
        ],
    ),
    Invariant(
        "4 same key: same bytes, one effect; other body: 422",
        [
            *_rules(client_rules.keys_answer_alike, client_rules.keys_do_one_thing, needs=[W.CLIENTS]),
            *_rules(client_rules.keys_are_answered, needs=[W.CLIENTS]),
            *_rules(
                client_rules.keys_have_one_effect,
                client_rules.captures_were_asked_for,
                client_rules.refusals_change_nothing,
                client_rules.retries_are_asked_for,
                needs=[W.CLIENTS, W.DATABASE],
            ),
        ],
    ),
    Invariant(
        "5 nothing stays unknown for ever",
        _stack_rules(invariants.quiet),
    ),
    Invariant(
        "6 every change has its event, every event reaches its receivers or is failed as scheduled",
        [
            *_books(
                invariants.changes_have_events,
                invariants.events_have_deliveries,
                invariants.deliveries_end_as_scheduled,
            ),
            *_books(
                attempt_invariants.failovers_have_events,
                attempt_invariants.breakers_have_events,
                attempt_invariants.breakers_moved_with_reason,
            ),
            *_rules(record_rules.deliveries_arrived, record_rules.arrivals_are_events, needs=[W.DATABASE, W.RECEIVERS]),
            *_rules(client_rules.asked_again_is_sent_again, needs=[W.CLIENTS, W.DATABASE]),
            *_rules(client_rules.retries_are_answered_by_their_attempt, needs=[W.CLIENTS, W.DATABASE]),
        ],
    ),
    Invariant(
        "7 gateway events never move a payment back; amount and currency match",
        [
            *_rules(record_rules.moves_are_moves, needs=[W.DATABASE]),
            *_rules(record_rules.charges_match, needs=[W.DATABASE, W.GATEWAY]),
            *_rules(client_rules.quotes_are_charged, needs=[W.CLIENTS, W.DATABASE]),
            *_rules(client_rules.reads_never_go_back, needs=[W.CLIENTS, W.DATABASE]),
        ],
    ),
    Invariant(
        "8 no merchant reads or changes another's anything",
        [
            *_rules(client_rules.strangers_get_nothing, client_rules.viewers_change_nothing, needs=[W.CLIENTS]),
            *_rules(client_rules.lists_are_ones_own, needs=[W.CLIENTS, W.DATABASE]),
            *_rules(record_rules.merchants_never_meet, needs=[W.DATABASE, W.RECEIVERS]),
        ],
    ),
    Invariant(
        "9 clients, gateway journal, ledger and payments agree",
        [
            *_stack_rules(invariants.captures_agree, invariants.nothing_stays_held, invariants.refunds_agree),
            *_books(invariants.orders_agree, attempt_invariants.attempts_explain_payments),
            *_books(*quote_invariants.QUOTE_RULES),
            *_rules(client_rules.answers_are_recorded, needs=[W.CLIENTS, W.DATABASE]),
            *_rules(client_rules.named_resources_are_found, needs=[W.CLIENTS]),
        ],
    ),
)
"""The nine of docs: `ARCHITECTURE.md`. A new rule is one more entry."""
