"""Which gateways a payment is sent to: the merchant's rules, then what each gateway can express and whether it works.

Pure: everything is an argument, and the same arguments always give the same decision. A decision says why each gateway
that was named is left out. It is stored with the payment, so it holds no personal data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, Final, Protocol

from clearway.domain.events import timestamp
from clearway.domain.money import Money
from clearway.domain.payment import CaptureMethod, PaymentMethod, UpiFlow
from clearway.domain.routing_conditions import PaymentFacts
from clearway.domain.routing_program import Otherwise, Program, Rule
from clearway.domain.success_rate import NO_RATES, Ordered, Rates, ordered

LEFT_OUT_SHOWN_MAX: Final = 20
"""How many of the gateways that were left out a decision keeps."""


class Expresses(Protocol):
    """What a gateway can express."""

    def refusal(
        self, method: PaymentMethod, money: Money, capture_method: CaptureMethod, upi: UpiFlow | None = None
    ) -> str | None:
        """Say why it cannot take such a payment, or None."""


class Why(StrEnum):
    """Why a gateway is left out."""

    UNKNOWN = "unknown"
    DISABLED = "disabled"
    CANNOT = "cannot"
    BREAKER_OPEN = "breaker_open"
    BREAKER_PROBING = "breaker_probing"
    HELD = "held"
    TOO_MANY = "too_many"


class ChosenBy(StrEnum):
    """What selected the gateways."""

    RULE = "rule"
    DEFAULT = "default"
    """The program's default."""
    PRIORITY = "priority"
    """The order of priority of the gateways."""
    REQUEST = "request"
    """The request named the gateway."""


class BreakerSays(StrEnum):
    """Whether a gateway works, as far as is known."""

    PASS = "pass"  # noqa: S105 - no password
    OPEN = "open"
    PROBE = "probe"
    """It may be well again: it takes a payment that can go elsewhere when it is not."""
    PROBE_BY_ANY = "probe_by_any"
    """It has waited long for a payment that can go elsewhere: now any payment may try it."""
    PROBED = "probed"
    """Another payment is trying it at the moment."""
    HELD = "held"
    """It answered 429 with Retry-After: it gets no request until then."""


PROBES: Final = frozenset({BreakerSays.PROBE, BreakerSays.PROBE_BY_ANY})
"""Breakers that let one payment try their gateway."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the merchant's gateways. expresses: what it can do. The order of candidates is their priority.

    chosen: the methods that the merchant uses it for; None: all. raw_cards: it takes raw test cards.
    foreign_tokens: how card tokens begin that belong to gateways of other kinds.
    """

    id: str
    kind: str
    name: str
    enabled: bool
    expresses: Expresses
    chosen: frozenset[PaymentMethod] | None = None
    raw_cards: bool = True
    foreign_tokens: tuple[str, ...] = ()
    breaker: BreakerSays = BreakerSays.PASS

    def refusal(self, facts: PaymentFacts, money: Money) -> str | None:
        """Say why it cannot take a payment, or None."""
        if facts.raw_card and not self.raw_cards:
            return "it takes no raw test cards, only tokens of its own"
        if facts.token and self.foreign_tokens and facts.token.startswith(self.foreign_tokens):
            return "the card token belongs to another kind of gateway"
        cannot = self.expresses.refusal(facts.method, money, facts.capture_method, facts.upi)
        if cannot is None and self.chosen is not None and facts.method not in self.chosen:
            return f"you do not use it for {facts.method.value} payments: its `methods` leave them out"
        return cannot


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A gateway that was named and is not tried. reason: in words."""

    gateway_id: str
    why: Why
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The gateways to try, in order; none: the payment cannot be made. rule: the name of the one that matched.

    version: the number of the program; None: there is none. inputs: what was decided on, without personal data.
    """

    gateways: tuple[str, ...]
    by: ChosenBy
    version: int | None
    rule: str | None
    left_out: tuple[LeftOut, ...]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    fell_back: bool = False
    """No gateway of the rule could take the payment, so it goes where payments go that no rule matches."""
    despite_breaker: bool = False
    """Every gateway that can take the payment has an open breaker, and they are tried all the same."""
    by_rate: Ordered | None = None
    """The order by success rate; None: rates were not used."""

    def to_json(self) -> dict[str, Any]:
        """Return the form that is stored with the payment."""
        return {
            "gateways": list(self.gateways),
            "by": self.by.value,
            "version": self.version,
            "rule": self.rule,
            "fell_back": self.fell_back,
            "despite_breaker": self.despite_breaker,
            "success_rate": self.by_rate.to_json() if self.by_rate else None,
            "left_out": [
                {"gateway_id": each.gateway_id, "why": each.why.value, "reason": each.reason}
                for each in self.left_out[:LEFT_OUT_SHOWN_MAX]
            ],
            "inputs": dict(self.inputs),
        }


def decide(
    program: Program,
    version: int | None,
    facts: PaymentFacts,
    candidates: Sequence[Candidate],
    rates: Rates = NO_RATES,
) -> Decision:
    """Return the gateways for a payment by the first rule that it fulfils, or by the default.

    When every gateway that can take the payment seems broken, they are tried all the same: to refuse it would be worse.
    """
    choosing = _Choosing(facts, {candidate.id: candidate for candidate in candidates}, program.gateways_max, rates)
    rule = program.first_match(facts)
    made = partial(_decision, choosing, version, rule)
    if rule is not None:
        chosen = choosing.among(rule.output.order(facts.payment_id, rule.name), fixed_order=rule.fixed_order)
        if chosen:
            return made(chosen, ChosenBy.RULE)
        if rule.otherwise is Otherwise.REFUSE:
            return made(choosing.last_resort(), ChosenBy.RULE)
    by, named = _default(program, facts, candidates)
    return made(choosing.among(named) or choosing.last_resort(), by)


