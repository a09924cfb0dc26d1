"""Holds the rule that unit tests need no server: none may ask for Postgres or Temporal, or start or reach one."""

from __future__ import annotations

import sys
from typing import Any, Final, NoReturn

import pytest

MOVE_IT: Final = "a unit test needs no server: move it to tests/services"
SERVERS: Final = ("postgres", "temporal", "temporal-test-server", "initdb")
POSTGRES_SOCKET: Final = ".s.PGSQL."
POSTGRES_PORT: Final = 5432

_guarding: list[bool] = []


@pytest.fixture(scope="session")
def databases() -> NoReturn:
    """Fail every unit test that requests Postgres."""
    pytest.fail(MOVE_IT)


@pytest.fixture(scope="session")
def time_skipping() -> NoReturn:
    """Fail every unit test that requests Temporal."""
    pytest.fail(MOVE_IT)


@pytest.fixture(autouse=True)
def _no_servers(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Refuse servers that are started or reached without a fixture."""
    monkeypatch.setattr("temporalio.service.ServiceClient.connect", _refuse_temporal)
    _guarding.append(True)
    yield
    _guarding.clear()


def _refuse_temporal(*_: Any, **__: Any) -> NoReturn:
    raise AssertionError(f"Temporal was called: {MOVE_IT}")


def _refuse_servers(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hooks stay for good, so this one only acts during a unit test."""
    if not _guarding:
        return
    if event == "socket.connect" and _is_postgres(arguments[1]):
        raise AssertionError(f"Postgres was called: {MOVE_IT}")
    if event == "subprocess.Popen" and any(str(part).rpartition("/")[2] in SERVERS for part in arguments[1]):
        raise AssertionError(f"{arguments[0]} was started: {MOVE_IT}")


def _is_postgres(address: Any) -> bool:
    if isinstance(address, tuple):
        return address[1] == POSTGRES_PORT
    return POSTGRES_SOCKET in str(address)


sys.addaudithook(_refuse_servers)
