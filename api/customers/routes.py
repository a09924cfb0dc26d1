"""`/customers`: find a customer by e-mail address or by the merchant's own id."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, Field, StringConstraints

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.fields import Email, PlainText
from api.http.problems import TO_MERCHANTS, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.statistics.schemas import Rate, VolumeFigure, volume_figures
from clearway.db import customers
from clearway.db.customers import Found
from clearway.domain.errors import NotFoundError, UnprocessableError
from clearway.domain.permissions import Permission
from clearway.domain.resources import Minor, Moment
from clearway.statistics.tally import tally

router = Router(prefix="/customers", tags=["customers"])

Reader = Annotated[Principal, requires(Permission.PAYMENTS_READ)]
CustomerId = Annotated[PlainText, StringConstraints(min_length=1, max_length=128)]


class Refunded(BaseModel):
    """What was refunded in one currency."""

    currency: str
    amount: Minor


class CustomerResource(BaseModel):
    """A customer, as the newest payment names them, with what they paid. `GET /payments?customer=` lists it.

    At most the newest 1,000 payments are added up; `complete` says whether these are all.
    """

    object: Literal["customer"] = "customer"
    id: Annotated[str | None, Field(description="Your own id of the customer.")]
    name: str | None
    email: str | None
    phone: str | None
    payments: Annotated[int, Field(description="The payments that are counted, in any status.")]
    complete: Annotated[
        bool,
        Field(
            description="`false`: the customer has more payments. Counts, rate and sums are of the newest 1,000; the "
            "times of the first and last payment are always of all."
        ),
    ]
    succeeded: int
    success_rate: Rate
    volume: list[VolumeFigure]
    refunded: list[Refunded]
    first_payment_at: Moment
    last_payment_at: Moment


@router.get(
    "",
    responses=declare(*TO_MERCHANTS, "customer_not_found", "customer_not_named"),
    summary="Find a customer",
)
async def find_customer(
    principal: Reader,
    services: ServicesDep,
    *,
    email: Annotated[Email | None, Query(description="In full. The case of ASCII letters does not matter.")] = None,
    id: Annotated[CustomerId | None, Query(description="Your own id of the customer.")] = None,  # noqa: A002 - as in bodies
) -> CustomerResource:
    """Find a customer by e-mail address or by your own id. Send one of them, not both."""
    if (email is None) == (id is None):
        raise UnprocessableError("customer_not_named", "Send either `email` or `id`, so that one customer is named.")
    async with services.reader.connect() as connection:
        found = await customers.find(connection, principal.merchant_id, email=email, customer_id=id)
    if found is None:
        raise NotFoundError("customer_not_found", "None of your payments names this customer.")
    return _resource(found)


def _resource(found: Found) -> CustomerResource:
    counted = tally(found.sums)
    refunded: dict[str, int] = {}
    for row in found.sums:
        if row.refunded_minor:
            refunded[row.currency] = refunded.get(row.currency, 0) + int(row.refunded_minor)
    return CustomerResource(
        **{name: found.newest.get(name) for name in ("id", "name", "email", "phone")},
        payments=counted.created,
        complete=found.complete,
        succeeded=counted.succeeded,
        success_rate=counted.success_rate,
        volume=volume_figures(counted),
        refunded=[Refunded(currency=currency, amount=amount) for currency, amount in sorted(refunded.items())],
        first_payment_at=found.first_at,
        last_payment_at=max(row.last_at for row in found.sums),
    )
