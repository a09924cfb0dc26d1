"""Percentiles, arrivals and runs: the arithmetic that every figure of the bench goes through."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence

import pytest

from scripts.bench.figures import arrivals_s, percentile, summary_ms
from scripts.bench.load import Sent
from scripts.bench.runs import Run


def test_a_percentile_is_a_value_that_was_seen() -> None:
    """Nearest rank: the 95th of a hundred is the 95th, and a small sample is not stretched."""
    values = [float(value) for value in range(100, 0, -1)]
    assert (percentile(values, 50), percentile(values, 95), percentile(values, 99)) == (50, 95, 99)
    assert percentile([3.0, 1.0], 50) == 1.0
    assert percentile([3.0, 1.0], 95) == 3.0
    assert percentile([], 95) == 0.0


def test_latencies_are_in_milliseconds() -> None:
    """Seconds in, milliseconds out, with the worst beside the percentiles."""
    assert summary_ms([0.001, 0.002, 0.003, 0.5]) == {"p50": 2.0, "p95": 500.0, "p99": 500.0, "max": 500.0}


def test_arrivals_repeat_by_seed_and_keep_the_rate() -> None:
    """The same seed makes the same moments, another seed others; their mean distance is that of the rate."""
    moments = arrivals_s(50.0, seed=1, count=4_000)
    assert moments == arrivals_s(50.0, seed=1, count=4_000) != arrivals_s(50.0, seed=2, count=4_000)
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    assert statistics.mean(gaps) == pytest.approx(1 / 50, rel=0.1)
    assert statistics.stdev(gaps) == pytest.approx(1 / 50, rel=0.1), "exponential, not evenly spaced"


def test_arrivals_end_with_the_window() -> None:
    """A duration bounds them."""
    assert 0 < max(arrivals_s(20.0, seed=3, duration_s=5.0)) < 5.0


def served(rate_per_s: float, seconds: float, capacities_per_s: Sequence[float] = (1e9,), takes_s: float = 0.1) -> Run:
    """Return the run of a system that serves in order, each for `takes_s`.

    capacities_per_s: how many it serves a second, in equal parts of the time.
    """
    sent, done_at, free_at = [], {}, 0.0
    for number in range(int(rate_per_s * seconds)):
        due_at = number / rate_per_s
        capacity = capacities_per_s[int(due_at / seconds * len(capacities_per_s))]
        free_at = max(free_at, due_at) + 1 / capacity
        sent.append(Sent(due_at, due_at + 0.02, f"pay_{number}"))
        done_at[f"pay_{number}"] = free_at + takes_s
    return Run(rate_per_s, sent, done_at, {"api": 2.0, "simulator": 1.0}, seconds)


def test_a_run_that_keeps_up_is_sustained() -> None:
    """What is offered is completed, however long each takes."""
    run = served(10, 20, takes_s=0.5)
    assert run.sustained
    assert run.completed_per_s == pytest.approx(10, rel=0.03)


def test_a_run_that_falls_behind_is_not_sustained() -> None:
    """Offered 10 a second, completed 9: not kept up with, although all are done in the end."""
    run = served(10, 20, [9])
    assert run.failed == 0
    assert not run.sustained
    assert run.completed_per_s == pytest.approx(9, rel=0.03)


def test_a_backlog_that_grows_at_the_end_is_not_sustained() -> None:
    """Over the whole window 95 % are completed, and yet it could not go on like this."""
    run = served(10, 40, [100, 9.3])
    assert run.completed_per_s >= 0.95 * run.offered_per_s
    assert not run.sustained


def test_a_backlog_that_stays_counts_as_not_completed() -> None:
    """It grew in the first half and no more: what was offered in the window was still not completed in it."""
    assert not served(10, 40, [9, 7, 10, 10, 10]).sustained


def test_a_run_that_loses_one_is_not_sustained() -> None:
    """One payment without its webhook makes the run fail, at any rate."""
    run = served(10, 20)
    done = {name: at for name, at in run.done_at.items() if name != "pay_7"}
    assert not Run(10, run.sent, done).sustained
    assert Run(10, run.sent, done).failed == 1


def test_the_total_leaves_out_the_gateway() -> None:
    """The gateway's CPU is measured, and left out of the total."""
    each = served(10, 10).cpu_per_one_s("simulator")
    assert each == {"api": 0.02, "simulator": 0.01, "total": 0.02}
