"""Telcell's report about an invoice: paid or rejected."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Mapping
from typing import Final

from clearway.simulator.facades.hosted.amounts import shortest
from clearway.simulator.facades.hosted.books import Books, Thing
from clearway.simulator.facades.hosted.callbacks import Report, ReportChannel
from clearway.simulator.facades.telcell.codes import checksum
from clearway.simulator.records import Operation, Payment, Status

CURRENCY: Final = "AMD"
CURRENCY_NUMBER: Final = "51"


def channel(books: Books) -> ReportChannel:
    """Return the channel of its reports."""
    return ReportChannel(books, _reporter(books))


def _reporter(books: Books) -> Report:
    def report(order: Thing, operation: Operation, payment: Payment, at: float) -> Mapping[str, str] | None:
        account = books.account(order.account)
        if account is None:
            return None
        document = order.document
        fields = {
            "invoice": order.id,
            "issuer_id": document["number"] if account.plain_ids else document["issuer_id"],
            "payment_id": str(zlib.crc32(operation.key.encode())),
            "currency": CURRENCY_NUMBER,
            "sum": shortest(payment.amount, payment.currency),
            "time": dt.datetime.fromtimestamp(at, tz=dt.UTC).strftime("%Y-%m-%d %H:%M:%S"),
            "status": "REJECTED" if operation.status is Status.DECLINED else "PAID",
        }
        return fields | {"checksum": checksum(account.secret, fields)}

    return report
