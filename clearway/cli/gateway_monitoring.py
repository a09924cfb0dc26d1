"""`clearway gateways performance`: how gateways perform, as the API says."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from clearway.cli.gateways import gateways
from clearway.cli.merchant_api import ApiKey, ApiSecret, ApiUrl, open_api
from clearway.cli.moments import FORM, moment_of
from clearway.cli.output import JsonFlag, out, plain, print_json, table
from clearway.domain.money import Money


def register(_: typer.Typer) -> None:
    """Nothing: importing this module adds its commands to `clearway gateways`."""


@gateways.command("performance")
def show_performance(
    gateway_id: Annotated[str | None, typer.Argument(metavar="ID", help="gw_…; none: all gateways.")] = None,
    *,
    since: Annotated[str, typer.Option(help=FORM)] = "24h",
    until: Annotated[str | None, typer.Option(help="Until when; default: now.", show_default=False)] = None,
    by: Annotated[
        str | None, typer.Option(help="gateway, hour, day, operation, method or currency.", show_default=False)
    ] = None,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Show latency, technical errors, success rate and volume."""
    asked = {"since": moment_of(since).isoformat(), "until": until and moment_of(until).isoformat(), "by": by}
    path = f"/gateways/{gateway_id}/performance" if gateway_id else "/gateways/performance"
    with open_api(api_url, api_key, api_secret) as api:
        found = api.get(path, **asked)
    if as_json:
        print_json(found)
        return
    rows = table(by or "", "calls", "errors", "p50", "p95", "p99", "attempts", "success", "approved amount")
    for each in found["data"]:
        rows.add_row(plain(each["group"]), *_cells(each))
    rows.add_row("all", *_cells(found["total"]))
    out().print(rows)


def _cells(figures: dict[str, Any]) -> list[str]:
    latency = figures["latency_ms"] or {}
    times = [f"{latency[name]} ms" if name in latency else "-" for name in ("p50", "p95", "p99")]
    volume = ", ".join(str(Money(each["amount"], each["currency"])) for each in figures["volume"])
    return [
        str(figures["calls"]),
        _percent(figures["technical_error_rate"]),
        *times,
        str(figures["attempts"]),
        _percent(figures["success_rate"]),
        volume or "-",
    ]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"
