"""`/test/faults` and `/test/values`: how the simulator behaves for one test merchant.

A fault switched here is for the merchant's own gateways of kind `simulator`, so no merchant meets another's. The
simulator keeps the switches in its process: they are gone when it restarts.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.fields import Body, PlainText
from api.http.idempotency import Answer, OnceDep
from api.http.problems import ONCE, TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.testing.simulator import ask
from clearway.db import gateways
from clearway.domain.errors import ConflictError, NotFoundError
from clearway.domain.gateway import GatewayKind
from clearway.domain.merchant import Mode
from clearway.domain.permissions import Permission
from clearway.domain.resources import Resource
from clearway.services import Allocation, Services

FAULT: Final = "flt"
"""The prefix of the ids under which faults are switched; they name no resource."""
TIMES_MAX: Final = 1_000
DELAY_S_MAX: Final = 3_600

Reader = Annotated[Principal, requires(Permission.GATEWAYS_READ)]
Payer = Annotated[Principal, requires(Permission.PAYMENTS_READ)]
Tester = Annotated[Principal, requires(Permission.TESTING_WRITE)]
Word = Annotated[PlainText, StringConstraints(pattern=r"^[a-z_]{1,40}$")]


def in_test_mode(principal: Principal) -> None:
    """Raise ConflictError for a live merchant."""
    if principal.mode is Mode.LIVE:
        detail = "Testing tools are for test merchants. Nothing was done. Use the test merchant of this account."
        raise ConflictError("test_mode_only", detail)


class TestValue(BaseModel):
    """A value that always has the same result."""

    method: Literal["card", "upi", "netbanking", "wallet"]
    field: Annotated[
        Literal["card", "vpa", "amount", "bank", "wallet"],
        Field(description="The field that has the value. amount: INR."),
    ]
    value: str
    result: Literal["approved", "declined", "pending"]
    needs_customer: Annotated[bool, Field(description="The customer visits a page first.")]
    note: Annotated[str, Field(description="What else happens. Empty: nothing.")]


class TestValueList(BaseModel):
    """All test values."""

    data: list[TestValue]


class FaultWords(BaseModel):
    """A fault that the simulator has."""

    fault: str
    description: str


class SwitchedFault(Resource):
    """A fault that is switched on."""

    gateway_id: str
    operation: str
    fault: str
    probability: float
    times: Annotated[int | None, Field(description="How often it is applied in all. null: until it is cleared.")]
    applied: Annotated[int, Field(description="How often it was applied.")]
    delay_s: float | None


class Faults(BaseModel):
    """The active faults, and all that exist."""

    data: list[SwitchedFault]
    operations: list[str]
    faults: list[FaultWords]


class FaultCreate(Body):
    """A fault to switch on."""

    gateway_id: Annotated[PlainText, Field(max_length=64, examples=["gw_01m7yv46ss6km74zc9tm5bynqd"])]
    operation: Annotated[Word, Field(description="Such as `authorise`.", examples=["look_up"])]
    fault: Annotated[Word, Field(description="Such as `executed_then_timeout`.", examples=["slow"])]
    times: Annotated[int, Field(strict=True, ge=1, le=TIMES_MAX, description="How often it is applied.")] = 1
    probability: Annotated[float, Field(strict=True, ge=0, le=1)] = 1.0
    delay_s: Annotated[
        float | None, Field(strict=True, ge=0, le=DELAY_S_MAX, description="For faults that have a delay.")
    ] = None


router = Router(prefix="/test", tags=["test"])


async def _own(services: Services, merchant_id: str) -> list[str]:
    async with services.reader.connect() as connection:
        rows = await gateways.list_all(connection, merchant_id)
    return [row.id for row in rows if row.kind == GatewayKind.SIMULATOR]


@router.get("/values", responses=declare(*TO_MERCHANTS, "simulator_unavailable"), summary="List test values")
async def list_test_values(_: Payer, services: ServicesDep) -> TestValueList:
    """List the values that make the simulator approve, decline, wait or misbehave, regardless of chance."""
    return TestValueList.model_validate(await ask(services.settings.simulator_url, "GET", "/test_values"))


@router.get("/faults", responses=declare(*TO_MERCHANTS, "simulator_unavailable"), summary="List faults")
async def list_faults(principal: Reader, services: ServicesDep) -> Faults:
    """List the active faults of your gateways of kind `simulator`, and all faults that exist."""
    url = services.settings.simulator_url
    own = await _own(services, principal.merchant_id)
    rules = [rule for rule in await ask(url, "GET", "/faults") if rule["match"]["account"] in own]
    known = await ask(url, "GET", "/fault_kinds")
    return Faults(data=[_switched(rule) for rule in rules], **known)


@router.post(
    "/faults",
    status_code=HTTPStatus.CREATED,
    response_model=SwitchedFault,
    responses=declare(
        *(*TO_MERCHANTS, *WITH_BODY, *ONCE, "gateway_not_found", "test_mode_only", "fault_invalid"),
        "simulator_unavailable",
    ),
    summary="Switch a fault on",
)
async def switch_fault_on(body: FaultCreate, principal: Tester, services: ServicesDep, once: OnceDep) -> Response:
    """Let one of your gateways of kind `simulator` misbehave. The newest fault that matches is applied."""
    in_test_mode(principal)

    async def operation(_: Allocation) -> Answer:
        if body.gateway_id not in await _own(services, principal.merchant_id):
            detail = f"You have no gateway {body.gateway_id!r} of kind simulator. Nothing was changed."
            raise NotFoundError("gateway_not_found", detail)
        asked = body.model_dump(exclude={"gateway_id"})
        rule = asked | {"match": {"account": body.gateway_id}}
        made = await ask(services.settings.simulator_url, "POST", "/faults", json=rule)
        return Answer(HTTPStatus.CREATED, _switched(made))

    return await once.answer(FAULT, operation)


@router.delete(
    "/faults",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=declare(*TO_MERCHANTS, "test_mode_only", "simulator_unavailable"),
    summary="Switch all faults off",
)
async def switch_faults_off(principal: Tester, services: ServicesDep) -> None:
    """Switch off every fault of your gateways. The faults of test values stay."""
    in_test_mode(principal)
    for gateway_id in await _own(services, principal.merchant_id):
        await ask(services.settings.simulator_url, "DELETE", "/faults", params={"account": gateway_id})


def _switched(rule: dict[str, Any]) -> SwitchedFault:
    shown = {name: rule[name] for name in ("operation", "fault", "probability", "times", "applied", "delay_s")}
    return SwitchedFault(gateway_id=rule["match"]["account"], **shown)
