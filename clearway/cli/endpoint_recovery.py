"""`clearway endpoints recover`: send the events that an endpoint missed, and wait for the deliveries."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import typer

from clearway.cli.decorators import Result, asks_api
from clearway.cli.merchant_api import IdempotencyKey, MerchantApi
from clearway.cli.moments import FORM, moment_of
from clearway.cli.output import JsonFlag, coloured, out, plain

POLL_S: Final = 2.0

Moment = Annotated[datetime, typer.Option(parser=moment_of, metavar="TIME", help=FORM)]


@asks_api
def recover_endpoint(
    api: MerchantApi,
    endpoint_id: Annotated[str, typer.Argument(metavar="ID", help="whe_…")],
    *,
    since: Moment,
    until: Annotated[
        datetime | None, typer.Option(parser=moment_of, metavar="TIME", help="Events before this time. Now by default.")
    ] = None,
    include: Annotated[
        Literal["failed", "all_missing"],
        typer.Option(help="Only failed deliveries, or all events that the endpoint has not received."),
    ] = "all_missing",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until every delivery has ended.")] = True,
    idempotency_key: IdempotencyKey = None,
    as_json: JsonFlag = False,
) -> None:
    """Send the events that the endpoint did not receive, at most 10 a second."""
    body: dict[str, Any] = {"since": since.isoformat(), "include": include}
    if until is not None:
        body["until"] = until.isoformat()
    path = f"/webhook_endpoints/{endpoint_id}/recover"
    recovery = api.post(path, body, idempotency_key=idempotency_key)
    if wait:
        recovery = _follow(api, recovery, quiet=as_json)
    Result(recovery, _line(recovery)).print(as_json=as_json)


def _follow(api: MerchantApi, recovery: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    seen = ""
    while recovery["status"] == "running" or recovery["pending"]:
        line = _line(recovery)
        if line != seen and not quiet:
            out().print(line)
        seen = line
        time.sleep(POLL_S)
        recovery = api.get(f"/webhook_endpoints/{recovery['endpoint_id']}/recoveries/{recovery['id']}")
    return recovery


def _line(recovery: dict[str, Any]) -> str:
    counts = ", ".join(f"{recovery[status]} {status}" for status in ("delivered", "pending", "failed", "cancelled"))
    reason = f" ({plain(recovery['stopped_reason'])})" if recovery["stopped_reason"] else ""
    name, begun = plain(recovery["id"]), recovery["recovered"]
    return f"Recovery {name} is {coloured(recovery['status'])}{reason}: {begun} deliveries started; {counts}."
