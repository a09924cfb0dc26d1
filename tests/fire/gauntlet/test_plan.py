"""Plans: the same seed makes the same one, every kind is in it, and it is as large as was asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.fire.gauntlet.business_kinds import BY_NAME as BUSINESSES
from tests.fire.gauntlet.plan import EARLY_SHARE, LASTING_WHEN, SHOPS, describe, make_plan
from tests.fire.gauntlet.run import REPERTOIRE, repertoire_of
from tests.fire.gauntlet.strikes import GATEWAY_CALL_S
from workflows import policies


@pytest.mark.parametrize("payments", [20, 200, 10_000])
def test_the_same_seed_makes_the_same_plan(payments: int) -> None:
    """A run that failed can be repeated: the plan depends on seed and number, and on nothing else."""
    plan = make_plan(7, payments, REPERTOIRE)
    assert plan == make_plan(7, payments, REPERTOIRE)
    assert list(describe(plan)) == list(describe(make_plan(7, payments, REPERTOIRE)))
    assert plan != make_plan(8, payments, REPERTOIRE)


@pytest.mark.parametrize("seed", range(20))
def test_every_strike_and_receiver_is_in_every_plan(seed: int) -> None:
    """Even a short run strikes in every way there is, and every shop has an honest receiver."""
    plan = make_plan(seed, 200, REPERTOIRE)
    assert {strike.kind for strike in plan.strikes} == {kind.name for kind in REPERTOIRE.strikes}
    assert {endpoint.kind for endpoint in plan.endpoints} == {kind.name for kind in REPERTOIRE.endpoints}
    assert {endpoint.shop for endpoint in plan.endpoints if endpoint.kind == "honest"} == set(range(SHOPS))
    assert all(0 <= strike.at < len(plan.businesses) for strike in plan.strikes)
    assert list(plan.strikes) == sorted(plan.strikes, key=lambda strike: strike.at)


def test_every_kind_of_business_is_in_a_long_plan() -> None:
    """Nothing a client can do is too seldom for the long run."""
    kinds = Counter(business.kind for business in make_plan(1, 10_000, REPERTOIRE).businesses)
    assert set(kinds) == {kind.name for kind in REPERTOIRE.businesses}
    assert min(kinds.values()) > 50


def test_three_gateways_fall_ill_early_enough_to_get_well() -> None:
    """A breaker stays open for half a minute: the strike comes in the first part of a short run."""
    repertoire = repertoire_of(long=False, gateways=3)
    for seed in range(20):
        plan = make_plan(seed, 200, repertoire, 3)
        [ill] = [strike for strike in plan.strikes if strike.kind == "three gateways ill"][:1]
        assert ill.at <= len(plan.businesses) * LASTING_WHEN[1]
        assert {"pays by PayPal", "refunds PayPal"} <= {business.kind for business in plan.businesses}


@pytest.mark.parametrize("payments", [1, 200, 999])
def test_a_plan_is_as_large_as_was_asked(payments: int) -> None:
    """At least so many payments are tried, and no more than the last business brings."""
    plan = make_plan(3, payments, REPERTOIRE)
    tried = sum(business.payments for business in plan.businesses)
    assert payments <= tried < payments + max(kind.payments for kind in REPERTOIRE.businesses)
    assert [business.number for business in plan.businesses] == list(range(len(plan.businesses)))


def test_a_stopped_worker_is_stopped_for_longer_than_any_activity_may_take() -> None:
    """SIGSTOP is only worth its name when the server has given the work to another worker meanwhile."""
    assert policies.GATEWAY_CALL_TIMEOUT.total_seconds() <= GATEWAY_CALL_S
    for seed in range(20):
        stops = [strike for strike in make_plan(seed, 200, REPERTOIRE).strikes if strike.kind == "worker stopped"]
        assert all(strike.terms["for_s"] > GATEWAY_CALL_S for strike in stops)


def test_what_takes_long_by_itself_begins_early() -> None:
    """A page that is left ends with its deadline, which must not be what everybody waits for."""
    plan = make_plan(5, 200, REPERTOIRE)
    begun = 0
    for business in plan.businesses:
        assert begun < plan.payments * EARLY_SHARE or not BUSINESSES[business.kind].early
        begun += business.payments


def test_a_new_kind_of_strike_leaves_the_businesses_as_they_were() -> None:
    """Each part of a plan has chance of its own."""
    fewer = replace(REPERTOIRE, strikes=REPERTOIRE.strikes[:-1])
    plan, other = make_plan(9, 200, REPERTOIRE), make_plan(9, 200, fewer)
    assert plan.businesses == other.businesses
    assert plan.endpoints == other.endpoints
    assert plan.strikes != other.strikes
