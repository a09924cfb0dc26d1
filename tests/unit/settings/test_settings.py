"""The settings: what is refused, and that a refusal never repeats a secret."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from clearway.settings import Settings, settings_problem
from workflows import policies

ROOT = Path(__file__).parents[3]
SECRETS = {"DATABASE_URL": "postgresql://app:hunter2-password@db/x", "TEMPORAL_API_KEY": "tmprl-hunter2-key"}


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_an_address_is_taken_as_managed_services_hand_it_out(scheme: str) -> None:
    """Every usual form of a PostgreSQL address comes to the one driver there is."""
    settings = Settings(_env_file=None, database_url=f"{scheme}://user@host:5432/clearway")

    assert settings.database_url == "postgresql+asyncpg://user@host:5432/clearway"


@pytest.mark.parametrize("address", ["nonsense", "mysql://user@host/x", ""])
def test_another_database_is_refused_with_the_form_that_is_meant(address: str) -> None:
    """What is no PostgreSQL address is refused with one that would do."""
    with pytest.raises(ValidationError) as refused:
        Settings(_env_file=None, database_url=address)

    assert "write postgresql://" in settings_problem(refused.value)


def test_production_refuses_every_default_secret_by_name() -> None:
    """A published secret is refused in production, and the refusal names each variable and the way out."""
    with pytest.raises(ValidationError) as refused:
        Settings(_env_file=None, clearway_env="production")

    told = settings_problem(refused.value)
    assert all(
        name in told for name in ("SECRET_KEYS", "API_KEY_PEPPERS", "SIMULATOR_WEBHOOK_SECRET", "clearway secrets")
    )


@pytest.mark.parametrize("program", [["worker.py"], ["-c", "from api.app import create_app; create_app()"]])
def test_a_program_that_refuses_its_settings_prints_no_secret(program: list[str]) -> None:
    """No value of a setting is in the output of a misconfigured program."""
    environment = {**os.environ, **SECRETS, "CLEARWAY_ENV": "production"}
    ended = subprocess.run(  # noqa: S603 - our own programs
        [sys.executable, *program], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert ended.returncode != 0
    assert "SECRET_KEYS" in ended.stderr
    assert "hunter2" not in ended.stdout + ended.stderr


def test_a_worker_that_refuses_its_settings_says_so_in_one_line() -> None:
    """An operator reads one line, not a traceback."""
    environment = {**os.environ, "DATABASE_URL": "nonsense"}
    ended = subprocess.run(
        [sys.executable, "worker.py"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith("worker: ")
    assert len(ended.stderr.splitlines()) == 1


def test_a_connector_gives_up_before_its_workflow_does() -> None:
    """A call that a workflow gives up is unknown, whatever its gateway says afterwards."""
    most = (policies.GATEWAY_CALL_TIMEOUT - timedelta(seconds=1)).total_seconds()
    with pytest.raises(ValidationError):
        Settings(_env_file=None, gateway_timeout_s=most)
