"""What a verdict may excuse after the database was put back to an earlier moment, and nothing more. Pure.

An answer that a client got between the copy and the restore may be forgotten. So it proves nothing about what is
recorded; what was asked counts as asked. Everything that was answered before the copy must be there, without exception.

What may be missing follows from that: a webhook that arrived after the copy, of an event that has no row; and an
operation at the gateway after the copy, of a payment or refund that has no row, if `clearway recover` lists it and
says why nobody can record it again. That reason is checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from math import inf
from typing import Final

from clearway.gateways.contract import OperationKind
from clearway.recovery.books import Missing
from clearway.recovery.rebuilding import Rebuilt
from tests.fire.gauntlet.case import Case
from tests.fire.gauntlet.client import Exchange
from tests.fire.gauntlet.past import Listed, Past, Restore
from tests.fire.gauntlet.receivers import Arrival
from tests.support.evidence import Evidence, Record

UNDER_WAY_S: Final = 20.0
"""How long after the restore a webhook of a forgotten event may still arrive: its worker may have been stopped."""
MAKING: Final = ("/orders", "/payments", "/refunds")
"""Ends of the paths on which a POST makes something."""


def excuse(case: Case, past: Past) -> dict[str, int]:
    """Mark what was forgotten, and take out of the evidence what cannot be recorded. Returns how much of each."""
    if not past.restores:
        return {}
    case.exchanges = [
        exchange if _kept(exchange, past) else replace(exchange, forgotten=True) for exchange in case.exchanges
    ]
    case.restores = len(past.restores)
    case.forgotten = _forgotten(case.exchanges)
    rows = _Rows(case, past)
    count = _counted(case, rows)
    events = [arrival for arrival in case.arrivals if not rows.may_have_forgotten_event(arrival)]
    count["webhooks of forgotten events"] = len(case.arrivals) - len(events)
    case.arrivals = [
        replace(arrival, verified=True) if rows.may_have_forgotten_secret(arrival) else arrival for arrival in events
    ]
    recorded = [effect for effect in case.stack.journal if not rows.cannot_have(effect)]
    count["effects listed for a person"] = len(case.stack.journal) - len(recorded)
    case.stack.journal = recorded
    case.stack.forgotten_attempts = _forgotten_attempts(case.stack, past)
    count["delivery attempts"] = case.stack.forgotten_attempts.total()
    return {name: number for name, number in count.items() if number}


def still_counted(failures: Sequence[str], log: Sequence[Exchange], restores: Sequence[Restore]) -> list[str]:
    """Return the clients that broke off and got no answer that was forgotten. Each names its business second."""
    met = {exchange.business for exchange in log if not exchange.is_refusal and not _kept(exchange, Past(restores))}
    return [failure for failure in failures if int(failure.split()[1]) not in met]


class _Rows:
    """What the database has at the end, and whether it can be excused that it lacks something."""

    def __init__(self, case: Case, past: Past) -> None:
        self._past = past
        self._events = {row["id"] for row in case.stack.events}
        self._orders = {row["id"] for row in case.stack.orders}
        self._payments = {row["id"] for row in case.stack.payments}
        self._refunds = {row["id"] for row in case.stack.refunds}
        self._paid = {row["order_id"] for row in case.stack.payments}
        self._refunded = {row["payment_id"] for row in case.stack.refunds}
        self._order_of = {
            exchange.answer["id"]: exchange.answer["order_id"] for exchange in case.exchanges if _is_payment(exchange)
        }
        self._rotated = {exchange.path for exchange in case.exchanges if exchange.forgotten and not exchange.is_refusal}

    def __contains__(self, name: object) -> bool:
        return name in self._orders or name in self._payments or name in self._refunds

    def may_have_forgotten_event(self, arrival: Arrival) -> bool:
        """Return whether a webhook's event may have no row any more."""
        restores = self._past.restores
        return arrival.webhook_id not in self._events and any(
            each.copied[1] <= arrival.at <= each.put_back[1] + UNDER_WAY_S for each in restores
        )

    def may_have_forgotten_secret(self, arrival: Arrival) -> bool:
        """Return whether the change of the secret was forgotten, so that an older one signs than its receiver knows."""
        rotated = f"/webhook_endpoints/{arrival.endpoint_id}/rotate_secret" in self._rotated
        return not arrival.verified and rotated and any(arrival.at >= each.copied[1] for each in self._past.restores)

    def cannot_have(self, effect: Record) -> bool:
        """Return whether an effect is listed for a person, and cannot be recorded again for a reason that holds."""
        listed = self._listed(effect)
        subject_id = str(effect["operation_key"]).partition(":")[0]
        if listed is None or listed.missing != Missing.ROW or subject_id in self:
            return False
        at = datetime.fromisoformat(effect["occurred_at"]).timestamp()
        if not any(at >= each.copied[1] for each in self._past.restores):
            return False
        if listed.rebuilt == Rebuilt.IMPOSSIBLE:
            return any(lost >= at for lost in self._past.stores_lost)
        return listed.rebuilt == Rebuilt.REFUSED and self._has_no_place_for(subject_id, effect["payment_id"])

    def _listed(self, effect: Record) -> Listed | None:
        """Return what is listed of an effect. Some gateways show a release only in the authorisation that it ends."""
        listed = self._past.listed
        if effect["type"] == "voided" and effect["operation_key"] not in listed:
            authorise = f"{effect['payment_id']}:{OperationKind.AUTHORISE}:"
            return next((each for key, each in listed.items() if key.startswith(authorise)), None)
        return listed.get(effect["operation_key"])

    def _has_no_place_for(self, subject_id: str, payment_id: str) -> bool:
        """Return whether a refund's payment is gone or given back, or a payment's order has another payment."""
        if subject_id != payment_id:
            return payment_id not in self._payments or payment_id in self._refunded
        order_id = self._order_of.get(payment_id)
        return order_id is None or order_id in self._paid  # None: nobody was answered, so its order is not known


