"""The settlement of what the journal says: balance rows with fees and exchange rates, and payouts.

Rows are made of the journal's effects when a list is first read, with the faults that are switched on then, and stay as
they were made. Payouts are made at whole multiples of their interval. Amounts are signed: what the merchant gets is
positive.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, astuple, dataclass, replace
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any, Final

from clearway.domain.money import exponent
from clearway.domain.settlement import BalanceKind
from clearway.simulator.fault_kinds import FaultKind
from clearway.simulator.faults import Fault, FaultSwitches, Operation, Subject
from clearway.simulator.records import Effect
from clearway.simulator.settings import SimulatorSettings
from clearway.simulator.store import Store

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS balance_rows (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    effect INTEGER NOT NULL,
    channel TEXT NOT NULL,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    currency TEXT NOT NULL,
    gross INTEGER NOT NULL,
    fee INTEGER NOT NULL,
    operation_key TEXT,
    payment_reference TEXT,
    payment_id TEXT,
    customer_amount INTEGER,
    customer_currency TEXT,
    rate TEXT,
    readable INTEGER NOT NULL DEFAULT 1,
    payout_adds INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    visible_at REAL NOT NULL,
    available_at REAL NOT NULL,
    payout TEXT
);
CREATE INDEX IF NOT EXISTS balance_rows_by_account ON balance_rows (channel, account, created_at);
CREATE INDEX IF NOT EXISTS balance_rows_by_payout ON balance_rows (payout);
CREATE TABLE IF NOT EXISTS payouts (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    channel TEXT NOT NULL,
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL,
    bank_reference TEXT NOT NULL,
    created_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS settled (name TEXT PRIMARY KEY, effect INTEGER NOT NULL);
"""
UNSETTLED: Final = """
SELECT effects.*, strftime('%s', occurred_at) + 0.0 AS at,
    payments.channel, payments.account, payments.method, payments.instrument,
    (SELECT coalesce(sum(released.amount), 0) FROM effects AS released
        WHERE released.type = 'voided' AND released.operation_key = effects.operation_key) AS released
FROM effects JOIN payments ON payments.reference = effects.payment_reference
WHERE effects.sequence > ? AND effects.type IN
"""
WORSE: Final = Decimal("0.95")
DISPUTE_FEE_UNITS: Final = 15
OTHER_CURRENCY: Final = {"USD": "EUR"}
_MOVES: Final = {
    Effect.CAPTURED: (BalanceKind.CHARGE, 1),
    Effect.REFUNDED: (BalanceKind.REFUND, -1),
    Effect.REFUND_REVERSED: (BalanceKind.REFUND, 1),
}
RELEASED: Final = "partial_capture_reversal"
"""The detail of the row that takes back what was authorised and not captured; only Stripe makes it."""
STRIPE: Final = "stripe"
UNCONVERTED: Final = "square"
"""A location of Square takes and settles one currency."""


@dataclass(frozen=True, slots=True)
class Line:
    """One balance row before it is stored. detail: more than the kind, such as `partial_capture_reversal`."""

    kind: BalanceKind
    currency: str
    gross: int
    fee: int
    detail: str = ""
    customer_amount: int | None = None
    customer_currency: str | None = None
    rate: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """A stored balance row."""

    number: int
    id: str
    kind: BalanceKind
    detail: str
    currency: str
    gross: int
    fee: int
    operation_key: str | None
    payment_reference: str | None
    payment_id: str | None
    customer_amount: int | None
    customer_currency: str | None
    rate: str | None
    readable: bool
    created_at: float
    available_at: float
    payout: str | None


