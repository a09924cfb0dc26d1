"""What `payments` and `refunds` share: an operator's decision about a review, and the state of a workflow."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearway.cli.decorators import Result
from clearway.cli.output import coloured, plain, remarks
from clearway.cli.problems import CommandError
from clearway.domain.actor import Actor, operator
from clearway.domain.ids import DECISION, REFUND, is_id, new_id
from clearway.durable.messages import Resolution

if TYPE_CHECKING:
    from clearway.services import Services

Reason = Annotated[str, typer.Option(help="What you found at the gateway, for the history and the audit log.")]
Operator = Annotated[
    str | None,
    typer.Option(help="Your name for the history and the audit log. Default: your login name.", show_default=False),
]
Reference = Annotated[str | None, typer.Option(help="The gateway's id of the operation, if you have it.")]
Moved = Annotated[
    int | None,
    typer.Option(
        "--amount",
        help="The amount that really moved, in minor units. The ledger records it.",
        min=1,
        show_default=False,
    ),
]


def resolve(subject_id: str, resolution: Resolution) -> Result:
    """Record an operator's decision about any merchant's payment or refund.

    Raises CommandError or ClearwayError when nothing was recorded.
    """
    from clearway.cli.services import with_services  # noqa: PLC0415 - heavy

    if not resolution.reason.strip():
        raise typer.BadParameter("Give a reason: the next operator and the merchant read it.", param_hint="--reason")
    resolved = with_services(partial(_decide, subject_id, resolution))
    decided = f"{plain(subject_id)} is {coloured(resolved['status'])}, decided by {plain(resolution.operator)}."
    return Result(resolved, decided)


async def _decide(subject_id: str, resolution: Resolution, services: Services) -> dict[str, Any]:
    from clearway.db import across_merchants  # noqa: PLC0415 - heavy
    from clearway.payments.resolving import resolve as resolve_payment  # noqa: PLC0415 - heavy
    from clearway.refunds.resolving import resolve as resolve_refund  # noqa: PLC0415 - heavy

    is_refund = is_id(REFUND, subject_id)
    async with services.reader.connect() as connection:
        merchant_id = await across_merchants.merchant_of(connection, subject_id)
    if merchant_id is None:
        raise CommandError(f"No merchant of this installation has a payment or refund {subject_id!r}.")
    actor = Actor(operator(resolution.operator), merchant_id)
    decide = resolve_refund if is_refund else resolve_payment
    return (await decide(services, actor, subject_id, new_id(DECISION), resolution)).data()


def workflow_of(workflow_id: str) -> dict[str, Any] | None:
    """Return the workflow's state; a payment can be read without it, so a missing workflow is only noted."""
    from clearway.cli import durable  # noqa: PLC0415 - heavy

    try:
        return durable.workflow_state(workflow_id).as_json()
    except CommandError as error:
        remarks().print(f"[yellow]The workflow is not shown:[/] {plain(error)}")
        return None
