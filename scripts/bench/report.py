"""Figures as text for people: one block a part, ratios beside absolutes, what fails or differs marked with `!`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

Found = Mapping[str, Any]
RULE: Final = "-" * 100


def show(found: Found) -> None:
    """Print what was found."""
    for line in lines(found):
        print(line)


def progress(text: str) -> None:
    """Say on the standard error how far we are."""
    print(text, file=sys.stderr, flush=True)


def lines(found: Found) -> Iterator[str]:
    """Yield the report."""
    at = found["circumstances"]
    yield RULE
    yield f"{at['at']}  commit {at['commit']}  {at['machine']}, {at['cores']} cores, {at['memory_gib']} GiB"
    yield f"Python {at['python']}, temporalio {at['temporalio']}, load before {at['load_before']}"
    yield f"settings: {_pairs(found['settings'])}"
    for name, part in PARTS.items():
        if name in found:
            yield RULE
            yield from part(found[name])
    if "ours" in found and "floor" in found:
        yield from _ratios(found["ours"], found["floor"])
    if "failed" in found:
        yield f"! ended early: {found['failed']}"


def _cost(cost: Found) -> Iterator[str]:
    ours, floor = cost["ours"], cost["floor"]
    yield f"COST at {cost['rate_per_s']:g} payments/s, the receiver takes payment.success only"
    yield from _run("ours", ours)
    yield from _run("floor", floor)
    yield f"  idle CPU-s/s: {_pairs(cost['idle_cpu_s_per_s'])}"
    yield f"  CPU of ours / floor: {ours['cpu_s_each']['total'] / floor['cpu_s_each']['total']:.2f}"
    yield f"  deliveries a payment: {cost['deliveries_each']}; with all events {cost['all_events']['deliveries_each']}:"
    yield from _run("all", cost["all_events"])
    for kind in ("payment", "delivery"):
        yield from _history(kind, cost[f"{kind}_history"], floor["events_that_differ"][kind])
    yield from _statements(cost["statements"])


def _history(kind: str, history: Found, differing: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    alike = f"mean {history['mean_events']}, {history['share_of_sample']:.0%} alike"
    yield f"  {kind}: {history['events']} events ({alike}): {history['shape']}"
    yield f"    {_pairs(history['events_by_type'])}"
    if differing:
        words = ", ".join(f"{name} {ours} against {bare}" for name, (ours, bare) in differing.items())
        yield f"  ! the floor's {kind} differs (ours against floor): {words}"


def _statements(sql: Found) -> Iterator[str]:
    if not sql:
        return
    yield f"  SQL statements a payment: {sql['each']}  ({_pairs(sql['by_caller'])})"
    for one in sql["statements"]:
        yield f"    {one['each']:6.2f}  {one['caller']:<18} {one['statement'][:72]}"


def _overload(overload: Found) -> Iterator[str]:
    yield f"OVERLOAD: {overload['times']:g} times the knee, the middle one of {overload['windows']} windows each"
    for name in ("ours", "floor"):
        one = overload[name]
        yield f"  {name}: knee {_knee(one['knee'])}"
        yield from _run("knee", one["at_knee"])
        yield from _run("beyond", one["beyond"])
        yield f"         done beyond the knee / at the knee: {one['share']} (of each window: {one['shares']})"
    refused = overload["refused"]
    answer = _pairs(refused["answer_ms"])
    yield f"  ours refused {refused['count']}, {refused['share']:.0%} of what was asked; answered in ms {answer}"
    if overload["other_answers"]:
        yield f"  ! neither taken nor refused as overloaded: {_pairs(overload['other_answers'])}"


def _ours(ours: Found) -> Iterator[str]:
    yield f"OURS: knee {_knee(ours['knee'])}"
    yield from _levels(ours)


def _floor(floor: Found) -> Iterator[str]:
    yield f"FLOOR: knee {_knee(floor['knee'])}; shape: {floor['shape']}"
    yield from _levels(floor)


def _levels(found: Found) -> Iterator[str]:
    for name in ("at_knee", "at_50%", "at_80%"):
        yield from _run(name, found[name])
        if each := found[name].get("answer_p95_ms_of_each"):
            yield f"         of {len(each)} windows the middle one; answer p95 of each, ms: {', '.join(map(str, each))}"
            if found[name]["all_slower"]:
                yield "         ! the machine was slower than at the knee in all of them"
            elif found[name]["left_out_as_slower"]:
                yield f"         left out {found[name]['left_out_as_slower']}, in which the machine was slower"


def _ratios(ours: Found, floor: Found) -> Iterator[str]:
    yield RULE
    if floor["knee"]["per_s"]:
        yield f"RATIO of payments/s to the floor: {ours['knee']['per_s'] / floor['knee']['per_s']:.2f}"


def _refunds(refunds: Found) -> Iterator[str]:
    burst = refunds["burst"]
    yield f"REFUNDS at {refunds['rate_per_s']:g}/s, then as quickly as they are taken"
    yield from _run("steady", refunds["steady"])
    answer = _pairs(burst["answer_ms"])
    yield f"  burst  {burst['count']} at {burst['per_s']}/s, failed {burst['failed']}; answer ms {answer}"
    yield f"         CPU-s each: {_pairs(burst['cpu_s_each'])}"


def _backlog(backlog: Found) -> Iterator[str]:
    mark = f"  ! {backlog['missing']} missing" if backlog["missing"] else ""
    yield (
        f"BACKLOG: {backlog['deliveries']} deliveries of {backlog['payments']} payments, drained in "
        f"{backlog['drained_in_s']} s, {backlog['deliveries_per_s']}/s{mark}"
    )
    yield f"         CPU-s each delivery: {_pairs(backlog['cpu_s_each_delivery'])}"
    yield f"         CPU-s each payment while away: {_pairs(backlog['cpu_s_each_payment_while_away'])}"


def _growth(growth: Found) -> Iterator[str]:
    mark = "" if growth["flat"] else "  ! not flat"
    yield f"GROWTH: CPU of a payment with many open ones / with few: {growth['cpu_ratio']}{mark}"
    for name, run in growth.items():
        if name.startswith("with_"):
            yield from _run(name, run)


def _rows(rows: Found) -> Iterator[str]:
    yield f"ROWS: {rows['rows']} payments, filled in {rows['filled_in_s']} s; median ms empty, full, ratio"
    for name, one in rows["questions"].items():
        mark = "" if one["within"] else "  !"
        yield f"  {name:<16} {one['empty_ms']:>9} {one['full_ms']:>9} {one['ratio']:>7}{mark}"


def _lists(lists: Found) -> Iterator[str]:
    yield f"LISTS: {lists['rows']} payments, filled in {lists['filled_in_s']} s; each asked {lists['asked']} times; ms"
    for name, one in lists["questions"].items():
        mark = "" if one["within"] else "  !"
        yield f"  {name:<40} p50 {one['p50_ms']:>8}  p95 {one['p95_ms']:>8}{mark}"
    late = [name for name, one in lists["questions"].items() if not one["within"]]
    yield f"  within the bound: all but {len(late)} of {len(lists['questions'])}. {', '.join(late)}"
    for name, one in lists["exports"].items():
        mark = "" if one["within"] else "  !"
        yield f"  export of {name}: {_pairs({key: one[key] for key in one if key != 'within'})}{mark}"


def _sockets(sockets: Found) -> Iterator[str]:
    mark = "" if sockets["within"] else "  !"
    of_each = f"{sockets['sockets']} of {sockets['merchants']} merchants, {sockets['kib_a_socket']} KiB each"
    yield f"SOCKETS: {of_each}; {sockets['events_per_s']:g} events/s are {sockets['messages_per_s']} messages/s"
    yield f"  cores of the API: {_pairs(sockets['cores'])}{mark}"
    yield f"  heard after ms: {_pairs(sockets['heard_after_ms'])}"


def _run(name: str, run: Found) -> Iterator[str]:
    answer, done = run["answer_ms"], run["done_ms"]
    mark = "" if run["sustained"] else "  ! not sustained"
    yield (
        f"  {name:<6} offered {run['offered_per_s']}/s, completed {run['completed_per_s']}/s, "
        f"{run['count']} in {run['wall_s']} s, failed {run['failed']}{mark}"
    )
    yield f"         answer ms {_pairs(answer)};  to webhook ms {_pairs(done)}"
    yield f"         CPU-s each: {_pairs(run['cpu_s_each'])}"


def _knee(knee: Found) -> str:
    tried = " ".join(f"{one['per_s']}{'' if one['sustained'] else '!'}" for one in knee["tried"])
    return f"{knee['per_s']}/s (too much: {knee['too_much_per_s']}/s; tried {tried})"


def _pairs(values: Mapping[str, Any]) -> str:
    return "  ".join(f"{name} {value}" for name, value in values.items())


PARTS: Final = {
    "cost": _cost,
    "overload": _overload,
    "ours": _ours,
    "floor": _floor,
    "refunds": _refunds,
    "backlog": _backlog,
    "growth": _growth,
    "rows": _rows,
    "lists": _lists,
    "sockets": _sockets,
}
