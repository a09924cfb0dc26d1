"""Commands that run until they are stopped: dev, api, dashboard, worker, simulator; and doctor, which looks first."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, Literal

import typer

from clearway import lifeline
from clearway.cli.decorators import Result, shows_result
from clearway.cli.output import table
from clearway.cli.problems import FAILED, CommandError
from clearway.cli.worker_pool import WorkerPool
from clearway.durable.messages import TASK_QUEUES

STOP: Final = int(signal.SIGTERM)
DRAIN_S: Final = 10
"""How long the API lets requests under way end."""

RUNNING = "Run the parts"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (dev, doctor, api, dashboard, checkout, worker, simulator):
        app.command(rich_help_panel=RUNNING)(command)


@contextmanager
def in_a_checkout(command: str) -> Iterator[None]:
    """Raise CommandError when a command needs a checkout and this is an installation."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "clearway.dev":
            raise
        message = (
            f"`clearway {command}` is for a checkout of the sources: it runs everything on one machine, and an "
            "installation does not have it. Clone the repository and run `make dev`."
        )
        raise CommandError(message) from None


def dev(
    *,
    temporal_server: Annotated[
        Literal["dev", "postgres"],
        typer.Option(
            help="dev: Temporal's dev server. postgres: the full server on Postgres, 16 shards, own state, no UI."
        ),
    ] = "dev",
) -> None:
    """Run everything on this machine until Ctrl-C: Postgres, Temporal and its UI, API, worker, simulator, merchant."""
    with in_a_checkout("dev"):
        from clearway.dev import foreground  # noqa: PLC0415 - not part of an installation

    raise typer.Exit(foreground.main(temporal_server=temporal_server))


@shows_result
def doctor() -> Result:
    """Check this machine: Python, tools, servers, ports, settings and disk. Fails when something needed is missing."""
    with in_a_checkout("doctor"):
        from clearway.dev.doctor import Verdict, report  # noqa: PLC0415 - not part of an installation

    findings = report()
    marks = {Verdict.OK: "[green]✓[/]", Verdict.OPTIONAL: "[yellow]-[/]", Verdict.MISSING: "[red]✗[/]"}
    rows = table("", "what", "found", "what to do")
    for finding in findings:
        rows.add_row(marks[finding.verdict], finding.subject, finding.found, finding.way_out)
    error = typer.Exit(FAILED) if any(finding.verdict is Verdict.MISSING for finding in findings) else None
    return Result([finding.as_json() for finding in findings], rows, error=error)


def api(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on; API_HOST by default.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; API_PORT by default.", min=1, max=65_535)] = None,
    workers: Annotated[int, typer.Option(help="Processes.", min=1, max=128)] = 1,
) -> None:
    """Run the REST API. It holds no state: you can run any number of them."""
    _run_web("api.app:create_app", "API", host, port, workers)


def dashboard(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on; DASHBOARD_HOST by default.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; DASHBOARD_PORT by default.", min=1, max=65_535)
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes.", min=1, max=128)] = 1,
) -> None:
    """Run the dashboard: its pages, and the API that they use. It holds no state: you can run any number of them."""
    _run_web("api.dashboard.app:create_app", "DASHBOARD", host, port, workers)


def checkout(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on; CHECKOUT_HOST by default.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; CHECKOUT_PORT by default.", min=1, max=65_535)
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes.", min=1, max=128)] = 1,
) -> None:
    """Run the hosted checkout, where customers pay. It holds no state: you can run any number of them."""
    _run_web("api.hosted.app:create_app", "CHECKOUT", host, port, workers)


