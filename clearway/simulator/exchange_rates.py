"""Stand-ins for feeds of exchange rates: Frankfurter (v1 and v2) and the European Central Bank's daily XML.

`PUT /exchange_rates/rates` sets rates and their day, so that tests can let them grow old or be missing.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Request, Response

router = APIRouter(prefix="/exchange_rates")

BASE: Final = "EUR"
RATES: Final = {
    "USD": "1.0862",
    "GBP": "0.85430",
    "INR": "90.5125",
    "JPY": "163.47",
    "AMD": "421.85",
    "KWD": "0.33412",
    "ISK": "149.30",
}
XML: Final = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
 xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
<gesmes:subject>Reference rates</gesmes:subject>
<Cube><Cube time='{day}'>{cubes}</Cube></Cube>
</gesmes:Envelope>
"""


class ExchangeRates:
    """What the feeds say. day None: today."""

    def __init__(self) -> None:
        self.rates: dict[str, str] = dict(RATES)
        self.day: date | None = None
        self.status = 200

    def shown_day(self) -> str:
        """Return the day of the rates."""
        return (self.day or datetime.now(UTC).date()).isoformat()


def _of(request: Request) -> ExchangeRates:
    rates: ExchangeRates = request.app.state.exchange_rates
    return rates


@router.put("/rates")
async def set_rates(
    request: Request,
    rates: Annotated[dict[str, str] | None, Body()] = None,
    day: Annotated[date | None, Body()] = None,
    status: Annotated[int, Body()] = 200,
) -> dict[str, Any]:
    """Set what the feeds say; without rates, the usual ones. status: what they answer with."""
    kept = _of(request)
    kept.rates = dict(RATES) if rates is None else {code: str(Decimal(rate)) for code, rate in rates.items()}
    kept.day, kept.status = day, status
    return {"rates": kept.rates, "day": kept.shown_day(), "status": kept.status}


@router.get("/v2/rates")
async def frankfurter_v2(request: Request) -> Response:
    """Answer as Frankfurter's version 2 does: a list of pairs."""
    kept = _of(request)
    pairs = (
        f'{{"date":"{kept.shown_day()}","base":"{BASE}","quote":"{code}","rate":{rate}}}'
        for code, rate in kept.rates.items()
    )
    return Response(f"[{','.join(pairs)}]", kept.status, media_type="application/json")


@router.get("/v1/latest")
async def frankfurter_v1(request: Request) -> Response:
    """Answer as Frankfurter's version 1 does: one object."""
    kept = _of(request)
    rates = ",".join(f'"{code}":{rate}' for code, rate in kept.rates.items())
    body = f'{{"amount":1.0,"base":"{BASE}","date":"{kept.shown_day()}","rates":{{{rates}}}}}'
    return Response(body, kept.status, media_type="application/json")


@router.get("/eurofxref-daily.xml")
async def central_bank(request: Request) -> Response:
    """Answer as the European Central Bank does."""
    kept = _of(request)
    cubes = "".join(f"<Cube currency='{code}' rate='{rate}'/>" for code, rate in kept.rates.items())
    return Response(XML.format(day=kept.shown_day(), cubes=cubes), kept.status, media_type="text/xml")
