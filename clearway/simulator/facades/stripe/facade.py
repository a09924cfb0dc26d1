"""The whole stand-in: its parts over the simulator's engine, and its lists and look-ups."""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

from clearway.simulator.engine import Engine
from clearway.simulator.facades.stripe.accounts import Caller, require_secret
from clearway.simulator.facades.stripe.amounts import stripe_amount
from clearway.simulator.facades.stripe.books import Books, Kind, Thing, Wanted
from clearway.simulator.facades.stripe.calls import CHANNEL, Call
from clearway.simulator.facades.stripe.desk import Desk
from clearway.simulator.facades.stripe.errors import StripeError, missing
from clearway.simulator.facades.stripe.events import Announcer, StripeChannel
from clearway.simulator.facades.stripe.intents import Intents
from clearway.simulator.facades.stripe.methods import Methods
from clearway.simulator.facades.stripe.parameters import Listing, NewEndpoint, Search, Span
from clearway.simulator.facades.stripe.refunds import Refunds
from clearway.simulator.facades.stripe.searching import matcher
from clearway.simulator.facades.stripe.settling import Settling
from clearway.simulator.facades.stripe.views import Views, is_charged
from clearway.simulator.faults import FaultSwitches
from clearway.simulator.outbox import Outbox
from clearway.simulator.records import Records
from clearway.simulator.settings import SimulatorSettings
from clearway.simulator.settlement import Settlement

PATHS: Final = {
    Kind.INTENT: "/v1/payment_intents",
    Kind.CHARGE: "/v1/charges",
    Kind.REFUND: "/v1/refunds",
    Kind.EVENT: "/v1/events",
    Kind.ENDPOINT: "/v1/webhook_endpoints",
}
FILTERS: Final = {
    Kind.CHARGE: {"payment_intent", "transfer_group"},
    Kind.REFUND: {"payment_intent", "charge"},
    Kind.EVENT: {"type", "types"},
}
"""The filters that a list takes besides time and paging."""


