"""The whole stand-in: its parts over the simulator's engine, its lists, and its subscriptions of webhooks."""

from __future__ import annotations

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
from clearway.simulator.facades.square.lists import page_of, seconds
from clearway.simulator.facades.square.parameters import Listing, NewSubscription
from clearway.simulator.facades.square.payments import Payments
from clearway.simulator.facades.square.payouts import Payouts
from clearway.simulator.facades.square.refunds import Refunds
from clearway.simulator.facades.square.views import Views, moment
from clearway.simulator.faults import FaultSwitches, Operation, Subject
from clearway.simulator.outbox import Outbox
from clearway.simulator.records import Records
from clearway.simulator.settings import SimulatorSettings
from clearway.simulator.settlement import Settlement

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
    payouts: Payouts

    def list(self, account: str, kind: Kind, asked: Listing) -> dict[str, Any]:
        """Return a page of a list: of the main location, unless another is asked for."""
        location_id = self.accounts.location(account, asked.location_id)["id"]
        show: Callable[[Thing], dict[str, Any]] = self.views.payment if kind is Kind.PAYMENT else self.views.refund
        indexed_until = time.time() - self.list_lag_s
        things = [one for one in self.books.all(account, kind) if one.created_at <= indexed_until]
        things = [one for one in things if not self._is_hidden(one)]
        bodies = [body for body in map(show, things) if _matches(body, asked, location_id)]
        bodies.sort(key=lambda body: str(body[asked.sort_field.lower()]), reverse=asked.sort_order == "DESC")
        return page_of(NAMES[kind], bodies, asked.cursor, asked.limit)

    def _is_hidden(self, thing: Thing) -> bool:
        backed = self.views.backed(thing)
        subject = Subject(Operation.LISTING, key=thing.operation_key, payment_id=backed.payment.payment_id)
        return self.desk.switches.for_row(subject) is not None

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
    records: Records,
    engine: Engine,
    switches: FaultSwitches,
    outbox: Outbox,
    settings: SimulatorSettings,
    *,
    settlement: Settlement,
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
        payouts=Payouts(settlement, books, accounts),
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
    within = all(seconds(low) <= seconds(at) < seconds(high, 9e10) for at, low, high in bounds)
    return within and all(value in {None, found} for found, value in wanted)