def _run_web(program: str, prefix: str, host: str | None, port: int | None, workers: int) -> None:
    """Serve a program of the API package. prefix: of the settings that say where it listens."""
    import uvicorn  # noqa: PLC0415 - heavy

    from clearway.listening import require_private  # noqa: PLC0415
    from clearway.settings import Settings  # noqa: PLC0415
    from clearway.telemetry.logs import configure_logging  # noqa: PLC0415

    settings = Settings()
    configure_logging(settings.log_level, settings.log_format, prefix.lower())
    usual = {
        "API": (settings.api_host, settings.api_port),
        "DASHBOARD": (settings.dashboard_host, settings.dashboard_port),
        "CHECKOUT": (settings.checkout_host, settings.checkout_port),
    }
    host, port = usual[prefix][0] if host is None else host, port or usual[prefix][1]
    require_private(host, f"{prefix}_HOST", settings)
    _require_free(host, port)
    if settings.api_metrics_port is not None and prefix != "CHECKOUT":
        require_private(settings.metrics_host, "METRICS_HOST", settings)
        _require_free(settings.metrics_host, settings.api_metrics_port)
    signal.signal(signal.SIGTERM, _leave)  # uvicorn raises the signal again when it has drained
    _serve(
        uvicorn.run,
        program,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        access_log=False,
        ws="websockets-sansio",
        ws_per_message_deflate=False,  # messages are short, and a compressor for each socket takes memory
        proxy_headers=False,  # TRUSTED_PROXIES names the proxies that are believed
        log_config=None,
        timeout_graceful_shutdown=DRAIN_S,
    )


def worker(
    *,
    processes: Annotated[int, typer.Option(help="Worker processes; one per core is a good start.", min=1, max=64)] = 1,
    queues: Annotated[str, typer.Option(help="Task queues to poll, comma separated.", show_default=True)] = ",".join(
        TASK_QUEUES
    ),
) -> None:
    """Run workflows and activities. It holds no state: you can run any number of them.

    Process n serves Prometheus metrics on METRICS_PORT + n. A process that dies is started again.
    """
    from clearway.listening import require_private  # noqa: PLC0415 - heavy
    from clearway.settings import Settings  # noqa: PLC0415
    from clearway.telemetry.logs import configure_logging  # noqa: PLC0415

    settings = Settings()
    configure_logging(settings.log_level, settings.log_format, "worker")
    if settings.metrics_port is not None:
        require_private(settings.metrics_host, "METRICS_HOST", settings)
    wanted = [queue.strip() for queue in queues.split(",") if queue.strip()]
    unknown = sorted(set(wanted) - set(TASK_QUEUES))
    if unknown or not wanted:
        raise typer.BadParameter(f"{', '.join(unknown) or queues!r}: the queues are {', '.join(TASK_QUEUES)}.")

    def command(index: int) -> list[str]:
        # Without the lifeline, workers would go on for ever after a kill -9 of this process, and nobody would know.
        tied = [sys.executable, "-I", "-S", lifeline.__file__, "--parent", str(os.getpid()), "--signal", str(STOP)]
        run = [sys.executable, "-m", "worker", "--index", str(index), "--queues", ",".join(wanted)]
        return [*tied, "--", *run]

    raise typer.Exit(asyncio.run(WorkerPool(command, processes).run()))


def simulator() -> None:
    """Run the gateway simulator, the payment gateway that moves no money. SIMULATOR_… variables configure it."""
    from clearway.simulator.__main__ import main  # noqa: PLC0415 - heavy
    from clearway.simulator.settings import SimulatorSettings  # noqa: PLC0415

    settings = SimulatorSettings()
    _require_free(settings.simulator_host, settings.simulator_port)
    signal.signal(signal.SIGTERM, _leave)
    _serve(main)


def _serve(run: Callable[..., None], *arguments: Any, **options: Any) -> None:
    """Run a server; its own exit codes become ours."""
    try:
        run(*arguments, **options)
    except SystemExit as ending:
        if ending.code:
            raise CommandError("The server could not start; the lines above say why.") from None


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def _require_free(host: str, port: int) -> None:
    """Check the port first: the server itself would print a traceback."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError(f"Can't listen on {host}:{port}: {reason}. Choose another host or port.") from None