@dataclass(frozen=True, slots=True)
class StripeFacade:
    """The parts, as the routes reach them. search_lag_s: how long an intent is not found by search."""

    books: Books
    views: Views
    intents: Intents
    refunds: Refunds
    methods: Methods
    desk: Desk
    settling: Settling
    search_lag_s: float

    def find(self, caller: Caller, kind: Kind, object_id: str) -> dict[str, Any]:
        """Return an object by its id. Raises StripeError (404)."""
        require_secret(caller)
        thing = self.books.get(caller.account, kind, object_id)
        if thing is None or (kind is Kind.CHARGE and not self._is_visible(thing)):
            raise missing(kind.value, object_id, "id")
        return self.views.show(thing)

    def list(self, caller: Caller, kind: Kind, asked: Listing) -> dict[str, Any]:
        """Return a page of a list, newest first."""
        require_secret(caller)
        unknown = asked.model_fields_set & {"payment_intent", "charge", "transfer_group", "type", "types"}
        for name in sorted(unknown - FILTERS.get(kind, set())):
            raise StripeError(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
        for cursor in (asked.starting_after, asked.ending_before):
            if cursor is not None and self.books.get(caller.account, kind, cursor) is None:
                raise missing(kind.value, cursor, "starting_after", 400)
        page, has_more = self.books.page(
            caller.account, kind, _wanted(asked), asked.limit, after=asked.starting_after, before=asked.ending_before
        )
        shown = [self.views.show(thing) for thing in page if kind is not Kind.CHARGE or self._is_visible(thing)]
        return {"object": "list", "url": PATHS[kind], "has_more": has_more, "data": shown}

    def search(self, caller: Caller, asked: Search) -> dict[str, Any]:
        """Return the intents that match, newest first, those left out that the index does not have yet."""
        require_secret(caller)
        matches, indexed_until = matcher(asked.query), time.time() - self.search_lag_s
        indexed = [one for one in self.books.all(caller.account, Kind.INTENT) if one.created_at <= indexed_until]
        found = [shown for one in indexed if matches(shown := self.views.intent(one))]
        begin = int(asked.page) if asked.page and asked.page.isdecimal() else 0
        end = begin + asked.limit
        return {
            "object": "search_result",
            "url": PATHS[Kind.INTENT] + "/search",
            "has_more": len(found) > end,
            "next_page": str(end) if len(found) > end else None,
            "data": found[begin:end],
        }

    def account(self, caller: Caller) -> dict[str, Any]:
        """Return the caller's account."""
        require_secret(caller)
        return {
            "id": caller.account,
            "object": "account",
            "charges_enabled": True,
            "country": "US",
            "default_currency": "usd",
            "details_submitted": True,
            "email": None,
            "payouts_enabled": True,
            "metadata": {},
            "type": "standard",
        }

    def balance(self, caller: Caller) -> dict[str, Any]:
        """Return the captured and not refunded amount, per currency."""
        require_secret(caller)
        sums: dict[str, int] = defaultdict(int)
        for charge in self.books.all(caller.account, Kind.CHARGE):
            payment = self.views.attempt(charge.operation_key or "").payment
            sums[payment.currency] += payment.captured - payment.refunded
        available = [
            {"amount": stripe_amount(minor, currency), "currency": currency.lower(), "source_types": {"card": minor}}
            for currency, minor in sorted(sums.items())
        ]
        nothing = {"amount": 0, "currency": "usd", "source_types": {"card": 0}}
        return {"object": "balance", "available": available or [nothing], "livemode": False, "pending": [nothing]}

    def add_endpoint(self, call: Call, asked: NewEndpoint) -> dict[str, Any]:
        """Make a webhook endpoint; its signing secret is shown in this answer alone."""
        require_secret(call.caller)
        document: dict[str, Any] = {
            "id": f"we_{secrets.token_hex(12)}",
            "object": "webhook_endpoint",
            "api_version": asked.api_version,
            "application": None,
            "created": int(call.at),
            "description": asked.description,
            "enabled_events": asked.enabled_events,
            "livemode": False,
            "metadata": asked.metadata,
            "status": "enabled",
            "url": asked.url,
            "secret": f"whsec_{secrets.token_urlsafe(24)}",
        }
        self.books.add(Thing(document["id"], call.account, Kind.ENDPOINT, document, call.at))
        return document

    def delete_endpoint(self, caller: Caller, endpoint_id: str) -> dict[str, Any]:
        """Remove a webhook endpoint: its pending events are not sent."""
        require_secret(caller)
        endpoint = self.books.get(caller.account, Kind.ENDPOINT, endpoint_id)
        if endpoint is None:
            raise missing("webhook endpoint", endpoint_id, "webhook_endpoint")
        self.books.delete(endpoint)
        return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}

    def _is_visible(self, charge: Thing) -> bool:
        return is_charged(self.views.attempt(charge.operation_key or "").operation)


def build(
    records: Records, engine: Engine, switches: FaultSwitches, outbox: Outbox, settings: SimulatorSettings
) -> StripeFacade:
    """Put the parts together, and give the outbox the channel of Stripe's events."""
    store = records.store
    books = Books(store)
    views = Views(books, records, settings.public_url)
    channel = StripeChannel(books, views)
    outbox.channels[CHANNEL] = channel
    announcer = Announcer(channel, views, outbox)
    methods = Methods(books, engine)
    multicapture = settings.simulator_stripe_multicapture
    return StripeFacade(
        books=books,
        views=views,
        intents=Intents(books, records, engine, methods, views, announcer, multicapture),
        refunds=Refunds(books, records, engine, views, announcer),
        methods=methods,
        desk=Desk(store, books, views, channel, switches, settings.simulator_stripe_key_life_s),
        settling=Settling(Settlement(store, switches, settings), records, books, views),
        search_lag_s=settings.simulator_stripe_search_lag_s,
    )


def _wanted(asked: Listing) -> Wanted:
    created = asked.created
    since, until = 0, 2**40
    if isinstance(created, Span):
        since = max(created.gte or 0, (created.gt + 1) if created.gt is not None else 0)
        until = min(
            created.lte if created.lte is not None else until,
            created.lt - 1 if created.lt is not None else until,
        )
    elif created is not None:
        since = until = created
    fields: list[tuple[str, tuple[str, ...]]] = []
    for name in ("charge", "transfer_group", "type"):
        value = getattr(asked, name)
        if value is not None:
            fields.append((name, (value,)))
    if asked.types:
        fields.append(("type", tuple(asked.types)))
    return Wanted(since, until, asked.payment_intent, tuple(fields))
