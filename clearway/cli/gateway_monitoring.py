"""`clearway gateways performance` and `health`: what the API says of gateways over time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from clearway.cli.decorators import Result, asks_api, shows_result
from clearway.cli.gateways import GatewayId, gateways
from clearway.cli.merchant_api import MerchantApi
from clearway.cli.moments import FORM, moment_of
from clearway.cli.output import clock, plain, table
from clearway.domain.gateway_health import ALERT_CALLS_DEFAULT, ALERT_WINDOW_MINUTES_DEFAULT
from clearway.domain.money import Money


def register(_: typer.Typer) -> None:
    """Nothing: importing this module adds its commands to `clearway gateways`."""


@gateways.command("performance")
@asks_api
@shows_result
def show_performance(
    api: MerchantApi,
    gateway_id: Annotated[str | None, typer.Argument(metavar="ID", help="gw_…; none: all gateways.")] = None,
    *,
    since: Annotated[str, typer.Option(help=FORM)] = "24h",
    until: Annotated[str | None, typer.Option(help="Until when; default: now.", show_default=False)] = None,
    by: Annotated[
        str | None, typer.Option(help="gateway, hour, day, operation, method or currency.", show_default=False)
    ] = None,
) -> Result:
    """Show latency, technical errors, success rate and volume."""
    asked = {"since": moment_of(since).isoformat(), "until": until and moment_of(until).isoformat(), "by": by}
    path = f"/gateways/{gateway_id}/performance" if gateway_id else "/gateways/performance"
    found = api.get(path, **asked)
    rows = table(by or "", "calls", "errors", "p50", "p95", "p99", "attempts", "success", "approved amount")
    for each in found["data"]:
        rows.add_row(plain(each["group"]), *_cells(each))
    rows.add_row("all", *_cells(found["total"]))
    return Result(found, rows)


@gateways.command("health")
@asks_api
@shows_result
def show_health(
    api: MerchantApi,
    gateway_id: GatewayId,
    *,
    checks: Annotated[int, typer.Option(help="How many of the last checks.", min=0, max=1_000)] = 10,
) -> Result:
    """Show whether a gateway passes its checks, and its uptime. The exit code is 1 when it is unhealthy."""
    found = api.get(f"/gateways/{gateway_id}/health")
    last = api.all(f"/gateways/{gateway_id}/health/checks", limit=checks) if checks else []
    error = typer.Exit(1) if found["status"] == "unhealthy" else None
    return Result(found | {"checks": last}, *_health(found, last), error=error)


@gateways.command("alerts")
@asks_api
@shows_result
def set_alerts(
    api: MerchantApi,
    gateway_id: GatewayId,
    *,
    latency_p95_ms: Annotated[int | None, typer.Option(help="Maximum p95 latency, in milliseconds.", min=1)] = None,
    technical_error_percent: Annotated[
        float | None, typer.Option(help="Maximum share of technical errors.", min=0, max=100)
    ] = None,
    success_percent: Annotated[float | None, typer.Option(help="Minimum share of approvals.", min=0, max=100)] = None,
    calls_min: Annotated[int, typer.Option(help="With fewer, nothing is checked.", min=1)] = ALERT_CALLS_DEFAULT,
    window_minutes: Annotated[
        int, typer.Option(help="Period of the figures, in minutes before now.", min=5, max=1_440)
    ] = ALERT_WINDOW_MINUTES_DEFAULT,
) -> Result:
    """Set the thresholds of a gateway, for the event gateway.degraded. Those that you leave out are removed."""
    given = {
        "latency_p95_ms": latency_p95_ms,
        "technical_error_percent": technical_error_percent,
        "success_percent": success_percent,
        "calls_min": calls_min,
        "window_minutes": window_minutes,
    }
    alerts = {name: value for name, value in given.items() if value is not None}
    saved = api.patch(f"/gateways/{gateway_id}", {"alerts": alerts})
    return Result(saved["alerts"])


@gateways.command("limits")
@asks_api
@shows_result
def set_limits(
    api: MerchantApi,
    gateway_id: GatewayId,
    *,
    requests_per_s: Annotated[float | None, typer.Option(help="Requests a second, at most.", min=0.1)] = None,
    concurrent: Annotated[int | None, typer.Option(help="Requests at the same time, at most.", min=1)] = None,
) -> Result:
    """Limit the requests to a gateway; those above a limit wait. Limits that you leave out are removed."""
    given = {"requests_per_s": requests_per_s, "concurrent": concurrent}
    limits = {name: value for name, value in given.items() if value is not None}
    saved = api.patch(f"/gateways/{gateway_id}", {"limits": limits})
    return Result(saved["limits"])


def _health(found: dict[str, Any], last: list[dict[str, Any]]) -> Iterator[RenderableType]:
    since = f" since {clock(found['since'])}" if found["since"] else ""
    yield f"{plain(found['gateway_id'])} is {plain(found['status'])}{since}. {plain(found['message'] or '')}"
    for reason in found["degraded_by"]:
        yield f"Threshold passed: {plain(reason)}"
    rows = table("time", "checks", "good")
    for each in found["uptime"]:
        rows.add_row(each["window"], str(each["checks"]), _percent(each["uptime"]))
    yield rows
    rows = table("checked at", "good", "took", "message")
    for each in last:
        took = "-" if each["latency_ms"] is None else f"{each['latency_ms']} ms"
        rows.add_row(clock(each["created_at"]), "yes" if each["ok"] else "no", took, plain(each["message"]))
    if last:
        yield rows


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