def _kept(exchange: Exchange, past: Past) -> bool:
    return not any(restore.holds(exchange.began, exchange.ended) for restore in past.restores)


def _forgotten(log: Sequence[Exchange]) -> dict[str, float]:
    """Return the ids that clients first received between copy and restore, with the moment they were there again."""
    found: dict[str, float] = {}
    for exchange in sorted((exchange for exchange in log if exchange.is_success), key=lambda exchange: exchange.began):
        for name in _named(exchange):
            if exchange.forgotten:
                found.setdefault(name, inf)
            else:
                found[name] = min(found.get(name, -inf), exchange.ended)
    return {name: at for name, at in found.items() if at > -inf}


def _is_payment(exchange: Exchange) -> bool:
    return exchange.is_success and exchange.answer.get("object") == "payment"


def _named(exchange: Exchange) -> Iterator[str]:
    """Yield the ids that an answer names: of what was made, and of what was listed."""
    listed = exchange.answer.get("data", [])
    for thing in (exchange.answer, *(listed if isinstance(listed, list) else [])):
        if "id" in thing:
            yield thing["id"]


def _counted(case: Case, rows: _Rows) -> Counter[str]:
    """Count what clients made between copy and restore, and how much of it is there again."""
    forgotten = [exchange for exchange in case.exchanges if exchange.forgotten]
    count = Counter({"answers": len(forgotten)})
    charged = {effect["payment_id"] for effect in case.stack.journal}
    made = {
        str(exchange.answer["id"]): str(exchange.answer.get("object"))
        for exchange in forgotten
        if exchange.is_success
        and exchange.method == "POST"
        and exchange.path.endswith(MAKING)
        and "id" in exchange.answer
    }
    for name, noun in made.items():
        count[f"{noun}s"] += 1
        count[f"{noun}s recorded again"] += name in rows
        count["payments charged and not recorded again"] += name in charged and name not in rows
    return count


def _forgotten_attempts(stack: Evidence, past: Past) -> Counter[str]:
    """Count, by delivery, attempts that its run made and counts, and its row forgot."""
    made = Counter(row["delivery_id"] for row in stack.attempts if row["trigger"] == "schedule")
    until = max(each.put_back[1] for each in past.restores)
    there = [row for row in stack.deliveries if row["created_at"].timestamp() <= until and row["recovery_id"] is None]
    return +Counter({row["id"]: row["schedule_attempts"] - made[row["id"]] for row in there})
