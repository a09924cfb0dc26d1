"""Invoice ids: an account may have PayPal refuse a second payment of the same one."""

from __future__ import annotations

from dataclasses import dataclass

from clearway.simulator.facades.paypal.books import Books
from clearway.simulator.facades.paypal.errors import PayPalError


@dataclass(frozen=True, slots=True)
class Invoices:
    """unique: whether accounts block accidental payments, as their settings call it."""

    books: Books
    unique: bool

    def require_new(self, account: str, invoice_id: str | None) -> None:
        """Refuse an invoice id that was paid. Raises PayPalError (422)."""
        if self.unique and invoice_id is not None and self.books.has_paid(account, invoice_id):
            raise PayPalError("DUPLICATE_INVOICE_ID")
