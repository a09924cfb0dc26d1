"""The ports of one stack: the usual ones, chosen ones, or free ones for tests; and who holds a port that we need."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final, Self

from clearway.dev.errors import PortInUseError, StackError

HOST: Final = "127.0.0.1"
HIGHEST_PORT: Final = 65_535
OWN_PORTS: Final = range(15_000, 32_000)
"""Where free ports are chosen: below those that systems give to outgoing connections and to servers that name none,
which may take one between the moment it is found free and the start of its service."""
PORTS_TRIED: Final = 200
OWN_PORT: Final[Mapping[str, str]] = {"api": "api", "worker": "metrics"}
"""The services that may run as several processes, and the port that each of these needs for itself."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Each field is chosen by the environment variable of its name in upper case and `_PORT`: `API_PORT=8001`."""

    api: int = 8000
    dashboard: int = 3000
    mail: int = 8025
    mail_smtp: int = 1025
    checkout: int = 3001
    temporal: int = 7233
    temporal_ui: int = 8233
    simulator: int = 4010
    receiver: int = 4000
    metrics: int = 9464

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The usual ports, with what the environment chooses."""
        chosen: dict[str, int] = {}
        for field in fields(cls):
            name = variable(field.name)
            if text := environment.get(name, "").strip():
                chosen[field.name] = _checked(name, text)
        ports = cls(**chosen)
        ports._require_distinct()
        return ports

    def _require_distinct(self) -> None:
        taken: dict[int, str] = {}
        for field in fields(self):
            number, name = int(getattr(self, field.name)), variable(field.name)
            if number in taken:
                raise StackError(f"{name} and {taken[number]} are both {number}: give each a port of its own.")
            taken[number] = name

    @classmethod
    def free(cls) -> Self:
        """Ports that nobody holds at this moment, for stacks beside each other."""
        with contextlib.ExitStack() as held:
            numbers = {}
            for field in fields(cls):
                numbers[field.name] = _held(held)
        return cls(**numbers)

    @staticmethod
    def free_numbers(count: int) -> list[int]:
        """Further ports that nobody holds at this moment."""
        with contextlib.ExitStack() as held:
            return [_held(held) for _ in range(count)]

    def of_process(self, name: str, number: int) -> Self:
        """The ports of a further process of a service: `api-2` and `worker-2` have one of their own, `number`."""
        return replace(self, **{OWN_PORT[name.partition("-")[0]]: number})

    def require_free(self, names: Iterable[str]) -> None:
        """Raise PortInUseError for the first port that another program holds."""
        for name in names:
            number = int(getattr(self, name))
            if not is_free(number):
                example = f"{variable(name)}={_next_free(number)} make dev"
                raise PortInUseError(
                    f"Port {number} ({name.replace('_', ' ')}) is in use{_holder(number)}: "
                    f"stop that program, or choose another port, for example: {example}"
                )


def _held(stack: contextlib.ExitStack) -> int:
    probe = stack.enter_context(socket.socket())
    for number in random.sample(OWN_PORTS, PORTS_TRIED):
        with contextlib.suppress(OSError):
            probe.bind((HOST, number))
            return number
    raise StackError(f"No port was free among {PORTS_TRIED} from {OWN_PORTS.start} to {OWN_PORTS.stop}.")


def variable(name: str) -> str:
    """The environment variable that chooses a port."""
    return f"{name.upper()}_PORT"


def is_free(number: int) -> bool:
    """Whether we could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, number))
        except OSError:
            return False
    return True


def _checked(name: str, text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= HIGHEST_PORT:
        raise StackError(f"{name}={text} is not a port: give a number from 1 to {HIGHEST_PORT}.")
    return int(text)


def _next_free(number: int) -> int:
    return next((port for port in range(number + 1, min(number + 100, HIGHEST_PORT)) if is_free(port)), number + 1)


def _holder(number: int) -> str:
    """` by python (process 123)`, where the system lets us see it."""
    with contextlib.suppress(Exception):  # only decoration: any failure means that we can't tell
        import psutil  # noqa: PLC0415 - of the dev group

        for connection in psutil.net_connections("tcp"):
            local = connection.laddr
            if connection.status == psutil.CONN_LISTEN and local and local.port == number and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""
