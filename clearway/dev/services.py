"""Our own programs as the stack runs them: command line, environment, and how we know that each is ready."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

import httpx
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from clearway.dev.child import Child, ChildSpec
from clearway.dev.errors import StackError
from clearway.dev.ports import HOST, Ports
from clearway.durable.messages import QUEUE_PAYMENTS
from clearway.local_stack import NETWORKS, PROJECT_ROOT

START_TIMEOUT_S: Final = 90.0
"""Generous: on a busy machine with two cores, the first start compiles every module."""
STEP_TIMEOUT_S: Final = 300.0
STOP_TIMEOUT_S: Final = 35.0
"""Longer than the worker's own grace, in which it ends gateway calls under way."""
NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Spares each probe the reading of the certificates of authorities: it asks this machine, by HTTP."""

CORE: Final = ("simulator", "api", "worker", "receiver")
"""What payments need; tests run these unless they ask for more."""
NAMES: Final = (*CORE, "mail", "dashboard", "checkout")

Probe = Callable[[Child], Awaitable[bool]]


@dataclass(frozen=True)
class Program:
    """One of our programs: `python <arguments>`, how we know it is ready, and what to say then."""

    name: str
    arguments: Sequence[str]
    ready: Probe
    text: str


class Service(Protocol):
    """What the supervisor can start, watch and end."""

    @property
    def child(self) -> Child | None:
        """The process, once it was started."""

    async def start(self) -> object:
        """Start it and wait until it is ready; StackError when it does not get there."""

    async def stop(self) -> None:
        """End it in order."""

    async def kill(self) -> None:
        """End it as a crash would."""


class PythonService:
    """A program of ours: a module or a script of this checkout, run by this interpreter."""

    def __init__(self, spec: ChildSpec, ready: Probe) -> None:
        self._spec = spec
        self._ready = ready
        self._child: Child | None = None

    @property
    def child(self) -> Child | None:
        """The process, once it was started."""
        return self._child

    async def start(self) -> None:
        """Start it and wait for its first sign of readiness."""
        self._child = child = Child.start(self._spec)
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if await self._ready(child):
                return
            if child.exit_code is not None:
                raise StackError(
                    f"{self._spec.name} stopped at start: {child.last_words() or child.exit_code} "
                    f"(all of it: {self._spec.log})"
                )
            await asyncio.sleep(0.1)
        await child.kill()
        raise StackError(f"{self._spec.name} did not get ready within {START_TIMEOUT_S:.0f} s; see {self._spec.log}.")

    async def stop(self) -> None:
        """End it in order."""
        if self._child is not None:
            await self._child.stop()

    async def kill(self) -> None:
        """SIGKILL."""
        if self._child is not None:
            await self._child.kill()


def python_service(program: Program, *, env: Mapping[str, str], log_dir: Path) -> PythonService:
    """A service that runs a program of ours in the checkout."""
    spec = ChildSpec(
        name=program.name,
        argv=[sys.executable, *program.arguments],
        log=log_dir / f"{program.name}.log",
        env=env,
        cwd=PROJECT_ROOT,
        stop_signal=signal.SIGTERM,
        stop_timeout_s=STOP_TIMEOUT_S,
    )
    return PythonService(spec, program.ready)


async def run_step(name: str, arguments: Sequence[str], *, env: Mapping[str, str], log_dir: Path) -> None:
    """Run `python <arguments>` to its end; StackError with its last line when it fails."""
    log = log_dir / f"{name}.log"
    child = Child.start(ChildSpec(name=name, argv=[sys.executable, *arguments], log=log, env=env, cwd=PROJECT_ROOT))
    try:
        code = await child.wait(STEP_TIMEOUT_S)
    finally:
        await child.kill()
    if code != 0:
        raise StackError(f"{name} failed: {child.last_words() or f'exit code {code}'} (all of it: {log})")


def environment(
    *,
    ports: Ports,
    database_url: str,
    temporal: Mapping[str, str],
    state_dir: Path,
    overrides: Mapping[str, str],
    catches_mail: bool,
) -> dict[str, str]:
    """The environment of every program of the stack. The stack sets addresses; the user's variables set behaviour."""
    behaviour = {
        "CLEARWAY_ENV": "development",
        "WEBHOOK_ALLOWED_NETWORKS": ",".join(NETWORKS),
        "PYTHONUNBUFFERED": "1",
    }
    places = {
        "DATABASE_URL": database_url,
        **temporal,
        "API_HOST": HOST,
        "API_PORT": str(ports.api),
        "API_PUBLIC_URL": f"http://{HOST}:{ports.api}",
        "DASHBOARD_HOST": HOST,
        "DASHBOARD_PORT": str(ports.dashboard),
        "DASHBOARD_URL": f"http://{HOST}:{ports.dashboard}",
        "TEMPORAL_UI_URL": f"http://{HOST}:{ports.temporal_ui}",
        "CHECKOUT_HOST": HOST,
        "CHECKOUT_PORT": str(ports.checkout),
        "CHECKOUT_URL": f"http://{HOST}:{ports.checkout}",
        "SIMULATOR_URL": f"http://{HOST}:{ports.simulator}",
        "SIMULATOR_HOST": HOST,
        "SIMULATOR_PORT": str(ports.simulator),
        "SIMULATOR_STATE": str(state_dir / "simulator.sqlite3"),
        "SIMULATOR_WEBHOOK_URL": f"http://{HOST}:{ports.api}/api/v1/gateways/{{account}}/webhook",
        "RECEIVER_PORT": str(ports.receiver),
        "RECEIVER_URL": f"http://{HOST}:{ports.receiver}",
        "RECEIVER_SECRETS_FILE": str(state_dir / "receiver-secrets"),
        "SHOP_API_URL": f"http://{HOST}:{ports.api}",
        "SHOP_CHECKOUT_URL": f"http://{HOST}:{ports.checkout}",
        "SHOP_DASHBOARD_URL": f"http://{HOST}:{ports.dashboard}",
        "METRICS_PORT": str(ports.metrics),
        "MAIL_PORT": str(ports.mail),
        "MAIL_SMTP_PORT": str(ports.mail_smtp),
    }
    mail = _catcher(ports) if catches_mail and not os.environ.get("SMTP_HOST") else {}
    return {**behaviour, **mail, **os.environ, **places, **overrides}


