"""The fault rules: which fault, if any, applies to a request or a webhook. `misbehaviour` carries it out.

Rules are in memory: a restart removes them.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from clearway.simulator.fault_kinds import DEFAULT_DELAYS_S, NOT_EXECUTED, SETTLEMENT_FAULTS, WEBHOOK_FAULTS, FaultKind

OWN: Final = "simulator"
"""The gateway of the simulator's own API. A facade has a name of its own."""
MAGIC_REFUSALS: Final = 2
"""How many requests with one key a test value refuses (429, 503, look-up 404) before it lets one through."""


class Operation(StrEnum):
    """The operation that a rule matches."""

    PREPARE = "prepare"
    """The first step at gateways that have one: it moves no money."""
    AUTHORISE = "authorise"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    LOOK_UP = "look_up"
    WEBHOOK = "webhook"
    TOKEN = "token"  # noqa: S105 - the name of an operation
    SETTLEMENT = "settlement"
    """The balance row of a movement of money, when it is first listed."""
    LISTING = "listing"
    """An operation in the gateway's list."""


class Match(BaseModel):
    """The conditions of a rule; a missing one matches everything."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    payment_id: str | None = None
    key: str | None = None
    method: str | None = None
    amount: int | None = None
    instrument: str | None = None
    gateway: str | None = None
    """`simulator` for its own API, or the name of a facade, such as `stripe`."""
    account: str | None = None
    """The account of the payment at the simulator's own API: the id of a gateway configuration of Clearway."""


class FaultRule(BaseModel):
    """One rule. `times` counts how often it still applies; null is for ever."""

    model_config = ConfigDict(extra="forbid")

    operation: Operation
    fault: FaultKind
    probability: float = Field(default=1.0, ge=0, le=1)
    times: int | None = Field(default=None, ge=0)
    match: Match = Match()
    delay_s: float | None = Field(default=None, ge=0, le=3_600)
    retry_after_s: int = Field(default=1, ge=0, le=3_600)
    applied: int = 0

    @model_validator(mode="after")
    def _fits(self) -> FaultRule:
        reported = self.operation in {Operation.SETTLEMENT, Operation.LISTING}
        if reported != (self.fault in SETTLEMENT_FAULTS):
            raise ValueError("faults of rows and payouts are for the operations settlement and listing, and only they")
        return self


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject of a request or webhook, for rules to match."""

    operation: Operation
    key: str | None = None
    payment_id: str | None = None
    method: str | None = None
    amount: int | None = None
    instrument: str | None = None
    age_s: float | None = None
    """For a look-up: how long ago the operation was accepted."""
    gateway: str | None = None
    """None: the gateway whose switches are asked."""
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to carry out now. in_force: whether its rule is still there; the faults of test values stay."""

    kind: FaultKind
    delay_s: float
    retry_after_s: int = 1
    in_force: Callable[[], bool] = lambda: True


_REQUEST_FAULTS: Final = frozenset(FaultKind) - WEBHOOK_FAULTS - SETTLEMENT_FAULTS


class FaultSwitches:
    """The rules in force, in order: the first that applies wins, and a rule wins over a test value."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._gateway = OWN
        self._met: Counter[tuple[str, FaultKind]] = Counter()
        self.rules: list[FaultRule] = []

    def at(self, gateway: str) -> FaultSwitches:
        """Return the same rules, as requests to a facade of this name meet them."""
        there = copy.copy(self)
        there._gateway = gateway  # noqa: SLF001 - a copy of this one
        return there

    def replace(self, rules: list[FaultRule]) -> None:
        """Replace all rules."""
        self.rules[:] = [rule.model_copy(update={"applied": 0}) for rule in rules]

    def add(self, rule: FaultRule) -> None:
        """Put a rule before those in force. It replaces one of the same operation, fault and match."""
        same = (rule.operation, rule.fault, rule.match)
        others = [each for each in self.rules if (each.operation, each.fault, each.match) != same]
        self.rules[:] = [rule.model_copy(update={"applied": 0}), *others]

    def clear(self, account: str | None) -> None:
        """Remove the rules of an account, or all."""
        self.rules[:] = [] if account is None else [each for each in self.rules if each.match.account != account]

    def for_request(self, subject: Subject, magic: FaultKind | None = None) -> Fault | None:
        """Return the fault of this request. magic: the fault of its test value."""
        return self._by_rule(subject, _REQUEST_FAULTS) or self._by_magic(subject, magic)

    def for_webhook(self, subject: Subject, magic: FaultKind | None = None) -> Fault | None:
        """Return what goes wrong with the webhook of this operation."""
        chosen = self._by_rule(subject, WEBHOOK_FAULTS)
        if chosen is None and magic in WEBHOOK_FAULTS:
            return Fault(magic, DEFAULT_DELAYS_S.get(magic, 0.0))
        return chosen

    def for_row(self, subject: Subject) -> Fault | None:
        """Return what is wrong with a balance row or a listed operation."""
        return self._by_rule(subject, SETTLEMENT_FAULTS)

    def _by_rule(self, subject: Subject, kinds: AbstractSet[FaultKind]) -> Fault | None:
        subject = replace(subject, gateway=subject.gateway or self._gateway)
        for rule in self.rules:
            if rule.fault in kinds and self._applies(rule, subject):
                rule.applied += 1
                delay_s = rule.delay_s if rule.delay_s is not None else DEFAULT_DELAYS_S.get(rule.fault, 0.0)
                return Fault(rule.fault, delay_s, rule.retry_after_s, partial(self._has, rule))
        return None

    def _has(self, rule: FaultRule) -> bool:
        return any(each is rule for each in self.rules)

    def _applies(self, rule: FaultRule, subject: Subject) -> bool:
        about_event = rule.operation is Operation.WEBHOOK and rule.fault in WEBHOOK_FAULTS
        if not about_event and rule.operation is not subject.operation:
            return False
        if rule.times is not None and rule.applied >= rule.times:
            return False
        wanted = rule.match.model_dump(exclude_none=True)
        if any(getattr(subject, name) != value for name, value in wanted.items()):
            return False
        if rule.fault is FaultKind.NOT_FOUND_YET and rule.delay_s is not None and (subject.age_s or 0) >= rule.delay_s:
            return False
        return rule.probability >= 1 or self._chance.random() < rule.probability

    def _by_magic(self, subject: Subject, magic: FaultKind | None) -> Fault | None:
        if magic is None or magic in WEBHOOK_FAULTS or subject.key is None:
            return None
        if magic is FaultKind.NOT_FOUND_YET and subject.operation is not Operation.LOOK_UP:
            magic = FaultKind.EXECUTED_THEN_DROPPED
        repeated = magic in NOT_EXECUTED or magic is FaultKind.NOT_FOUND_YET
        self._met[subject.key, magic] += 1
        if self._met[subject.key, magic] > (MAGIC_REFUSALS if repeated else 1):
            return None
        return Fault(magic, DEFAULT_DELAYS_S.get(magic, 0.0))