def decide_for(gateway_id: str, facts: PaymentFacts, candidates: Sequence[Candidate]) -> Decision:
    """Return the decision for a payment whose request names its gateway: no rules, no other gateway."""
    choosing = _Choosing(facts, {candidate.id: candidate for candidate in candidates}, at_most=1)
    chosen = choosing.among([gateway_id]) or choosing.last_resort()
    return _decision(choosing, None, None, chosen, ChosenBy.REQUEST)


def _default(
    program: Program, facts: PaymentFacts, candidates: Sequence[Candidate]
) -> tuple[ChosenBy, tuple[str, ...]]:
    if program.default is not None:
        return ChosenBy.DEFAULT, program.default.order(facts.payment_id, "")
    return ChosenBy.PRIORITY, tuple(candidate.id for candidate in candidates if candidate.enabled)


class _Choosing:
    """One choice under way. left_out: why a gateway is not tried. broken: those that can take it and seem broken.

    by_rate: the order by success rate, if rates are asked.
    """

    def __init__(
        self, facts: PaymentFacts, known: Mapping[str, Candidate], at_most: int, rates: Rates = NO_RATES
    ) -> None:
        self.facts = facts
        self.left_out: dict[str, LeftOut] = {}
        self.broken: dict[str, Candidate] = {}
        self.by_rate: Ordered | None = None
        self._known = known
        self._money = Money(facts.amount_minor, facts.currency)
        self._at_most = at_most
        self._rates = rates

    def among(self, named: Iterable[str], *, fixed_order: bool = False) -> tuple[str, ...]:
        """Return those that can take the payment and seem to work, with one that is being tried again."""
        fit = [candidate for gateway_id in named if (candidate := self._fit(gateway_id)) is not None]
        probe = self._probe(fit)
        tried = [each.id for each in fit if each.breaker is BreakerSays.PASS or each is probe]
        for candidate in fit:
            if candidate.breaker is not BreakerSays.PASS and candidate is not probe:
                self.broken.setdefault(candidate.id, candidate)
                self._leave_out(candidate.id, *_BROKEN[candidate.breaker])
        self.by_rate = None if fixed_order else ordered(self._rates, self.facts, tried)
        return self._first(self.by_rate.gateways if self.by_rate else tried)

    def _probe(self, fit: Sequence[Candidate]) -> Candidate | None:
        """Return a gateway to be tried again. The payment must have another to go to, and be able to go there."""
        if not any(candidate.breaker is BreakerSays.PASS for candidate in fit):
            return None
        wanted = {BreakerSays.PROBE_BY_ANY} if not self.facts.is_movable or self._at_most == 1 else PROBES
        return next((candidate for candidate in fit if candidate.breaker in wanted), None)

    def last_resort(self) -> tuple[str, ...]:
        """Return those that can take the payment and seem broken: there is nothing else."""
        return self._first(list(self.broken))

    def _first(self, fit: Sequence[str]) -> tuple[str, ...]:
        for gateway_id in fit[self._at_most :]:
            self._leave_out(gateway_id, Why.TOO_MANY, f"at most {self._at_most} are tried for one payment")
        return tuple(fit[: self._at_most])

    def _fit(self, gateway_id: str) -> Candidate | None:
        candidate = self._known.get(gateway_id)
        if candidate is None:
            self._leave_out(gateway_id, Why.UNKNOWN, "you have no such gateway, or it was deleted")
        elif not candidate.enabled:
            self._leave_out(gateway_id, Why.DISABLED, "it is disabled")
        else:
            cannot = candidate.refusal(self.facts, self._money)
            if cannot is None:
                return candidate
            self._leave_out(gateway_id, Why.CANNOT, cannot)
        return None

    def _leave_out(self, gateway_id: str, why: Why, reason: str) -> None:
        self.left_out.setdefault(gateway_id, LeftOut(gateway_id, why, reason))


_BROKEN: Final = {
    BreakerSays.OPEN: (Why.BREAKER_OPEN, "its circuit breaker is open: it failed too often just now"),
    BreakerSays.HELD: (Why.HELD, "it had too many requests, and asked to wait"),
    BreakerSays.PROBED: (Why.BREAKER_PROBING, "its circuit breaker lets one payment at a time try it again"),
    BreakerSays.PROBE: (Why.BREAKER_PROBING, "its circuit breaker tries it again only with a payment that can go on"),
    BreakerSays.PROBE_BY_ANY: (
        Why.BREAKER_PROBING,
        "its circuit breaker tries it again only with a payment that has another gateway",
    ),
}


def _decision(
    choosing: _Choosing, version: int | None, rule: Rule | None, chosen: tuple[str, ...], by: ChosenBy
) -> Decision:
    return Decision(
        gateways=chosen,
        by=by,
        version=version,
        rule=rule.name if rule else None,
        left_out=tuple(each for each in choosing.left_out.values() if each.gateway_id not in chosen),
        inputs=inputs_of(choosing.facts),
        fell_back=rule is not None and by is not ChosenBy.RULE,
        despite_breaker=bool(chosen) and all(each in choosing.broken for each in chosen),
        by_rate=choosing.by_rate,
    )


def inputs_of(facts: PaymentFacts) -> dict[str, Any]:
    """Return what a decision was made on, without the customer, the notes and the digits of a card."""
    return {
        "method": facts.method.value,
        "currency": facts.currency,
        "amount": facts.amount_minor,
        "capture_method": facts.capture_method.value,
        "country": facts.country,
        "card_brand": facts.card_brand,
        "at": timestamp(facts.at),
    }
