"""Every command of the compose file exists, and every variable is one its program reads."""

from __future__ import annotations

import dataclasses
import importlib
import os
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.exceptions import TyperException

from clearway.cli.app import app
from clearway.sample_merchant.shop import ShopSettings
from clearway.settings import Settings
from clearway.simulator.settings import SimulatorSettings
from tests.stack.compose import project
from tests.stack.compose.project import ROOT, Service

OURS = [service for service in project.demonstration() if service.is_ours]
CLEARWAY = [service for service in OURS if "entrypoint" not in service.definition]
READ_BY_IMAGES = {
    # the README of the official image, and deploy/postgres/
    "postgres": {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "TEMPORAL_DB_PASSWORD", "CLEARWAY_DB_PASSWORD"},
    # temporal-sql-tool --help
    "temporal-schema": {"SQL_PLUGIN", "SQL_HOST", "SQL_PORT", "SQL_USER", "SQL_PASSWORD"},
    # common/config/config_template_embedded.yaml of temporalio/temporal 1.31.0
    "temporal": {
        "DB",
        "DB_PORT",
        "POSTGRES_SEEDS",
        "POSTGRES_USER",
        "POSTGRES_PWD",
        "NUM_HISTORY_SHARDS",
        "BIND_ON_IP",
        "DYNAMIC_CONFIG_FILE_PATH",
        "PROMETHEUS_ENDPOINT",
        "LOG_LEVEL",
    },
    # temporal --help, and deploy/temporal/set-up-namespace.sh
    "temporal-namespace": {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_RETENTION"},
    # server/config/docker.yaml of temporalio/ui
    "temporal-ui": {
        "TEMPORAL_ADDRESS",
        "TEMPORAL_DEFAULT_NAMESPACE",
        "TEMPORAL_UI_PORT",
        "TEMPORAL_CORS_ORIGINS",
        "TEMPORAL_CSRF_COOKIE_INSECURE",
    },
}
"""What the images that are not ours read. Nothing here asks them; it keeps a misspelt name from being added."""


def _id(service: Service) -> str:
    return service.name


def _parse(arguments: list[str]) -> str:
    """Parse a command line as `clearway` does, down to the values of its options; run nothing."""
    group: Any = typer.main.get_command(app)
    name, rest = arguments[0], arguments[1:]
    context = group.commands[name].make_context(name, rest)
    return str(context.info_name)


def _fields(*models: type[Any]) -> set[str]:
    return {name.upper() for model in models for name in model.model_fields}


@pytest.mark.parametrize("service", CLEARWAY, ids=_id)
def test_commands_exist(service: Service) -> None:
    """Each Clearway service runs a command that `clearway` has, with valid options and values."""
    assert _parse(service.command) == service.command[0]


@pytest.mark.parametrize("arguments", [["serve"], ["api", "--processes", "1"], ["worker", "--processes", "none"]])
def test_commands_that_do_not_exist_are_found(arguments: list[str]) -> None:
    """A wrong name, option or value type would be found."""
    with pytest.raises((KeyError, TyperException)):
        _parse(arguments)


def test_the_sample_merchant_is_importable() -> None:
    """The application that uvicorn serves exists, and needs no arguments."""
    merchant = next(service for service in OURS if service.name == "sample-merchant")
    module, _, factory = merchant.command[1].partition(":")

    assert merchant.definition["entrypoint"] == ["python", "-m", "uvicorn"]
    assert merchant.command[0] == "--factory"
    assert getattr(importlib.import_module(module), factory)()


@pytest.mark.parametrize("service", OURS, ids=_id)
def test_variables_are_settings(service: Service) -> None:
    """Every variable of a Clearway program is one of its settings: a misspelt one would be ignored silently."""
    models = (SimulatorSettings,) if service.name == "simulator" else (Settings,)
    of_the_shop = {f"SHOP_{field.name.upper()}" for field in dataclasses.fields(ShopSettings)}

    assert set(service.environment) <= (of_the_shop if service.name == "sample-merchant" else _fields(*models))


@pytest.mark.parametrize("service", [s for s in project.demonstration() if not s.is_ours], ids=_id)
def test_variables_of_other_images_are_known(service: Service) -> None:
    """Every variable of another image is on the list of those it reads."""
    assert set(service.environment) == READ_BY_IMAGES[service.name]


@pytest.mark.parametrize("service", CLEARWAY, ids=_id)
def test_the_demonstration_is_accepted(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings take every value of the demonstration."""
    _only(monkeypatch, service.environment)
    if service.name == "simulator":
        settled = SimulatorSettings(_env_file=None)
        assert settled.forced_outcome is None
        assert settled.forced_delay_s is None
    else:
        assert not Settings(_env_file=None).is_production


def test_production_accepts_secrets_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """With fresh secrets the same file makes production settings, which take no test card."""
    fresh = {
        "SECRET_KEYS": "k1:" + "QQ" * 21 + "Q=",
        "API_KEY_PEPPERS": "p:p",
        "SIMULATOR_WEBHOOK_SECRET": "whsec_QQ==",
    }
    passwords = {"POSTGRES_PASSWORD": "a", "TEMPORAL_DB_PASSWORD": "b", "CLEARWAY_DB_PASSWORD": "c"}
    api = next(service for service in project.services(fresh | passwords) if service.name == "api")
    _only(monkeypatch, api.environment)
    settled = Settings(_env_file=None)

    assert settled.is_production
    assert settled.database_url == "postgresql+asyncpg://clearway_app:c@postgres:5432/clearway"


def test_production_refuses_the_secrets_of_the_demonstration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Production with a secret of the demonstration is refused, and the refusal names the variable."""
    published = project.env_file("demo.env") | {"CLEARWAY_ENV": "production"}
    api = next(service for service in project.services(published) if service.name == "api")
    _only(monkeypatch, api.environment)

    with pytest.raises(ValueError, match="SECRET_KEYS, API_KEY_PEPPERS, SIMULATOR_WEBHOOK_SECRET"):
        Settings(_env_file=None)


def test_the_example_names_what_the_file_reads() -> None:
    """Every variable of the example and of the demonstration is read, and every secret is in both."""
    read = {found["name"] for found in project.variables(project.raw())}
    required = {found["name"] for found in project.variables(project.raw()) if found["kind"] == ":?"}
    example, demonstration = project.env_file("compose.env.example"), project.env_file("demo.env")

    assert set(example) <= read
    assert set(demonstration) <= read
    assert required <= set(example) & set(demonstration)
    assert all(example[name] == "" for name in required)


def test_the_example_states_the_defaults() -> None:
    """What the example calls a default is what the file has."""
    defaults = {found["name"]: found["rest"] for found in project.variables(project.raw()) if found["kind"] == ":-"}
    own = {"API_PUBLIC_URL", "CHECKOUT_URL", "DASHBOARD_URL", "SIMULATOR_PUBLIC_URL"}
    example = {name: value for name, value in project.env_file("compose.env.example").items() if value}

    assert {name: value for name, value in example.items() if name not in own} == {
        name: defaults[name] for name in example if name not in own
    }


@pytest.mark.parametrize("service", [s for s in project.demonstration() if s.command[:1] == ["sh"]], ids=_id)
def test_scripts_are_mounted(service: Service) -> None:
    """A script that a service runs is in the folder that is mounted there."""
    (mount,) = service.definition["volumes"]
    source, target, _ = mount.split(":")
    script = ROOT / source / Path(service.command[1]).relative_to(target)

    assert script.is_file()
    assert os.access(script, os.X_OK)


def test_what_the_commands_in_comments_name_exists() -> None:
    """The command lines at the top of the file name files, profiles and services that are there."""
    lines = [line[1:].strip() for line in project.FILE.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    commands = [shlex.split(line.partition(": ")[2] or line) for line in lines if "docker compose" in line]
    names = {service.name for service in project.demonstration()}

    assert len(commands) == 3
    for words in commands:
        for option, value in pairwise(words):
            assert option != "--env-file" or (ROOT / value).is_file()
            assert option != "--profile" or value == "demo"
            assert option != "--scale" or value.split("=")[0] in names


def _only(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    """Leave nothing in the environment but what a container would have of our settings."""
    for name in _fields(Settings, SimulatorSettings):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
