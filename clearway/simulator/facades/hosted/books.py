"""The accounts and orders of one stand-in."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from clearway.simulator.facades import things
from clearway.simulator.store import Store

UNKNOWN_MARK: Final = "invalid"
"""An account whose name has this in it is refused, as a gateway refuses credentials that it does not know."""


class Kind(StrEnum):
    """The kinds of stored objects."""

    ACCOUNT = "account"
    ORDER = "order"


Thing = things.Thing[Kind]

Url = Field(default=None, max_length=2_048, pattern=r"^https?://")


class Account(BaseModel):
    """What a merchant agrees with the gateway outside its API: by mail, or in its cabinet.

    secret: the key of checksums, or the password. result_url: where the gateway reports to. success_url, fail_url:
    where the customer comes back to, for gateways that are not sent it with each order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: str = Field(min_length=1, max_length=200, repr=False)
    result_url: str | None = Url
    success_url: str | None = Url
    fail_url: str | None = Url
    callback_method: Literal["GET", "POST"] = "POST"
    """Telcell: how it reports."""
    plain_ids: bool = False
    """Telcell: whether it reports `issuer_id` decoded; it does both."""
    two_stage: bool = False
    """Ameriabank: whether the terminal reserves the money and waits for ConfirmPayment."""


class Books(things.Things[Kind]):
    """Reads and writes of accounts and orders."""

    def __init__(self, store: Store, gateway: str) -> None:
        table = f"{gateway}_objects"
        super().__init__(store, table, Kind)
        store.add_schema(
            f"CREATE INDEX IF NOT EXISTS {table}_by_number ON {table} (account, json_extract(document, '$.number'))"
        )

    def account(self, name: str) -> Account | None:
        """Return an account: as registered, or with the secret `secret_NAME`. None: there is none of this name."""
        found = self.any(_account_id(name))
        if found is not None:
            return Account(**found.document)
        return None if not name or UNKNOWN_MARK in name else Account(secret=f"secret_{name}")

    def register(self, name: str, account: Account) -> None:
        """Store an account in place of the one before."""
        thing = Thing(_account_id(name), name, Kind.ACCOUNT, account.model_dump(), time.time())
        if self.any(thing.id) is None:
            self.add(thing)
        else:
            self.save(thing)

    def order(self, order_id: str) -> Thing | None:
        """Find an order by its own id."""
        return found if (found := self.any(order_id)) and found.kind is Kind.ORDER else None

    def numbered(self, account: str, number: str) -> Thing | None:
        """Find the first order with this number of the merchant."""
        conditions = "WHERE account = ? AND kind = ? AND json_extract(document, '$.number') = ? ORDER BY rowid"
        return self._first(conditions, account, Kind.ORDER, number)


def _account_id(name: str) -> str:
    return f"account:{name}"
