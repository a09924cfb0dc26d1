"""What `payments` and `refunds` share: an operator's decision about a review, and the state of a workflow."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from clearway.cli.output import coloured, out, plain, print_json, remarks
from clearway.cli.problems import CommandError
from clearway.durable.messages import Resolution

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


def resolve(workflow_id: str, subject_id: str, resolution: Resolution, *, as_json: bool) -> None:
    """Send the decision to the workflow and print what it led to. Raises CommandError when it is refused."""
    from clearway.cli import durable  # noqa: PLC0415 - heavy

    if not resolution.reason.strip():
        raise typer.BadParameter("Say why: the reason is what the next person reads.", param_hint="--reason")
    state = durable.resolve_review(workflow_id, subject_id, resolution)
    if as_json:
        print_json(state.as_json())
    else:
        out().print(
            f"{plain(workflow_id)} is {coloured(state.payment_status)}, decided by {plain(resolution.operator)}."
        )


def workflow_of(workflow_id: str) -> dict[str, Any] | None:
    """Return the workflow's state; a payment can be read without it, so its absence is only remarked upon."""
    from clearway.cli import durable  # noqa: PLC0415 - heavy

    try:
        return durable.workflow_state(workflow_id).as_json()
    except CommandError as error:
        remarks().print(f"[yellow]The workflow is not shown:[/] {plain(error)}")
        return None