@dataclass(frozen=True, slots=True)
class PaidOut:
    """A stored payout."""

    number: int
    id: str
    currency: str
    amount: int
    bank_reference: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows or payouts: of an account of a channel, made in [since, until)."""

    channel: str
    account: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Settlement:
    """Makes rows and payouts, and lists them."""

    store: Store
    switches: FaultSwitches
    settings: SimulatorSettings

    def __post_init__(self) -> None:
        self.store.add_schema(SCHEMA)

    def rows(self, wanted: Wanted, after: int, limit: int) -> list[Settled]:
        """Return the visible rows that were made in [since, until), oldest first, after the row with this number."""
        now = self.settle()
        return self._select(
            "channel = ? AND account = ? AND created_at >= ? AND created_at < ? AND visible_at <= ? AND number > ?",
            *(*astuple(wanted), now, after),
            limit=limit,
        )

    def rows_of_payout(self, payout_id: str, after: int, limit: int) -> list[Settled]:
        """Return the rows that a payout pays, oldest first."""
        return self._select("payout = ? AND number > ?", payout_id, after, limit=limit)

    def payouts(self, wanted: Wanted, after: int, limit: int) -> list[PaidOut]:
        """Return the payouts that were made in [since, until), oldest first, after the payout with this number."""
        self.settle()
        query = (
            "SELECT number, id, currency, amount, bank_reference, created_at FROM payouts WHERE channel = ?"
            " AND account = ? AND created_at >= ? AND created_at < ? AND number > ? ORDER BY number LIMIT ?"
        )
        return [PaidOut(**row) for row in self.store.all(query, *astuple(wanted), after, limit)]

    def payout(self, channel: str, account: str, payout_id: str) -> PaidOut | None:
        """Find a payout of an account."""
        self.settle()
        query = (
            "SELECT number, id, currency, amount, bank_reference, created_at FROM payouts"
            " WHERE channel = ? AND account = ? AND id = ?"
        )
        row = self.store.one(query, channel, account, payout_id)
        return PaidOut(**row) if row else None

    def settle(self) -> float:
        """Make the rows of all effects that have none, and the payouts that are due; return the time."""
        now = time.time()
        with self.store.transaction():
            last = self.store.one("SELECT effect FROM settled WHERE name = 'effects'") or {"effect": 0}
            done = last["effect"]
            for effect in self._unsettled(done):
                self._make_rows(effect)
                done = effect["sequence"]
            self.store.run("INSERT OR REPLACE INTO settled VALUES ('effects', ?)", done)
            self._pay_out(now)
        return now

    def _unsettled(self, done: int) -> list[dict[str, Any]]:
        query = f"{UNSETTLED} ({', '.join('?' for _ in _MOVES)}) ORDER BY effects.sequence"
        return self.store.all(query, done, *(effect.value for effect in _MOVES))

    def _make_rows(self, effect: Mapping[str, Any]) -> None:
        subject = Subject(
            Operation.SETTLEMENT,
            key=effect["operation_key"],
            payment_id=effect["payment_id"],
            method=effect["method"],
            amount=effect["amount"],
            instrument=effect["instrument"],
            gateway=effect["channel"],
            account=effect["account"],
        )
        fault = self.switches.for_row(subject)
        for line in _spoilt(list(self._lines(effect)), fault):
            self._store_row(effect, line, fault)

    def _lines(self, effect: Mapping[str, Any]) -> Iterator[Line]:
        kind, sign = _MOVES[Effect(effect["type"])]
        amount, released = effect["amount"], effect["released"]
        if kind is BalanceKind.CHARGE and effect["channel"] == STRIPE and released:
            # A partial capture: the whole authorisation, and what was not captured of it.
            whole = self._line(kind, effect, amount + released)
            part = self._line(kind, effect, amount)
            yield whole
            yield Line(
                kind,
                whole.currency,
                part.gross - whole.gross,
                part.fee - whole.fee,
                RELEASED,
                *(None if whole.customer_amount is None else -released, whole.customer_currency, whole.rate),
            )
            return
        yield self._line(kind, effect, sign * amount)

    def _line(self, kind: BalanceKind, effect: Mapping[str, Any], amount: int) -> Line:
        currency = effect["currency"]
        into, rate = self.settings.simulator_settlement_currency, self.settings.simulator_exchange_rates.get(currency)
        if into is None or rate is None or into == currency or effect["channel"] == UNCONVERTED:
            return Line(kind, currency, amount, self._fee(kind, amount))
        gross = converted(amount, currency, into, rate)
        return Line(kind, into, gross, self._fee(kind, gross), "", amount, currency, str(rate))

    def _fee(self, kind: BalanceKind, gross: int) -> int:
        if kind is not BalanceKind.CHARGE:
            return 0
        share = Decimal(gross) * self.settings.simulator_fee_percent / 100
        return int(share.quantize(Decimal(1), ROUND_HALF_UP)) + self.settings.simulator_fee_fixed

    def _store_row(self, effect: Mapping[str, Any], line: Line, fault: Fault | None) -> None:
        kind = fault.kind if fault else None
        late_s = fault.delay_s if fault and kind is FaultKind.ROW_LATE else 0.0
        unit = 10 ** exponent(line.currency)
        adds = {FaultKind.PAYOUT_SHORT: -unit, FaultKind.PAYOUT_OVER: unit}
        at = effect["at"]
        self.store.insert(
            "balance_rows",
            asdict(line)
            | {
                "id": f"bal_{secrets.token_hex(10)}",
                "effect": effect["sequence"],
                "channel": effect["channel"],
                "account": effect["account"] or "",
                "operation_key": effect["operation_key"],
                "payment_reference": effect["payment_reference"],
                "payment_id": effect["payment_id"],
                "readable": int(kind is not FaultKind.ROW_UNREADABLE),
                "payout_adds": adds.get(kind, 0) if kind else 0,
                "created_at": at,
                "visible_at": at + self.settings.simulator_settlement_lag_s + late_s,
                "available_at": at + self.settings.simulator_available_after_s,
            },
        )

    def _pay_out(self, now: float) -> None:
        """Pay out what was available when the last interval ended."""
        every_s = self.settings.simulator_payout_every_s
        at = math.floor(now / every_s) * every_s
        due = self.store.all(
            "SELECT channel, account, currency, sum(gross - fee) AS net, sum(payout_adds) AS adds FROM balance_rows"
            " WHERE payout IS NULL AND kind <> 'payout' AND available_at < ? GROUP BY channel, account, currency",
            at,
        )
        for one in due:
            if one["net"] + one["adds"] > 0:
                self._make_payout(one, at)

    def _make_payout(self, due: Mapping[str, Any], at: float) -> None:
        payout_id, amount = f"po_{secrets.token_hex(10)}", due["net"] + due["adds"]
        of_account = {name: due[name] for name in ("channel", "account", "currency")}
        self.store.run(
            "UPDATE balance_rows SET payout = ? WHERE payout IS NULL AND kind <> 'payout' AND available_at < ?"
            " AND channel = ? AND account = ? AND currency = ?",
            *(payout_id, at, *of_account.values()),
        )
        made = {"id": payout_id, "amount": amount, "bank_reference": f"PAYOUT {payout_id[3:13].upper()}"}
        self.store.insert("payouts", of_account | made | {"created_at": at})
        line = Line(BalanceKind.PAYOUT, due["currency"], -amount, 0)
        times = {"created_at": at, "visible_at": at, "available_at": at}
        row = asdict(line) | of_account | times
        self.store.insert(
            "balance_rows", row | {"id": f"bal_{secrets.token_hex(10)}", "effect": 0, "payout": payout_id}
        )

    def _select(self, condition: str, *given: object, limit: int) -> list[Settled]:
        names = ", ".join(Settled.__dataclass_fields__)
        query = f"SELECT {names} FROM balance_rows WHERE {condition} ORDER BY number LIMIT ?"  # noqa: S608 - our own names
        found = self.store.all(query, *given, limit)
        return [
            Settled(**{**row, "kind": BalanceKind(row["kind"]), "readable": bool(row["readable"])}) for row in found
        ]


def converted(amount: int, currency: str, into: str, rate: Decimal) -> int:
    """Return an amount in another currency, rounded once."""
    value = Decimal(amount).scaleb(exponent(into) - exponent(currency)) * rate
    return int(value.quantize(Decimal(1), ROUND_HALF_EVEN))


def _spoilt(lines: list[Line], fault: Fault | None) -> list[Line]:
    """Return the lines with their fault."""
    spoil = _SPOILING.get(fault.kind) if fault else None
    if spoil is None or not lines:
        return lines
    first, *rest = lines
    return [*spoil(first), *rest]


def _unit(line: Line) -> int:
    unit: int = 10 ** exponent(line.currency)
    return unit


def _less(line: Line) -> int:
    return line.gross - (_unit(line) if line.gross > 0 else -_unit(line))


def _elsewhere(line: Line) -> Line:
    other = OTHER_CURRENCY.get(line.currency, "USD")
    return replace(line, currency=other, customer_amount=None, customer_currency=None, rate=None)


_SPOILING: Final[Mapping[FaultKind, Callable[[Line], list[Line]]]] = {
    FaultKind.ROW_MISSING: lambda _: [],
    FaultKind.ROW_TWICE: lambda line: [line, line],
    FaultKind.ROW_WRONG_AMOUNT: lambda line: [replace(line, gross=_less(line))],
    FaultKind.ROW_WRONG_FEE: lambda line: [replace(line, fee=line.fee + _unit(line))],
    FaultKind.ROW_WRONG_RATE: lambda line: [replace(line, gross=int(line.gross * WORSE))],
    FaultKind.ROW_WRONG_CURRENCY: lambda line: [_elsewhere(line)],
    FaultKind.ROW_DISPUTED: lambda line: [
        line,
        Line(BalanceKind.DISPUTE, line.currency, -line.gross, DISPUTE_FEE_UNITS * _unit(line)),
    ],
    FaultKind.ROW_REVERSED: lambda line: [line, Line(BalanceKind.REVERSAL, line.currency, -line.gross, 0)],
}
"""What each fault makes of the row of a movement."""
