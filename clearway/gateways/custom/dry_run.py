"""The dry run of a custom gateway: steps of one payment, over what the merchant entered. Nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import httpx
import orjson
from pydantic import Field, ValidationError

from clearway.gateways.custom.context import Entered
from clearway.gateways.custom.language.base import Part
from clearway.gateways.custom.language.document import Document
from clearway.gateways.custom.language.examples import ExamplePayment, Step
from clearway.gateways.custom.rehearsal import Rehearsal, Rehearsed, recorded, with_placeholders
from clearway.gateways.dry_runs import DryRequest, DryRunInvalidError, DryStep


class Asked(Part):
    """A payment, and the steps that it takes. What one step adds to the record, the next one has."""

    payment: ExamplePayment
    steps: Annotated[list[Step], Field(min_length=1, max_length=20)]


async def dry_run(document: Document, entered: Entered, asked: Mapping[str, Any]) -> Sequence[DryStep]:
    """Run the steps. Raises DryRunInvalidError."""
    read = _read(asked)
    rehearsal = Rehearsal(document, entered, with_placeholders(document, entered))
    payment, found = read.payment, []
    for step in read.steps:
        rehearsed = await rehearsal.run(step, payment)
        payment = recorded(payment, step, rehearsed.outcome)
        found.append(_step(step, rehearsed))
    return found


def _read(asked: Mapping[str, Any]) -> Asked:
    try:
        return Asked.model_validate_json(orjson.dumps(asked))
    except (TypeError, ValidationError) as error:
        first = error.errors(include_input=False, include_url=False)[0] if isinstance(error, ValidationError) else None
        said = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else "it is nested too deeply"
        raise DryRunInvalidError(said) from None


def _step(step: Step, rehearsed: Rehearsed) -> DryStep:
    return DryStep(
        call=step.call,
        requests=tuple(_request(request) for request in rehearsed.sent),
        outcome=rehearsed.outcome,
        inbound=rehearsed.inbound,
        refused=rehearsed.refused or rehearsed.unreadable,
    )


def _request(request: httpx.Request) -> DryRequest:
    own = {"accept", "accept-encoding", "connection", "user-agent", "content-length", "host"}
    headers = {name: value for name, value in request.headers.items() if name not in own}
    return DryRequest(request.method, str(request.url), headers, request.content.decode("utf-8", "replace"))
