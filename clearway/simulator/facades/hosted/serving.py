"""The parts of one stand-in, its accounts as a resource, and how a request meets the faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from clearway.simulator.engine import Engine
from clearway.simulator.facades.hosted.books import Account, Books, Thing
from clearway.simulator.facades.hosted.orders import Orders
from clearway.simulator.faults import Fault, FaultSwitches, Subject
from clearway.simulator.misbehaviour import Say, misbehave
from clearway.simulator.outbox import Channel, Outbox
from clearway.simulator.records import Operation, Payment, Records
from clearway.simulator.settings import SimulatorSettings

Execute = Callable[[Fault | None], Response]
"""Does what a request asks for. It takes the fault, which may be a wrong amount."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """One gateway. life_scale: multiplies every life of its orders, so that a test does not wait for a day."""

    name: str
    books: Books
    orders: Orders
    switches: FaultSwitches
    public_url: str
    life_scale: float

    @property
    def root(self) -> str:
        """Where its paths begin."""
        return f"{self.public_url}/{self.name}"

    async def serve(self, request: Request, subject: Subject, execute: Execute, say: Say) -> Response:
        """Answer a request, with the fault that is switched on for it."""
        fault = self.switches.for_request(subject)
        return await misbehave(request, fault, lambda: execute(fault), say)


@dataclass(frozen=True, slots=True)
class Foundation:
    """The simulator's parts, of which every stand-in is built."""

    records: Records
    engine: Engine
    switches: FaultSwitches
    outbox: Outbox
    settings: SimulatorSettings
    stand_ins: dict[str, StandIn] = field(default_factory=dict)

    def build(self, name: str, channel: Callable[[Books], Channel]) -> None:
        """Add a stand-in."""
        books = Books(self.records.store, name)
        self.outbox.channels[name] = channel(books)
        orders = Orders(name, books, self.records, self.engine)
        settings = self.settings
        self.stand_ins[name] = StandIn(
            name, books, orders, self.switches.at(name), settings.public_url, settings.simulator_page_life_scale
        )


class Silent(Channel):
    """The channel of a gateway that reports nothing: only the customer's browser comes back."""

    def __init__(self, _books: Books) -> None:
        """Take no part."""

    def notices(self, _operation: Operation, _payment: Payment, _at: float) -> list[Any]:
        """Return nothing."""
        return []

    def address(self, _webhook: object) -> str:
        """Return nowhere: there is nothing to send."""
        return ""

    def headers(self, _webhook: object, _at: float) -> dict[str, str]:
        """Return none."""
        return {}


def register(stand_in: StandIn, name: str, account: Account) -> Response:
    """Store what a merchant agreed with the gateway."""
    stand_in.books.register(name, account)
    return JSONResponse({"account": name, "result_url": account.result_url})


def credentials(stand_in: StandIn, name: str, secret: str) -> Account | None:
    """Return an account whose secret is right, or None."""
    account = stand_in.books.account(name)
    return account if account is not None and account.secret == secret else None


def own(account: str, order: Thing | None) -> Thing | None:
    """Return an order if it is of this account."""
    return order if order is not None and order.account == account else None
