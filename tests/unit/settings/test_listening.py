"""Where a program may listen while its secrets are published ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clearway.listening import require_private
from clearway.settings import Settings, SettingsError

ROOT = Path(__file__).parents[3]
PROGRAM = ["-c", "from clearway.cli import main; main()"]
REACHABLE = ["0.0.0.0", "::", "", "192.0.2.7", "2001:db8::7"]  # noqa: S104 - refused


@pytest.mark.parametrize("environment", ["development", "test"])
@pytest.mark.parametrize("host", REACHABLE)
def test_a_development_environment_refuses_the_network(host: str, environment: str) -> None:
    """Published secrets are served to this machine only; the refusal names the setting, the reason and the way out."""
    with pytest.raises(SettingsError) as refused:
        require_private(host, "API_HOST", Settings(_env_file=None, clearway_env=environment))

    said = str(refused.value)
    assert said.startswith(f"API_HOST={host} can be reached over the network")
    assert all(words in said for words in ("published", "CLEARWAY_ENV=production", "ALLOW_NETWORK_IN_DEVELOPMENT=true"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_is_always_served(host: str) -> None:
    """A loopback address needs no permission."""
    require_private(host, "API_HOST", Settings(_env_file=None))


@pytest.mark.parametrize("host", REACHABLE)
def test_an_operator_may_lift_it(host: str) -> None:
    """One explicit setting allows it, as compose needs."""
    require_private(host, "API_HOST", Settings(_env_file=None, allow_network_in_development=True))


@pytest.mark.parametrize("host", REACHABLE)
def test_production_listens_anywhere(host: str) -> None:
    """Production has secrets of its own, so it asks for no permission."""
    secrets = {
        "secret_keys": "own:" + "A" * 43 + "=",
        "api_key_peppers": "own:pepper",
        "simulator_webhook_secret": "whsec_own",
    }

    require_private(host, "API_HOST", Settings(_env_file=None, clearway_env="production", **secrets))


@pytest.mark.parametrize(
    ("program", "host"),
    [
        ([*PROGRAM, "api"], "API_HOST"),
        ([*PROGRAM, "api"], "METRICS_HOST"),
        ([*PROGRAM, "dashboard"], "DASHBOARD_HOST"),
        ([*PROGRAM, "checkout"], "CHECKOUT_HOST"),
        ([*PROGRAM, "worker"], "METRICS_HOST"),
        (["worker.py"], "METRICS_HOST"),
        ([*PROGRAM, "simulator"], "SIMULATOR_HOST"),
    ],
)
def test_every_program_asks_before_it_listens(program: list[str], host: str, tmp_path: Path) -> None:
    """A development program that would be reached over the network does not start, and names the setting."""
    environment = {**os.environ, "METRICS_PORT": "1", "API_METRICS_PORT": "2", host: "0.0.0.0"}  # noqa: S104 - refused
    environment["SIMULATOR_STATE"] = str(tmp_path / "simulator.sqlite3")
    ended = subprocess.run(  # noqa: S603 - our own programs
        [sys.executable, *program], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert ended.returncode != 0
    assert f"{host}=0.0.0.0 can be reached over the network" in ended.stderr
