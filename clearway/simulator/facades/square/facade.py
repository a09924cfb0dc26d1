"""The whole stand-in: its parts over the simulator's engine, its lists, and its subscriptions of webhooks."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from clearway.simulator.engine import Engine
from clearway.simulator.facades.square.accounts import Accounts
from clearway.simulator.facades.square.books import Books, Kind, Thing, new_id
from clearway.simulator.facades.square.calls import CHANNEL, Call
from clearway.simulator.facades.square.desk import VERSION, Desk
from clearway.simulator.facades.square.errors import SquareError, missing
from clearway.simulator.facades.square.events import Announcer, SquareChannel
from clearway.simulator.facades.square.parameters import PAGE_MAX, Listing, NewSubscription
from clearway.simulator.facades.square.payments import Payments
from clearway.simulator.facades.square.refunds import Refunds
from clearway.simulator.facades.square.views import Views, moment
from clearway.simulator.faults import FaultSwitches
from clearway.simulator.outbox import Outbox
from clearway.simulator.records import Records
from clearway.simulator.settings import SimulatorSettings

NAMES: Final = {Kind.PAYMENT: "payments", Kind.REFUND: "refunds"}
EVENTS: Final = frozenset({"payment.created", "payment.updated", "refund.created", "refund.updated"})


@dataclass(frozen=True, slots=True)
class SquareFacade:
    """The parts, as the routes reach them. list_lag_s: how long lists miss what is new."""

    books: Books
    accounts: Accounts
    views: Views
    payments: Payments
    refunds: Refunds
    desk: Desk
    list_lag_s: float

    def list(self, account: str, kind: Kind, asked: Listing) -> dict[str, Any]:
        """Return a page of a list: of the main location, unless another is asked for."""
        location_id = self.accounts.location(account, asked.location_id)["id"]
        show: Callable[[Thing], dict[str, Any]] = self.views.payment if kind is Kind.PAYMENT else self.views.refund
        indexed_until = time.time() - self.list_lag_s
        things = [one for one in self.books.all(account, kind) if one.created_at <= indexed_until]
        bodies = [body for body in map(show, things) if _matches(body, asked, location_id)]
        bodies.sort(key=lambda body: str(body[asked.sort_field.lower()]), reverse=asked.sort_order == "DESC")
        begin, size = _begin(asked.cursor), min(asked.limit, PAGE_MAX)
        page, more = bodies[begin : begin + size], len(bodies) > begin + size
        answer: dict[str, Any] = {NAMES[kind]: page} if page else {}
        return answer | ({"cursor": f"c{begin + size}"} if more else {})

    def subscribe(self, call: Call, asked: NewSubscription) -> dict[str, Any]:
        """Make a subscription of webhooks."""
        unknown = sorted(set(asked.subscription.event_types) - EVENTS)
        if unknown:
            detail = f"The stand-in sends no {unknown[0][:40]}."
            raise SquareError("INVALID_ARRAY_VALUE", detail, field="subscription.event_types")
        document = asked.subscription.model_dump() | {
            "id": f"wbhk_{new_id(32)}",
            "api_version": asked.subscription.api_version or VERSION,
            "signature_key": new_id(22),
            "created_at": moment(call.at),
            "updated_at": moment(call.at),
        }
        self.books.add(Thing(document["id"], call.account, Kind.SUBSCRIPTION, document, call.at))
        return {"subscription": document}

    def subscriptions(self, account: str) -> dict[str, Any]:
        """List the subscriptions; their keys are shown one by one alone."""
        found = [one.document for one in self.books.all(account, Kind.SUBSCRIPTION)]
        shown = [{name: value for name, value in one.items() if name != "signature_key"} for one in found]
        return {"subscriptions": shown} if shown else {}

    def unsubscribe(self, account: str, subscription_id: str) -> dict[str, Any]:
        """Remove a subscription: its pending events are not sent."""
        found = self.books.get(account, Kind.SUBSCRIPTION, subscription_id)
        if found is None:
            raise missing("subscription", subscription_id)
        self.books.delete(found)
        return {}


def build(
    records: Records, engine: Engine, switches: FaultSwitches, outbox: Outbox, settings: SimulatorSettings
) -> SquareFacade:
    """Put the parts together, and give the outbox the channel of Square's events."""
    books = Books(records.store)
    views = Views(books, records)
    accounts = Accounts(tuple(settings.simulator_square_currencies.split(",")))
    channel = SquareChannel(books, views)
    outbox.channels[CHANNEL] = channel
    announcer = Announcer(channel, outbox)
    payments = Payments(books, records, engine, views, accounts, announcer, settings.simulator_square_delay_max_s)
    return SquareFacade(
        books=books,
        accounts=accounts,
        views=views,
        payments=payments,
        refunds=Refunds(books, records, engine, views, payments, announcer),
        desk=Desk(records.store, books, accounts, views, switches),
        list_lag_s=settings.simulator_square_list_lag_s,
    )


def _matches(body: dict[str, Any], asked: Listing, location_id: str) -> bool:
    bounds = (
        (body["created_at"], asked.begin_time, asked.end_time),
        (body["updated_at"], asked.updated_at_begin_time, asked.updated_at_end_time),
    )
    card = body.get("card_details", {}).get("card", {})
    wanted = (
        (body["location_id"], location_id),
        (body["amount_money"]["amount"], asked.total),
        (card.get("last_4"), asked.last_4),
        (body["status"], asked.status),
    )
    within = all(_time(low) <= _time(at) < _time(high, 9e10) for at, low, high in bounds)
    return within and all(value in {None, found} for found, value in wanted)


def _time(text: str | None, otherwise: float = 0.0) -> float:
    if text is None:
        return otherwise
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise SquareError("INVALID_TIME", "A time is not in the form of RFC 3339.") from None
    return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp()


def _begin(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor[:1] == "c" and cursor[1:].isdecimal()):
        raise SquareError("INVALID_CURSOR", "The cursor is not one of this list.", field="cursor")
    return int(cursor[1:])
