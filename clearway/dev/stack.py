"""The whole development stack: what is started, in which order, where it listens, and how it ends.

`clearway.dev.foreground` runs one for `clearway dev`, end-to-end tests run their own. State lives under one folder and
is kept, so a payment in flight when the stack stops goes on when it starts again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from pydantic import ValidationError
from temporalio.client import Client
from temporalio.service import RPCError

from clearway.dev import dashboard_build, services, stand_ins, temporal_config, toolchain
from clearway.dev.child import Child
from clearway.dev.errors import StackError
from clearway.dev.ports import HOST, OWN_PORT, Ports
from clearway.dev.postgres import APPLICATION_ROLE, DATABASE, EmbeddedPostgres
from clearway.dev.postgres import SETTINGS as POSTGRES_SETTINGS
from clearway.dev.reporting import Reporter, SilentReporter, reporter_for_stdout
from clearway.dev.server_build import ServerBinaries
from clearway.dev.services import Service
from clearway.dev.state_folder import StateFolder, shown
from clearway.dev.supervision import Supervisor
from clearway.dev.temporal import NAMESPACE, DevServer, DevServerOptions
from clearway.dev.temporal_server import TemporalServer, TemporalServerOptions
from clearway.durable.client import DATA_CONVERTER, connect
from clearway.durable.search_attributes import ensure_search_attributes
from clearway.sample_merchant import receiver
from clearway.settings import Settings

TemporalKind = Literal["dev", "postgres"]


@dataclass(frozen=True, kw_only=True)
class StackOptions:
    """One stack. `services` are the programs of ours to run; Postgres and Temporal always are there.

    `database_url` and `temporal_address` point at servers that run already; then none is started.
    `owner_url` is that database as the owner of its tables, if that is another role.
    `further` are more processes of the API and the worker, each with its port: `{"api-2": 8001, "worker-2": 9465}`.
    `env` goes to every program of ours and wins over everything else.
    `stand_ins`: connect the test merchant to the stand-ins of Stripe, PayPal and Square too.
    """

    state_dir: Path
    ports: Ports = field(default_factory=Ports)
    env: Mapping[str, str] = field(default_factory=dict)
    services: frozenset[str] = frozenset(services.CORE)
    further: Mapping[str, int] = field(default_factory=dict)
    database_url: str | None = None
    owner_url: str | None = None
    temporal_address: str | None = None
    temporal_binary: Path | None = None
    temporal_ui: bool = True
    temporal_server: TemporalKind = "dev"
    temporal_shards: int = 16
    postgres_settings: Mapping[str, str] = field(default_factory=dict)
    prepare_database: bool = True
    stand_ins: bool = False
    quiet: bool = True
    reporter: Reporter | None = None


class Stack:
    """A running stack: `async with Stack(options) as stack`."""

    program = staticmethod(services.program)

    def __init__(self, options: StackOptions) -> None:
        self.options = options
        self.state_dir = options.state_dir.resolve()
        self.log_dir = self.state_dir / "logs"
        self.reporter: Reporter = options.reporter or (SilentReporter() if options.quiet else reporter_for_stdout())
        self.gateways: list[str] = []
        """The names of the test merchant's gateways, when they were connected."""
        self.database_url = options.database_url or ""
        self.temporal_address = options.temporal_address or f"{HOST}:{options.ports.temporal}"
        self._postgres = None if options.database_url else self._embedded_postgres()
        self._folder = StateFolder(self.state_dir)
        self._supervisor: Supervisor | None = None
        self._temporal: Client | None = None

    @property
    def api_url(self) -> str:
        """The base of the API, without `/api/v1`."""
        return f"http://{HOST}:{self.options.ports.api}"

    @property
    def dashboard_url(self) -> str:
        """The dashboard, where its service runs."""
        return f"http://{HOST}:{self.options.ports.dashboard}"

    @property
    def simulator_url(self) -> str:
        """The gateway simulator."""
        return f"http://{HOST}:{self.options.ports.simulator}"

    @property
    def receiver_url(self) -> str:
        """The sample merchant."""
        return f"http://{HOST}:{self.options.ports.receiver}"

    @property
    def mail_url(self) -> str:
        """The mail catcher, where its service runs."""
        return f"http://{HOST}:{self.options.ports.mail}"

    @property
    def checkout_url(self) -> str:
        """The hosted checkout."""
        return f"http://{HOST}:{self.options.ports.checkout}"

    @property
    def owner_url(self) -> str:
        """The database as the owner of its tables: for migrations, not for programs."""
        if self._postgres is not None:
            return self._postgres.url
        return self.options.owner_url or self.database_url

    @property
    def temporal_ui_url(self) -> str | None:
        """Temporal's UI, when we run it."""
        return f"http://{HOST}:{self.options.ports.temporal_ui}" if self._runs_ui() else None

    @property
    def temporal(self) -> Client:
        """A client of the stack's Temporal server."""
        assert self._temporal is not None, "the stack has not started"
        return self._temporal

    @property
    def supervisor(self) -> Supervisor:
        """What keeps the processes running."""
        assert self._supervisor is not None, "the stack has not started"
        return self._supervisor

    def process(self, name: str) -> Child:
        """The running process of a service: postgres, temporal, simulator, api, worker or receiver."""
        child = self.supervisor.services[name].child
        assert child is not None, f"{name} does not run"
        return child

    async def start(self, name: str) -> None:
        """Start a service that was stopped or killed, and wait until it is ready."""
        await self.supervisor.start(name)

    async def stop(self, name: str) -> None:
        """Stop a service in order; it stays down."""
        await self.supervisor.stop(name)

    async def kill(self, name: str) -> None:
        """SIGKILL; it stays down until `start`."""
        await self.supervisor.kill(name)

    async def __aenter__(self) -> Self:
        try:
            await self.start_all()
        except BaseException:
            await self.stop_all()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop_all()

    async def start_all(self) -> None:
        """Start everything. After an error or a cancellation, call `stop_all`."""
        self._folder.take()
        self.options.ports.require_free(self._ports_needed())
        for name, number in self.options.further.items():
            self.options.ports.of_process(name, number).require_free([OWN_PORT[name.partition("-")[0]]])
        self._supervisor = Supervisor(self.reporter, self._write_stack_file)
        await self._start_servers()
        await _all_or_first_error(
            self._seed(), self._build_pages(), *(self._start_program(name) for name in self._programs())
        )
        if self.options.stand_ins:
            await self._connect_stand_ins()
        self._write_stack_file()

    async def stop_all(self) -> None:
        """Stop everything in reverse order and let go of the state folder. Does nothing when nothing runs."""
        if self._supervisor is not None:
            self.reporter.begin("stop", "stopping")
            await self._supervisor.stop_all()
            self._supervisor = None
            self._temporal = None
            self.reporter.finish("stop", f"everything stopped; the state is kept in {shown(self.state_dir)}")
        self._folder.release()

    async def kill_all(self) -> None:
        """End everything at once, as a power cut would, and let go of the state folder."""
        if self._supervisor is not None:
            await self._supervisor.kill_all()
            self._supervisor = None
        self._folder.release()

    def api_urls(self) -> list[str]:
        """The base of every API process, without `/api/v1`; the first is `api_url`."""
        further = [number for name, number in self.options.further.items() if name.startswith("api-")]
        return [self.api_url, *(f"http://{HOST}:{number}" for number in further)]

    def _programs(self) -> list[str]:
        return [*(name for name in services.NAMES if name in self.options.services), *self.options.further]

    def _ports_needed(self) -> list[str]:
        own = [] if self.options.temporal_address else ["temporal", *(["temporal_ui"] if self._runs_ui() else [])]
        metrics = ["metrics"] if "worker" in self.options.services else []
        mail = ["mail_smtp"] if "mail" in self.options.services else []
        return [*own, *metrics, *mail, *(name for name in services.NAMES if name in self.options.services - {"worker"})]

    def _embedded_postgres(self) -> EmbeddedPostgres:
        """Room for the connections of the Temporal server, where it is asked for."""
        settings = dict(self.options.postgres_settings)
        if self.options.temporal_server == "postgres":
            connections = int(POSTGRES_SETTINGS["max_connections"]) + temporal_config.CONNECTIONS_MAX
            settings.setdefault("max_connections", str(connections))
        return EmbeddedPostgres(self.state_dir / "postgres", log=self.log_dir / "postgres.log", settings=settings)

    def _runs_ui(self) -> bool:
        options = self.options
        return options.temporal_address is None and options.temporal_ui and options.temporal_server == "dev"

    async def _start_servers(self) -> None:
        """Start both at the same time, unless one keeps its data in the other."""
        if self.options.temporal_address is None and self.options.temporal_server == "postgres":
            binaries = await toolchain.find_server(self.reporter)
            await self._start_database()
            await self._start_temporal(self._temporal_server(binaries))
        else:
            server = None if self.options.temporal_address else await self._dev_server()
            await _all_or_first_error(self._start_database(), self._start_temporal(server))

    async def _dev_server(self) -> DevServer:
        return DevServer(
            DevServerOptions(
                binary=self.options.temporal_binary or await toolchain.find_temporal(self.reporter),
                database=self.state_dir / "temporal" / "temporal.db",
                log=self.log_dir / "temporal.log",
                port=self.options.ports.temporal,
                ui_port=self.options.ports.temporal_ui if self.options.temporal_ui else None,
            )
        )

    def _temporal_server(self, binaries: ServerBinaries) -> TemporalServer:
        if self._postgres is None:
            raise StackError("The Temporal server keeps its data in the stack's own PostgreSQL: unset DATABASE_URL.")
        return TemporalServer(
            TemporalServerOptions(
                binaries=binaries,
                socket_dir=self._postgres.socket_dir,
                folder=self.state_dir / "temporal-server",
                log=self.log_dir / "temporal.log",
                port=self.options.ports.temporal,
                shards=self.options.temporal_shards,
                env=self.options.env,
            )
        )

    async def _start_database(self) -> None:
        if self._postgres is not None:
            await self.supervisor.add("postgres", self._postgres, f"PostgreSQL in {shown(self._postgres.data_dir)}")
            self.database_url = self._postgres.url_of(DATABASE, APPLICATION_ROLE)
        if self.options.prepare_database:
            owner = {"MIGRATIONS_DATABASE_URL": self.owner_url}
            text = "the database has the newest schema"
            await self._step("migrations", ["-m", "clearway.cli", "migrate"], text, **owner)

    async def _seed(self) -> None:
        """Seed while the programs start: none of them needs the test merchant."""
        if not self.options.prepare_database:
            return
        arguments = ["-m", "clearway.db.seed"]
        if "receiver" in self.options.services:
            url = f"{self.receiver_url}{receiver.WEBHOOK_PATH}"
            arguments += ["--receiver-url", url, "--receiver-secret", receiver.DEVELOPMENT_SECRET]
        await self._step("seed", arguments, "the test merchant is there")

    async def _build_pages(self) -> None:
        """Build what the dashboard serves. It starts without its pages, and serves them as soon as they are there."""
        if "dashboard" in self.options.services:
            await dashboard_build.build_pages(self.reporter)

    async def _connect_stand_ins(self) -> None:
        """Connect the gateways. A stack whose test merchant refuses them works all the same."""
        self.reporter.begin("gateways", "connecting")
        try:
            self.gateways = await stand_ins.connect_test_merchant(self.api_url, self.simulator_url)
        except StackError as error:
            self.reporter.fail("gateways", str(error))
        else:
            self.reporter.finish("gateways", f"the test merchant has {', '.join(self.gateways)}")

    async def _step(self, name: str, arguments: list[str], text: str, **more: str) -> None:
        self.reporter.begin(name, "running")
        try:
            await services.run_step(name, arguments, env=self.environment() | more, log_dir=self.log_dir)
        except StackError:
            self.reporter.fail(name, "did not work")
            raise
        self.reporter.finish(name, text)

    async def _start_temporal(self, server: Service | None) -> None:
        if server is None:
            self._temporal = await _connect(self.temporal_address)
            self.reporter.say(f"temporal: using {self.temporal_address} (TEMPORAL_ADDRESS)")
            return
        await self.supervisor.add("temporal", server, f"Temporal on {self.temporal_address}")
        self._temporal = await Client.connect(self.temporal_address, namespace=NAMESPACE, data_converter=DATA_CONVERTER)

    async def _start_program(self, name: str) -> None:
        ports = self.options.ports
        if name in self.options.further:
            ports = ports.of_process(name, self.options.further[name])
        program = self.program(name, ports, self.temporal)
        service = services.python_service(program, env=self.environment(ports), log_dir=self.log_dir)
        await self.supervisor.add(name, service, program.text)

    def environment(self, ports: Ports | None = None) -> dict[str, str]:
        """The environment of the stack's programs, also for commands that a test runs against it."""
        return services.environment(
            ports=ports or self.options.ports,
            database_url=self.database_url,
            temporal=self._temporal_settings(),
            state_dir=self.state_dir,
            overrides=self.options.env,
            catches_mail="mail" in self.options.services,
        )

    def _temporal_settings(self) -> dict[str, str]:
        """Namespace and credentials of the user belong to the user's server, not to ours."""
        if self.options.temporal_address is not None:
            return {"TEMPORAL_ADDRESS": self.temporal_address}
        unused = (
            "TEMPORAL_API_KEY",
            "TEMPORAL_TLS_CA",
            "TEMPORAL_TLS_CERT",
            "TEMPORAL_TLS_KEY",
            "TEMPORAL_TLS_SERVER_NAME",
        )
        ours = {"TEMPORAL_NAMESPACE": NAMESPACE, "TEMPORAL_TLS": "false", **dict.fromkeys(unused, "")}
        return {"TEMPORAL_ADDRESS": self.temporal_address, **ours}

    def _write_stack_file(self) -> None:
        children = {name: service.child for name, service in self.supervisor.services.items()}
        self._folder.write_description(
            {
                "pid": os.getpid(),
                "api_url": self.api_url,
                "dashboard_url": self.dashboard_url,
                "mail_url": self.mail_url,
                "smtp_port": self.options.ports.mail_smtp if "mail" in self.options.services else None,
                "simulator_url": self.simulator_url,
                "receiver_url": self.receiver_url,
                "checkout_url": self.checkout_url,
                "temporal_address": self.temporal_address,
                "temporal_ui_url": self.temporal_ui_url,
                "database_url": self.database_url,
                "owner_url": self.owner_url,
                "metrics_port": self.options.ports.metrics,
                "processes": {name: child.pid for name, child in children.items() if child and child.exit_code is None},
                "written_at": datetime.now(UTC).isoformat(),
            }
        )


async def _all_or_first_error(*steps: Coroutine[Any, Any, None]) -> None:
    """Run steps side by side; the first error ends the others before it is raised."""
    tasks = [asyncio.ensure_future(step) for step in steps]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _connect(address: str) -> Client:
    """A client of a server that others run; it gets the search attributes of our workflows, and nothing else."""
    try:
        settings = Settings().model_copy(update={"temporal_address": address})
        client = await connect(settings)
        await ensure_search_attributes(client)
    except (RPCError, RuntimeError, ValidationError) as error:
        raise StackError(
            f"The Temporal server at {address} (TEMPORAL_ADDRESS) can't be used: {str(error).splitlines()[0]}. "
            "Check it, or unset TEMPORAL_ADDRESS to run one here."
        ) from error
    return client
