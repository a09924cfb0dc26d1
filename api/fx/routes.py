"""`/fx`: exchange rates, and quotes for paying an order in another currency."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from starlette.responses import Response

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.fx.schemas import FxQuote, FxRate, FxRates, QuoteCreate, quote_resource
from api.http.idempotency import Answer, OnceDep
from api.http.problems import ONCE, TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from clearway.domain.ids import FX_QUOTE
from clearway.domain.money import Money
from clearway.domain.permissions import Permission
from clearway.fx import quotes, rates
from clearway.fx.quotes import QuoteRequest, shown_rate
from clearway.payments import creation
from clearway.services import Allocation

router = Router(prefix="/fx", tags=["fx"])

Reader = Annotated[Principal, requires(Permission.PAYMENTS_READ)]
Creator = Annotated[Principal, requires(Permission.PAYMENTS_WRITE)]


@router.get("/rates", responses=declare(*TO_MERCHANTS), summary="Read exchange rates")
async def get_fx_rates(_: Reader, services: ServicesDep) -> FxRates:
    """Read the newest rates, with their source and age. They are indicative: a quote says what a payment costs."""
    found = await rates.newest(services.engine, services.settings)
    return FxRates(
        source=found.source,
        base=found.base,
        as_of=found.as_of,
        age_s=int(rates.age_s(found)),
        data=[FxRate(currency=code, rate=shown_rate(rate)) for code, rate in sorted(found.rates.items())],
    )


@router.post(
    "/quotes",
    status_code=HTTPStatus.CREATED,
    response_model=FxQuote,
    responses=declare(*TO_MERCHANTS, *WITH_BODY, *ONCE, "order_not_found", "fx_pair_invalid", "fx_rates_stale"),
    summary="Quote an order in another currency",
)
async def create_fx_quote(body: QuoteCreate, principal: Creator, services: ServicesDep, once: OnceDep) -> Response:
    """Quote what an order costs in another currency. Send the quote's id with the payment, before it expires.

    A quote is for one order and one payment. Show the customer both amounts, the rate and its source before they pay.
    """

    async def operation(allocation: Allocation) -> Answer:
        order = await creation.read_order(services, body.order_id, merchant_id=principal.merchant_id)
        money = Money(order.resource.amount, order.resource.currency)
        asked = QuoteRequest(body.order_id, money, body.currency, body.markup_bps)
        row = await quotes.quote(services, principal.merchant_id, principal.mode, allocation.resource_id, asked)
        return Answer(HTTPStatus.CREATED, quote_resource(row))

    return await once.answer(FX_QUOTE, operation)


@router.get("/quotes/{quote_id}", responses=declare(*TO_MERCHANTS, "fx_quote_not_found"), summary="Read a quote")
async def get_fx_quote(quote_id: str, principal: Reader, services: ServicesDep) -> FxQuote:
    """Read one of your quotes."""
    return quote_resource(await quotes.find(services, principal.merchant_id, quote_id))
