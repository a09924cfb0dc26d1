"""What Idram sends to a shop: the precheck before the money moves, and the confirmation after it."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Mapping
from typing import Final

import httpx

from clearway.simulator.facades.hosted.amounts import major
from clearway.simulator.facades.hosted.books import Account, Books, Thing
from clearway.simulator.facades.hosted.callbacks import Report, ReportChannel
from clearway.simulator.facades.idram.codes import checksum
from clearway.simulator.records import Operation, Payment, Status

CURRENCY: Final = "AMD"
PAYER: Final = "100000999"
ACCEPTED: Final = "OK"
PRECHECK_TIMEOUT_S: Final = 10.0


def channel(books: Books) -> ReportChannel:
    """Return the channel of its confirmations, which must be answered `OK`."""
    return ReportChannel(books, _reporter(books), ACCEPTED)


async def is_accepted(account: Account, order: Thing) -> bool:
    """Ask the shop whether an order may be paid now. No answer, and any other text than `OK`, stops the payment."""
    if account.result_url is None:
        return False
    form = {"EDP_PRECHECK": "YES", **_common(order, order.document["amount"])}
    try:
        async with httpx.AsyncClient(timeout=PRECHECK_TIMEOUT_S, trust_env=False) as client:
            answer = await client.post(account.result_url, data=form)
    except httpx.HTTPError:
        return False
    return answer.is_success and answer.text.strip() == ACCEPTED


def _reporter(books: Books) -> Report:
    def report(order: Thing, operation: Operation, payment: Payment, at: float) -> Mapping[str, str] | None:
        account = books.account(order.account)
        if account is None or operation.status is Status.DECLINED:
            return None
        fields = _common(order, payment.amount) | {
            "EDP_PAYER_ACCOUNT": PAYER,
            "EDP_TRANS_ID": str(zlib.crc32(operation.key.encode())),
            "EDP_TRANS_DATE": dt.datetime.fromtimestamp(at, tz=dt.UTC).strftime("%d/%m/%Y"),
        }
        return fields | {"EDP_CHECKSUM": checksum(account.secret, fields)}

    return report


def _common(order: Thing, amount: int) -> dict[str, str]:
    document = order.document
    return {
        **document["own_fields"],
        "EDP_BILL_NO": document["number"],
        "EDP_REC_ACCOUNT": order.account,
        "EDP_AMOUNT": f"{major(amount, CURRENCY):.2f}",
    }