def _catcher(ports: Ports) -> dict[str, str]:
    """Name the mail catcher as the mail server, unless the user names one."""
    return {
        "SMTP_HOST": HOST,
        "SMTP_PORT": str(ports.mail_smtp),
        "SMTP_SECURITY": "none",
        "MAIL_FROM": "Clearway <no-reply@clearway.test>",
        "ALERT_EMAIL_TO": "operator@example.test",
    }


def answers(url: str) -> Probe:
    """Ready when a GET gets any answer that is not a server error."""

    async def probe(_child: Child) -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=5, verify=NO_TLS) as client:
                return (await client.get(url)).status_code < httpx.codes.INTERNAL_SERVER_ERROR
        except httpx.TransportError:
            return False

    return probe


def polls(client: Client) -> Probe:
    """Ready when this worker has asked the payments queue for work; others beside it, and the dead, don't count."""

    async def probe(child: Child) -> bool:
        request = DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=QUEUE_PAYMENTS),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        age_s = time.monotonic() - child.started_at
        started = datetime.now(UTC).timestamp() - age_s
        try:
            described = await client.workflow_service.describe_task_queue(request)
        except RPCError:
            return False
        return any(
            f"-{child.pid}@" in poller.identity and poller.last_access_time.ToNanoseconds() / 1e9 >= started
            for poller in described.pollers
        )

    return probe


def program(name: str, ports: Ports, temporal: Client) -> Program:
    """The program of that name, listening on its port of `ports`. `api-2` is a second process of `api`."""
    api, simulator, receiver = (f"http://{HOST}:{port}" for port in (ports.api, ports.simulator, ports.receiver))
    uvicorn = ["-m", "uvicorn", "--factory", "api.app:create_app", "--host", HOST, "--port", str(ports.api)]
    dashboard = f"http://{HOST}:{ports.dashboard}"
    pages = [
        "-m",
        "uvicorn",
        "--factory",
        "api.dashboard.app:create_app",
        "--host",
        HOST,
        "--port",
        str(ports.dashboard),
    ]
    checkout = f"http://{HOST}:{ports.checkout}"
    hosted = ["-m", "uvicorn", "--factory", "api.hosted.app:create_app", "--host", HOST, "--port", str(ports.checkout)]
    sockets = ["--ws", "websockets-sansio", "--ws-per-message-deflate", "false"]
    limits = [*sockets, "--no-access-log", "--no-proxy-headers", "--timeout-graceful-shutdown", "10"]
    programs = (
        Program(
            "simulator",
            ["-m", "clearway.simulator"],
            answers(f"{simulator}/health"),
            f"gateway simulator on {simulator}",
        ),
        Program("api", [*uvicorn, *limits], answers(f"{api}/health"), f"API on {api}"),
        Program(
            "mail",
            ["-m", "clearway.dev.mail_catcher"],
            answers(f"http://{HOST}:{ports.mail}/health"),
            f"mail catcher on http://{HOST}:{ports.mail}",
        ),
        Program("dashboard", [*pages, *limits], answers(f"{dashboard}/health"), f"dashboard on {dashboard}"),
        Program("checkout", [*hosted, *limits], answers(f"{checkout}/health"), f"checkout on {checkout}"),
        Program("worker", [str(PROJECT_ROOT / "worker.py")], polls(temporal), "worker asks for work"),
        Program(
            "receiver",
            ["-m", "clearway.sample_merchant.receiver"],
            answers(f"{receiver}/received"),
            f"sample merchant on {receiver}",
        ),
    )
    chosen = next(program for program in programs if program.name == name.partition("-")[0])
    return replace(chosen, name=name)
