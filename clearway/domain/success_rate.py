"""Which gateways are put last because their approval rate dropped, and which payments explore them.

Pure. A window is divided into slots of time, and the state is computed from the counts of two windows, slot by slot.
Nothing is remembered between two readings, so every process comes to the same result. Technical failures are not
counted here: they are the circuit breaker's (`clearway.domain.breaker`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import Field

from clearway.domain.routing_conditions import Node, PaymentFacts
from clearway.domain.stable_share import POINTS, point_of

SLOTS: Final = 12
"""How many slots a window has."""
FLOOR_MARGIN: Final = 5
"""How many percentage points above the floor a gateway must be to come back."""
SHOWN_MAX: Final = 20
"""How many gateways a decision shows the rates of."""


class SuccessRate(Node):
    """When a gateway is put last, by the share of its payments that issuers approved.

    window_s: the payments created in these last seconds count, by method and currency. samples_min: decided payments
    that a rate needs. drop: percentage points below the best of the other gateways. floor: a rate in percent below
    which a gateway is put last, whatever the others do. explore_percent: the share of payments that still tries it.
    """

    window_s: Annotated[int, Field(strict=True, ge=300, le=86_400)] = 3_600
    samples_min: Annotated[int, Field(strict=True, ge=20, le=1_000)] = 30
    drop: Annotated[int, Field(strict=True, ge=10, le=90)] = 30
    floor: Annotated[int, Field(strict=True, ge=1, le=90)] | None = None
    explore_percent: Annotated[int, Field(strict=True, ge=1, le=20)] = 5

    @property
    def slot_s(self) -> float:
        """The length of a slot in seconds."""
        return self.window_s / SLOTS

    def slot_of(self, timestamp: float) -> int:
        """Return the slot of a moment in Unix seconds."""
        return int(timestamp // self.slot_s)


@dataclass(frozen=True, slots=True)
class Counted:
    """What issuers decided of a gateway's payments by one method, in one currency, created in one slot."""

    gateway_id: str
    method: str
    currency: str
    slot: int
    approved: int
    declined: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The success rate of a gateway in the window. put_last: why it is put last, in words; None: it is not."""

    approved: int
    samples: int
    put_last: str | None = None

    def to_json(self, gateway_id: str) -> dict[str, Any]:
        """Return the form that is stored with a decision."""
        return {
            "gateway_id": gateway_id,
            "rate": round(self.approved / self.samples, 4) if self.samples else None,
            "samples": self.samples,
            "put_last": self.put_last is not None,
            "reason": self.put_last,
        }


Standings = Mapping[str, Standing]
"""By gateway; without those of which nothing is known."""
NOBODY: Final[Standings] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Rates:
    """The standings of a merchant's gateways by method and currency. terms None: rates do not change the order."""

    terms: SuccessRate | None = None
    by_segment: Mapping[tuple[str, str], Standings] = field(default_factory=dict)

    def put_last(self) -> int:
        """Return how many gateways are put last, counted once for each method and currency."""
        return sum(1 for segment in self.by_segment.values() for each in segment.values() if each.put_last)


NO_RATES: Final = Rates()


@dataclass(frozen=True, slots=True)
class Ordered:
    """Gateways in the order of trying. explored: the one that is first only so that its rate becomes known."""

    gateways: tuple[str, ...]
    explored: str | None
    standings: Standings

    def to_json(self) -> dict[str, Any]:
        """Return the form that is stored with a decision."""
        shown = [each for each in self.gateways if each in self.standings][:SHOWN_MAX]
        return {"explored": self.explored, "gateways": [self.standings[each].to_json(each) for each in shown]}


def ordered(rates: Rates, facts: PaymentFacts, named: Sequence[str]) -> Ordered | None:
    """Return the gateways with those last whose approval rate dropped; None: their order stays as it is.

    When the rates of all of them dropped, they keep their order. A card token keeps it too: it belongs to one gateway.
    """
    terms = rates.terms
    if terms is None or facts.token is not None:
        return None
    standings = rates.by_segment.get((facts.method.value, facts.currency), NOBODY)
    last = [each for each in named if each in standings and standings[each].put_last]
    order = (*(each for each in named if each not in last), *last)
    explored = _explored(terms, facts.payment_id, order, standings)
    if explored is not None:
        order = (explored, *(each for each in order if each != explored))
    return Ordered(order, explored, standings)


def _explored(terms: SuccessRate, payment_id: str, order: Sequence[str], standings: Standings) -> str | None:
    """Return the gateway that this payment explores: one that is put last, or the next in line if it is not known."""
    point = point_of(payment_id, "explore")
    if point >= terms.explore_percent * POINTS // 100:
        return None
    wanted = [each for each in order[1:] if each in standings and standings[each].put_last]
    wanted += [each for each in order[1:2] if each not in standings or standings[each].samples < terms.samples_min]
    return wanted[point % len(wanted)] if wanted else None


def judged(terms: SuccessRate, counts: Iterable[Counted], slot: int) -> Rates:
    """Return the standings at a slot, from the counts of the last two windows."""
    segments: dict[tuple[str, str], list[Counted]] = defaultdict(list)
    for each in counts:
        segments[each.method, each.currency].append(each)
    return Rates(terms, {segment: _standings(terms, found, slot) for segment, found in segments.items()})


def _standings(terms: SuccessRate, counts: Sequence[Counted], slot: int) -> Standings:
    by_slot: dict[int, list[Counted]] = defaultdict(list)
    for each in counts:
        by_slot[each.slot].append(each)
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    standings: Standings = NOBODY
    for now in range(slot - 2 * SLOTS + 1, slot + 1):
        _add(sums, by_slot.get(now, ()), 1)
        _add(sums, by_slot.get(now - SLOTS, ()), -1)
        if now >= slot - SLOTS:
            standings = _judged(terms, sums, standings)
    return standings


def _add(sums: dict[str, list[int]], counts: Iterable[Counted], sign: int) -> None:
    for each in counts:
        sums[each.gateway_id][0] += sign * each.approved
        sums[each.gateway_id][1] += sign * (each.approved + each.declined)


def _judged(terms: SuccessRate, sums: Mapping[str, Sequence[int]], before: Standings) -> Standings:
    """Return the standings of one moment. before: of the slot before. With too few samples nothing changes."""
    rates = {
        each: 100 * approved / samples for each, (approved, samples) in sums.items() if samples >= terms.samples_min
    }
    leading = sorted(rates, key=lambda each: -rates[each])[:2]
    found = {}
    for gateway_id, (approved, samples) in sums.items():
        reason = before[gateway_id].put_last if gateway_id in before else None
        if gateway_id in rates:
            best = next((each for each in leading if each != gateway_id), None)
            reason = _reason(terms, rates, gateway_id, best, was_last=reason is not None)
        if samples or reason:
            found[gateway_id] = Standing(approved, samples, reason)
    return found


def _reason(
    terms: SuccessRate, rates: Mapping[str, float], gateway_id: str, best: str | None, *, was_last: bool
) -> str | None:
    """Say why a gateway is last. It comes back when it is less than half of `drop` behind, and clear of the floor."""
    rate = rates[gateway_id]
    if best is not None and rates[best] - rate >= (terms.drop / 2 if was_last else terms.drop):
        return f"{rate:.1f} % of its payments were approved in {terms.window_s} s, and {rates[best]:.1f} % at {best}"
    if terms.floor is not None and rate < terms.floor + (FLOOR_MARGIN if was_last else 0):
        return f"{rate:.1f} % of its payments were approved in {terms.window_s} s; the floor is {terms.floor} %"
    return None
