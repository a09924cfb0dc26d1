"""`/test/data`: payments of the past for a test merchant, so that lists, figures and exports have something to show."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final, Self

from pydantic import Field, model_validator
from starlette.responses import Response

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.fields import Body, CurrencyCode
from api.http.idempotency import Answer, OnceDep
from api.http.problems import ONCE, TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.testing.faults import in_test_mode
from clearway.domain.permissions import Permission
from clearway.domain.resources import Resource
from clearway.payments import made_up
from clearway.payments.made_up import DataRequest
from clearway.services import Allocation

TEST_DATA: Final = "tdt"
"""The prefix of the ids of requests; they name no resource."""
PAYMENTS_MAX: Final = 50
DAYS_MAX: Final = 90
WEIGHT_MAX: Final = 100

Tester = Annotated[Principal, requires(Permission.TESTING_WRITE)]
Weight = Annotated[int, Field(strict=True, ge=0, le=WEIGHT_MAX)]

router = Router(prefix="/test", tags=["test"])


class Mix(Body):
    """How often each outcome comes, in proportion."""

    success: Weight = 78
    failed: Weight = 14
    expired: Weight = 3
    refunded: Annotated[Weight, Field(description="Succeeded, then given back, half or all of it.")] = 5

    @model_validator(mode="after")
    def _has_some(self) -> Self:
        if not any(self.model_dump().values()):
            raise ValueError("give at least one outcome a weight")
        return self


class TestDataCreate(Body):
    """How much test data, of which kind. Send several requests for more."""

    payments: Annotated[int, Field(strict=True, ge=1, le=PAYMENTS_MAX)] = PAYMENTS_MAX
    days: Annotated[int, Field(strict=True, ge=1, le=DAYS_MAX, description="Over how many days before now.")] = 7
    currency: CurrencyCode = "INR"
    mix: Mix = Mix()


class TestDataResource(Resource):
    """What was written, by outcome."""

    payments: int
    outcomes: dict[str, int]


@router.post(
    "/data",
    status_code=HTTPStatus.CREATED,
    response_model=TestDataResource,
    responses=declare(*TO_MERCHANTS, *WITH_BODY, *ONCE, "test_mode_only"),
    summary="Make test data",
)
async def create_test_data(body: TestDataCreate, principal: Tester, services: ServicesDep, once: OnceDep) -> Response:
    """Write payments of the past: with orders, attempts, captures, refunds, ledger and events, as if they had happened.

    No gateway is called and no webhook is sent. They cannot be refunded, and they cannot be removed.
    """
    in_test_mode(principal)

    async def operation(allocation: Allocation) -> Answer:
        asked = DataRequest(body.payments, body.days, body.currency, body.mix.model_dump())
        made = await made_up.write(services, principal.actor, allocation.resource_id, asked)
        return Answer(HTTPStatus.CREATED, TestDataResource(payments=made.total(), outcomes=dict(made)))

    return await once.answer(TEST_DATA, operation)
