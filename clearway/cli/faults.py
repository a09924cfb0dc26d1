"""`clearway faults`: switches faults of the gateway simulator on and off.

The simulator keeps the switches in its process: they are gone when it restarts.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import httpx
import typer

from clearway.cli.decorators import Result
from clearway.cli.output import JsonFlag, plain, table
from clearway.cli.problems import CommandError
from clearway.cli.running import running_stack

TIMEOUT_S: Final = 10.0
URL_VARIABLE: Final = "SIMULATOR_URL"

faults: Final = typer.Typer(help="Faults of the gateway simulator: list, add, clear.", no_args_is_help=True)

SimulatorUrl = Annotated[
    str | None,
    typer.Option(envvar=URL_VARIABLE, help="URL of the simulator. Default: that of the stack on this machine."),
]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(faults, name="faults", rich_help_panel="Try it")


@faults.command("list")
def list_faults(*, as_json: JsonFlag = False, simulator_url: SimulatorUrl = None) -> None:
    """List the active faults, and how often each was applied."""
    _shown(_rules(simulator_url)).print(as_json=as_json)


@faults.command("add")
def add_fault(
    operation: Annotated[
        str,
        typer.Argument(
            help="prepare, authorise, capture, void, refund, look_up, webhook, token, settlement or listing."
        ),
    ],
    fault: Annotated[str, typer.Argument(help="Such as executed_then_timeout. docs/testing-values.md lists all.")],
    *,
    times: Annotated[
        int | None, typer.Option(help="How often it is applied. Default: until cleared.", min=1, show_default=False)
    ] = None,
    probability: Annotated[
        float, typer.Option(help="Probability that an operation meets it, 0 to 1.", min=0, max=1)
    ] = 1.0,
    delay: Annotated[float | None, typer.Option(help="Seconds to wait, for faults that have a delay.", min=0)] = None,
    payment: Annotated[str | None, typer.Option(help="Only this payment.", show_default=False)] = None,
    gateway: Annotated[
        str | None, typer.Option(help="Only this gateway: simulator, stripe, paypal, square …", show_default=False)
    ] = None,
    as_json: JsonFlag = False,
    simulator_url: SimulatorUrl = None,
) -> None:
    """Add a fault before those that are active. The first that matches is applied."""
    rule: dict[str, Any] = {"operation": operation, "fault": fault, "probability": probability}
    rule |= {} if times is None else {"times": times}
    rule |= {} if delay is None else {"delay_s": delay}
    match = {"payment_id": payment, "gateway": gateway}
    rule |= {"match": {name: value for name, value in match.items() if value is not None}}
    _shown(switch_on(rule, simulator_url)).print(as_json=as_json)


@faults.command("clear")
def clear_faults(*, as_json: JsonFlag = False, simulator_url: SimulatorUrl = None) -> None:
    """Remove all faults. The faults of test values stay."""
    _call("DELETE", simulator_url)
    _shown([]).print(as_json=as_json)


def switch_on(rule: dict[str, Any], simulator_url: str | None = None) -> list[dict[str, Any]]:
    """Put a rule before those in force and return them all. Raises CommandError when the simulator refuses it."""
    rules: list[dict[str, Any]] = _call("PUT", simulator_url, json=[rule, *_rules(simulator_url)])
    return rules


def _rules(url: str | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _call("GET", url)
    return found


def _call(method: str, url: str | None, **request: Any) -> Any:
    base = (url or _of_stack()).rstrip("/")
    try:
        response = httpx.request(method, f"{base}/faults", timeout=TIMEOUT_S, trust_env=False, **request)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise CommandError(f"The simulator at {base} can't be reached ({error}). Is `clearway dev` running?") from None
    if response.status_code == httpx.codes.BAD_REQUEST:
        raise CommandError(f"The simulator refused the fault: {_reasons(response)}. See docs/testing-values.md.")
    if response.is_error:
        raise CommandError(f"{base} answered HTTP {response.status_code}. Is it the simulator?")
    return response.json() if response.content else None


def _of_stack() -> str:
    stack = running_stack()
    if stack is None:
        raise CommandError(f"No stack runs on this machine: start `clearway dev`, or name one with {URL_VARIABLE}.")
    return stack.simulator_url


def _reasons(response: httpx.Response) -> str:
    try:
        problems = response.json()["error"]["problems"]
        return "; ".join(f"{each['param'].removeprefix('0.')}: {each['message']}" for each in problems)
    except (ValueError, KeyError, TypeError):
        return "it did not say why"


def _shown(rules: list[dict[str, Any]]) -> Result:
    rows = table("operation", "fault", "probability", "times left", "applied", "only")
    for rule in rules:
        only = ", ".join(f"{name}={value}" for name, value in rule["match"].items() if value is not None)
        left = "until cleared" if rule["times"] is None else str(max(rule["times"] - rule["applied"], 0))
        rows.add_row(
            plain(rule["operation"]), plain(rule["fault"]), f"{rule['probability']:g}", left, str(rule["applied"]), only
        )
    return Result(rules, rows if rules else "No fault is switched on.")
