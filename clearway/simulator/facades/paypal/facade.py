"""The whole stand-in: its parts over the simulator's engine, and its webhook API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clearway.simulator.engine import Engine
from clearway.simulator.facades.paypal.accounts import Accounts
from clearway.simulator.facades.paypal.books import Books, Kind, Thing, new_id
from clearway.simulator.facades.paypal.calls import CHANNEL
from clearway.simulator.facades.paypal.desk import Desk, Family
from clearway.simulator.facades.paypal.errors import PayPalError, missing
from clearway.simulator.facades.paypal.events import Announcer, PayPalChannel
from clearway.simulator.facades.paypal.invoices import Invoices
from clearway.simulator.facades.paypal.orders import Orders
from clearway.simulator.facades.paypal.parameters import NewWebhook, Verification
from clearway.simulator.facades.paypal.payments import Payments
from clearway.simulator.facades.paypal.reporting import Reporting
from clearway.simulator.facades.paypal.signing import ALGORITHM, Signer, event_of, signed_text
from clearway.simulator.facades.paypal.views import Views
from clearway.simulator.faults import FaultSwitches
from clearway.simulator.outbox import Outbox
from clearway.simulator.records import Records
from clearway.simulator.settings import SimulatorSettings
from clearway.simulator.settlement import Settlement

EVENTS_SHOWN_MAX = 300


@dataclass(frozen=True, slots=True)
class PayPalFacade:
    """The parts, as the routes reach them."""

    books: Books
    accounts: Accounts
    views: Views
    orders: Orders
    payments: Payments
    desk: Desk
    channel: PayPalChannel
    switches: FaultSwitches
    reporting: Reporting

    def add_webhook(self, account: str, asked: NewWebhook, at: float) -> dict[str, Any]:
        """Make a webhook; its id is part of what is signed."""
        made = Thing(new_id(), account, Kind.WEBHOOK, asked.model_dump(), at)
        self.books.add(made)
        return {"id": made.id, **made.document}

    def webhooks(self, account: str) -> dict[str, Any]:
        """List the webhooks of an account."""
        return {"webhooks": [{"id": one.id, **one.document} for one in self.books.all(account, Kind.WEBHOOK)]}

    def webhook(self, account: str, webhook_id: str) -> dict[str, Any]:
        """Return a webhook. Raises PayPalError (404)."""
        return {"id": webhook_id, **self._webhook(account, webhook_id).document}

    def delete_webhook(self, account: str, webhook_id: str) -> None:
        """Remove a webhook: its pending notifications are not sent. Raises PayPalError (404)."""
        self.books.delete(self._webhook(account, webhook_id))

    def events(self, account: str) -> dict[str, Any]:
        """List the newest events of an account."""
        found = [one.document for one in self.books.all(account, Kind.EVENT)[:EVENTS_SHOWN_MAX]]
        return {"events": found, "count": len(found)}

    def event(self, account: str, event_id: str) -> dict[str, Any]:
        """Return an event. Raises PayPalError (404)."""
        found = self.books.get(account, Kind.EVENT, event_id)
        if found is None:
            raise missing()
        return found.document

    def verify(self, account: str, asked: Verification, body: bytes) -> dict[str, Any]:
        """Return whether a webhook has a valid signature. body: as it was sent, because the signature has its CRC32."""
        self._webhook(account, asked.webhook_id)
        text = signed_text(asked.transmission_id, asked.transmission_time, asked.webhook_id, event_of(body))
        known = asked.auth_algo == ALGORITHM and asked.cert_url == self.channel.certificate_url()
        verified = known and self.channel.signer.verifies(text, asked.transmission_sig)
        return {"verification_status": "SUCCESS" if verified else "FAILURE"}

    def certificate(self, name: str) -> str:
        """Return the certificate of the webhooks. Raises PayPalError (404)."""
        if name != self.channel.signer.certificate_id():
            raise PayPalError("INVALID_RESOURCE_ID")
        return self.channel.signer.certificate()

    def _webhook(self, account: str, webhook_id: str) -> Thing:
        found = self.books.get(account, Kind.WEBHOOK, webhook_id)
        if found is None:
            raise missing()
        return found


def build(
    records: Records,
    engine: Engine,
    switches: FaultSwitches,
    outbox: Outbox,
    settings: SimulatorSettings,
    *,
    settlement: Settlement,
) -> PayPalFacade:
    """Put the parts together, and give the outbox the channel of PayPal's events."""
    books = Books(records.store)
    views = Views(books, records, settings.public_url)
    channel = PayPalChannel(books, views, Signer(books))
    outbox.channels[CHANNEL] = channel
    announcer = Announcer(channel, outbox)
    accounts = Accounts(books, settings.simulator_paypal_token_life_s)
    invoices = Invoices(books, settings.simulator_paypal_unique_invoices)
    lives_s = {
        Family.ORDERS: settings.simulator_paypal_order_key_life_s,
        Family.PAYMENTS: settings.simulator_paypal_payment_key_life_s,
    }
    return PayPalFacade(
        books=books,
        accounts=accounts,
        views=views,
        orders=Orders(books, records, engine, announcer, invoices, settings.simulator_paypal_order_life_s),
        payments=Payments(books, records, engine, views, announcer, invoices, settings.simulator_paypal_honor_period_s),
        desk=Desk(records.store, books, accounts, views, switches, lives_s),
        channel=channel,
        switches=switches,
        reporting=Reporting(settlement, books, views, switches),
    )
