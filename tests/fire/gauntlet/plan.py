"""What one run of the gauntlet will do, whole and beforehand: businesses, strikes and receivers, drawn from a seed.

Pure: the same seed and number make the same plan. No clock is read and nothing is done here. A kind of business, of
strike or of receiver joins by being added to the tuple it is drawn from; this module does not change.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

SHOPS: Final = 3
"""Merchants that do business; each trespasses on the next."""
RATE_PER_S: Final = 7.0
"""At most so many businesses begin in a second; the stack may take longer."""
SHORTEST_S: Final = 75.0
"""A short run is stretched to this, so that its strikes have room."""
EARLY_SHARE: Final = 0.5
"""What takes long to end by itself (a page that is left, a process that is stopped) is begun within this share."""
WHEN_STRUCK: Final = (0.02, 0.95)
LONG_RUN: Final = 1_000
LASTING_WHEN: Final = (0.03, 0.12)
AFTER_LASTING: Final = (0.5, 0.95)
"""In a run that is not long, a strike that lasts comes at the beginning, and the others of its lane after it."""
BUSINESSES_A_STRIKE: Final = 60
"""Beyond one strike of each kind there is another for so many businesses."""

Terms = Mapping[str, Any]


class Kind(Protocol):
    """A kind of business, strike or receiver, as far as a plan is concerned."""

    @property
    def name(self) -> str:
        """Names it in the plan and in the counts."""

    @property
    def weight(self) -> float:
        """How often it is drawn, beside the others."""

    @property
    def early(self) -> bool:
        """Whether it belongs into the first part of a run."""

    @property
    def draw(self) -> Callable[[random.Random], Terms]:
        """Draws the particulars."""


@dataclass(frozen=True)
class Business:
    """What one customer's client does. at_s: when it begins at the earliest. payments: how many it tries to make."""

    number: int
    at_s: float
    kind: str
    shop: int
    payments: int
    terms: Terms = field(hash=False)


@dataclass(frozen=True)
class Strike:
    """What the nemesis does when business number `at` is about to begin."""

    at: int
    kind: str
    terms: Terms = field(hash=False)

    def __str__(self) -> str:
        particulars = " ".join(f"{name}={value}" for name, value in self.terms.items())
        return f"before {self.at:5}: {self.kind}  {particulars}"


@dataclass(frozen=True)
class Endpoint:
    """A receiver of a shop, and what its endpoint asks for."""

    number: int
    kind: str
    shop: int
    event_types: tuple[str, ...]
    retry_intervals_s: tuple[int, ...]
    terms: Terms = field(hash=False)


@dataclass(frozen=True)
class Plan:
    """Everything that is drawn. payments: how many were asked for, at least. gateways: of each shop."""

    seed: int
    payments: int
    businesses: tuple[Business, ...]
    strikes: tuple[Strike, ...]
    endpoints: tuple[Endpoint, ...]
    gateways: int = 1


@dataclass(frozen=True)
class Repertoire:
    """The kinds a plan draws from. Of strikes and endpoints each kind is drawn at least once."""

    businesses: Sequence[Any]
    strikes: Sequence[Any]
    endpoints: Sequence[Any]


def make_plan(seed: int, payments: int, repertoire: Repertoire, gateways: int = 1) -> Plan:
    """Draw a plan. Each part has chance of its own, so that a new kind of one leaves the others as they were."""
    businesses = tuple(_businesses(_chance(seed, "businesses"), payments, repertoire.businesses))
    return Plan(
        seed=seed,
        payments=payments,
        businesses=businesses,
        strikes=tuple(_strikes(_chance(seed, "strikes"), len(businesses), repertoire.strikes)),
        endpoints=tuple(_endpoints(_chance(seed, "endpoints"), repertoire.endpoints)),
        gateways=gateways,
    )


def describe(plan: Plan) -> Iterator[str]:
    """Describe a plan: a line for each strike and receiver, and what the businesses are."""
    at = f", {plan.gateways} gateways" if plan.gateways > 1 else ""
    yield f"seed {plan.seed}: {plan.payments} payments in {len(plan.businesses)} businesses{at}"
    kinds = Counter(business.kind for business in plan.businesses)
    yield "businesses: " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    yield f"{len(plan.endpoints)} receivers:"
    for endpoint in plan.endpoints:
        wanted = " ".join(endpoint.event_types)
        waits = ",".join(map(str, endpoint.retry_intervals_s))
        yield f"  shop {endpoint.shop}: {endpoint.kind} for {wanted}, again after {waits} s"
    yield f"{len(plan.strikes)} strikes:"
    yield from (f"  {strike}" for strike in plan.strikes)


def _chance(seed: int, part: str) -> random.Random:
    return random.Random(f"{seed}/{part}")  # noqa: S311 - chance that repeats itself


def _businesses(chance: random.Random, payments: int, kinds: Sequence[Kind]) -> Iterator[Business]:
    late = [kind for kind in kinds if not kind.early]
    rate_per_s = min(RATE_PER_S, payments / SHORTEST_S)
    at_s, made, number = 0.0, 0, 0
    while made < payments:
        kind: Any = _one_of(chance, kinds if made < payments * EARLY_SHARE else late)
        yield Business(number, round(at_s, 3), kind.name, chance.randrange(SHOPS), kind.payments, kind.draw(chance))
        made += kind.payments
        number += 1
        at_s += chance.expovariate(rate_per_s / 1.2)


def _strikes(chance: random.Random, businesses: int, kinds: Sequence[Any]) -> Iterator[Strike]:
    more = [_one_of(chance, kinds) for _ in range(businesses // BUSINESSES_A_STRIKE)]
    long_lanes = {kind.lane for kind in kinds if kind.early}
    drawn = []
    for kind in (*kinds, *more):
        first, last = WHEN_STRUCK
        if businesses < LONG_RUN and kind.lane in long_lanes:
            first, last = LASTING_WHEN if kind.early else AFTER_LASTING
        drawn.append(Strike(int(businesses * chance.uniform(first, last)), kind.name, kind.draw(chance)))
    yield from sorted(drawn, key=lambda strike: strike.at)


def _endpoints(chance: random.Random, kinds: Sequence[Any]) -> Iterator[Endpoint]:
    wanted = [kind for kind in kinds for _ in range(kind.count)]
    for number, kind in enumerate(wanted):
        terms = kind.draw(chance)
        shop = number % SHOPS
        yield Endpoint(number, kind.name, shop, kind.event_types(chance), tuple(kind.waits(chance)), terms)


def _one_of(chance: random.Random, kinds: Sequence[Kind]) -> Kind:
    return chance.choices(kinds, [kind.weight for kind in kinds])[0]
