"""The dry run of a custom gateway in requests and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.http.fields import Body
from clearway.domain.resources import Resource
from clearway.gateways.contract import GatewayOutcome, Inbound
from clearway.gateways.dry_runs import DryStep

STEPS_MAX = 20


class GatewayDryRun(Body):
    """A payment and its steps, in the form of a document's examples (docs/custom-gateways.md)."""

    payment: Annotated[
        dict[str, Any],
        Field(
            description="`amount_minor`, `currency`, and what an example's payment may have.",
            examples=[{"amount_minor": 1900, "currency": "AMD"}],
        ),
    ]
    steps: Annotated[
        list[dict[str, Any]],
        Field(
            min_length=1,
            max_length=STEPS_MAX,
            description="Each has `call`, and `answer` or `receives`.",
            examples=[[{"call": "page"}]],
        ),
    ]


class DryRunRequest(BaseModel):
    """A request that would be sent."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


class DryRunOutcome(BaseModel):
    """How Clearway would interpret an answer."""

    outcome: Annotated[str, Field(description="`approved`, `declined`, `needs_action`, `pending`, `unknown` …")]
    executed: Annotated[str, Field(description="Whether the gateway may have acted: `no`, `maybe` or `yes`.")]
    captured: bool
    amount: Annotated[int | None, Field(description="In minor units, if the gateway says it.")]
    currency: str | None
    references: dict[str, str]
    error_code: str | None
    error_description: str | None
    page: Annotated[str | None, Field(description="Where the customer is sent.")]
    form: Annotated[dict[str, str] | None, Field(description="What the customer's browser posts there.")]


class DryRunEvent(BaseModel):
    """How Clearway would interpret a callback."""

    event_id: str
    payment: Annotated[str | None, Field(description="The reference by which the payment is found.")]
    trust: Annotated[str, Field(description="`proven`: its signature proves it. `hint`: Clearway asks the gateway.")]
    outcome: DryRunOutcome


class DryRunStep(BaseModel):
    """The result of one step."""

    call: str
    requests: list[DryRunRequest]
    outcome: DryRunOutcome | None
    events: list[DryRunEvent]
    answer: Annotated[str | None, Field(description="The answer that the gateway would get.")]
    precheck_refusal: Annotated[str | None, Field(description="The answer for a payment that may not be made.")]
    refused: Annotated[str | None, Field(description="Why a callback is not believed, or cannot be read.")]


class GatewayDryRunResult(Resource):
    """The result of the steps. Nothing was sent or changed."""

    object: Literal["gateway_dry_run"] = "gateway_dry_run"
    steps: list[DryRunStep]


def dry_run_result(steps: Sequence[DryStep]) -> GatewayDryRunResult:
    """Render a dry run."""
    return GatewayDryRunResult(steps=[_step(step) for step in steps])


def _step(step: DryStep) -> DryRunStep:
    inbound = step.inbound or Inbound()
    return DryRunStep(
        call=step.call,
        requests=[
            DryRunRequest(method=sent.method, url=sent.url, headers=sent.headers, body=sent.body)
            for sent in step.requests
        ],
        outcome=None if step.outcome is None else _outcome(step.outcome),
        events=[
            DryRunEvent(
                event_id=event.event_id,
                payment=event.references.get("payment"),
                trust=event.trust.value,
                outcome=_outcome(event.outcome),
            )
            for event in inbound.events
        ],
        answer=inbound.answer.body.decode() if inbound.answer else None,
        precheck_refusal=inbound.precheck.refusal.body.decode() if inbound.precheck else None,
        refused=step.refused,
    )


def _outcome(outcome: GatewayOutcome) -> DryRunOutcome:
    assert outcome.executed is not None, "the outcome fills it in"
    action = outcome.action
    return DryRunOutcome(
        outcome=outcome.kind.value,
        executed=outcome.executed.value,
        captured=outcome.captured,
        amount=outcome.amount_minor,
        currency=outcome.currency,
        references=dict(outcome.references),
        error_code=outcome.error_code,
        error_description=outcome.error_description,
        page=action.url if action else None,
        form=dict(action.fields) if action and action.fields else None,
    )
