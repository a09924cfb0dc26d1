"""Figures as text for people: one block a part, ratios beside absolutes, what differs or fails marked with `!`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

Found = Mapping[str, Any]
RULE: Final = "-" * 100


def show(found: Found) -> None:
    """Print what was found."""
    for line in lines(found):
        print(line)


def lines(found: Found) -> Iterator[str]:
    """Yield the report."""
    at = found["circumstances"]
    yield RULE
    yield f"{at['at']}  commit {at['commit']}  {at['machine']}, {at['cores']} cores, {at['memory_gib']} GiB"
    yield f"Python {at['python']}, temporalio {at['temporalio']}, load before {at['load_before']}; {found['settings']}"
    for name, part in PARTS.items():
        if name in found:
            yield RULE
            yield from part(found[name])


def _cost(cost: Found) -> Iterator[str]:
    ours, floor = cost["ours"], cost["floor"]
    yield f"COST at {cost['rate_per_s']:g} payments/s, receiver takes {cost['subscription']}"
    yield from _run("ours", ours)
    yield from _run("floor", floor)
    yield f"  idle CPU-s/s: {_pairs(cost['idle_cpu_s_per_s'])}"
    yield f"  ours / floor, CPU: {ours['cpu_s_each']['total'] / floor['cpu_s_each']['total']:.2f}"
    for kind in ("payment", "delivery"):
        history = cost[f"{kind}_history"]
        yield (
            f"  {kind}: {history['events']} events (mean {history['mean_events']}, "
            f"{history['share_of_sample']:.0%} alike): {history['shape']}"
        )
        yield f"    {_pairs(history['events_by_type'])}"
        differing = floor["events_that_differ"][kind]
        if differing:
            words = ", ".join(f"{name} {ours} against {bare}" for name, (ours, bare) in differing.items())
            yield f"  ! the floor's {kind} differs (ours against floor): {words}"
    yield f"  deliveries a payment: {cost['deliveries_each']}"
    sql = cost["statements"]
    if sql:
        yield f"  SQL statements a payment: {sql['each']}  ({_pairs(sql['by_caller'])})"
        for one in sql["statements"]:
            yield f"    {one['each']:6.2f}  {one['caller']:<18} {one['statement'][:72]}"


def _run(name: str, run: Found) -> Iterator[str]:
    answer, done = run["answer_ms"], run["done_ms"]
    mark = "" if run["sustained"] else "  ! not sustained"
    yield (
        f"  {name:<6} offered {run['offered_per_s']}/s, completed {run['completed_per_s']}/s, "
        f"{run['count']} in {run['wall_s']} s, failed {run['failed']}{mark}"
    )
    yield f"         answer ms p50 {answer['p50']} p95 {answer['p95']} p99 {answer['p99']} max {answer['max']}"
    yield f"         to webhook ms p50 {done['p50']} p95 {done['p95']} p99 {done['p99']} max {done['max']}"
    yield f"         CPU-s each: {_pairs(run['cpu_s_each'])}"


def _pairs(values: Mapping[str, Any]) -> str:
    return "  ".join(f"{name} {value}" for name, value in values.items())


PARTS: Final = {"cost": _cost}
