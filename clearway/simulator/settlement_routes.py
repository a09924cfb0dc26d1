"""The simulator's own API of settled money: balance rows, payouts, and the rows of a payout."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from clearway.simulator.records import SIMULATOR, iso
from clearway.simulator.settlement import PaidOut, Settled, Settlement, Wanted
from clearway.simulator.wire import error_body

router = APIRouter(prefix="/v1")

Limit = Annotated[int, Query(ge=1, le=1_000)]
AnyT = TypeVar("AnyT", Settled, PaidOut)


def _settlement(request: Request) -> Settlement:
    settlement = request.app.state.settlement
    assert isinstance(settlement, Settlement)
    return settlement


Settling = Annotated[Settlement, Depends(_settlement)]


@router.get("/balance_rows")
async def list_balance_rows(
    settlement: Settling,
    *,
    since: dt.datetime,
    until: dt.datetime,
    account: str = "",
    after: int = 0,
    limit: Limit = 100,
) -> Response:
    """List the balance rows that were made in [since, until), oldest first. after: the `next` of the page before."""
    if since.tzinfo is None or until.tzinfo is None:
        return JSONResponse(error_body("invalid_request", "`since` and `until` need a time zone."), 400)
    found = settlement.rows(Wanted(SIMULATOR, account, since.timestamp(), until.timestamp()), after, limit)
    return _page(found, limit, _row_body)


@router.get("/payouts")
async def list_payouts(
    settlement: Settling,
    *,
    since: dt.datetime,
    until: dt.datetime,
    account: str = "",
    after: int = 0,
    limit: Limit = 100,
) -> Response:
    """List the payouts that were made in [since, until), oldest first."""
    if since.tzinfo is None or until.tzinfo is None:
        return JSONResponse(error_body("invalid_request", "`since` and `until` need a time zone."), 400)
    found = settlement.payouts(Wanted(SIMULATOR, account, since.timestamp(), until.timestamp()), after, limit)
    return _page(found, limit, _payout_body)


@router.get("/payouts/{payout}/rows")
async def list_payout_rows(
    settlement: Settling, payout: str, *, account: str = "", after: int = 0, limit: Limit = 100
) -> Response:
    """List the rows that a payout pays."""
    if settlement.payout(SIMULATOR, account, payout) is None:
        return JSONResponse(error_body("unknown_payout", "There is no such payout."), 404)
    return _page(settlement.rows_of_payout(payout, after, limit), limit, _row_body)


def _page(found: Sequence[AnyT], limit: int, body: Callable[[AnyT], dict[str, Any]]) -> Response:
    following = found[-1].number if len(found) == limit else None
    text = json.dumps({"object": "list", "data": [body(one) for one in found], "next": following})
    return Response(text, 200, media_type="application/json")


def _row_body(row: Settled) -> dict[str, Any]:
    return {
        "object": "balance_row",
        "id": row.id,
        "type": row.kind.value,
        "currency": row.currency,
        "gross": row.gross if row.readable else "n/a",
        "fee": row.fee,
        "net": row.gross - row.fee,
        "idempotency_key": row.operation_key,
        "payment": row.payment_reference,
        "merchant_reference": row.payment_id,
        "customer_amount": row.customer_amount,
        "customer_currency": row.customer_currency,
        "exchange_rate": row.rate,
        "created": iso(row.created_at),
        "available": iso(row.available_at),
        "payout": row.payout,
    }


def _payout_body(payout: PaidOut) -> dict[str, Any]:
    return {
        "object": "payout",
        "id": payout.id,
        "status": "paid",
        "amount": payout.amount,
        "currency": payout.currency,
        "bank_reference": payout.bank_reference,
        "created": iso(payout.created_at),
    }
