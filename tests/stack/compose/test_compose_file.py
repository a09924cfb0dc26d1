"""The compose file: of the right form, complete in itself, pinned, and without a secret that everybody knows."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from clearway.dev.ports import Ports
from clearway.domain import limits
from clearway.listening import require_private
from clearway.sample_merchant.receiver import DEVELOPMENT_SECRET
from clearway.settings import Settings, SettingsError
from clearway.simulator.settings import SimulatorSettings
from tests.stack.compose import project
from tests.stack.compose.project import ROOT, MissingVariableError, Service
from worker import GRACE

SERVICES = project.demonstration()
SECRETS = {
    "POSTGRES_PASSWORD",
    "CLEARWAY_DB_PASSWORD",
    "TEMPORAL_DB_PASSWORD",
    "SECRET_KEYS",
    "API_KEY_PEPPERS",
    "SIMULATOR_WEBHOOK_SECRET",
}
PERMISSION = "ALLOW_NETWORK_IN_DEVELOPMENT"
OF_THE_FILE = {
    "API_HOST",
    "API_PORT",
    "DASHBOARD_HOST",
    "DASHBOARD_PORT",
    "CHECKOUT_HOST",
    "CHECKOUT_PORT",
    "METRICS_HOST",
}
"""Settings that are fixed in the containers: the image sets them, and `ports` says what leaves."""
OF_ANOTHER_TEMPORAL = {
    f"TEMPORAL_{name}" for name in ("API_KEY", "TLS", "TLS_CA", "TLS_CERT", "TLS_KEY", "TLS_SERVER_NAME")
}
"""The file runs a Temporal server of its own."""
FOR_CONTAINERS = {
    "api_metrics_port",
    "database_url",
    "metrics_port",
    "simulator_public_url",
    "simulator_url",
    "temporal_address",
    "temporal_namespace",
    "temporal_ui_url",
}
"""Settings to which the file gives a value of its own."""
HEALTHY, DONE = "service_healthy", "service_completed_successfully"


def _named(name: str) -> Service:
    return next(service for service in SERVICES if service.name == name)


def _id(service: Service) -> str:
    return service.name


def _schema() -> dict[str, Any]:
    vendored = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema: dict[str, Any] = json.loads(vendored.read_text(encoding="utf-8"))
    return schema


def _seconds(duration: str) -> int:
    return int(duration[:-1]) * {"s": 1, "m": 60}[duration[-1]]


def test_file_is_of_the_compose_specification() -> None:
    """The file is valid by the schema of the compose specification."""
    errors = [
        f"{error.json_path}: {error.message}" for error in Draft202012Validator(_schema()).iter_errors(project.raw())
    ]

    assert errors == []


def test_the_schema_would_say_no() -> None:
    """An unknown key, a port without a number and a dependency without a condition are found by the schema."""
    for wrong in ({"imagine": "a"}, {"image": "a", "ports": [{}, True]}, {"depends_on": {"b": {"condition": "soon"}}}):
        assert list(Draft202012Validator(_schema()).iter_errors({"services": {"a": wrong}}))


def test_every_part_is_there() -> None:
    """The whole of Clearway and what it needs is in the file."""
    assert {service.name for service in SERVICES} >= {
        "postgres",
        "temporal",
        "temporal-ui",
        "temporal-schema",
        "temporal-namespace",
        "migrate",
        "api",
        "worker",
        "simulator",
        "sample-merchant",
        "seed",
    }


@pytest.mark.parametrize("service", SERVICES, ids=_id)
def test_images_are_pinned(service: Service) -> None:
    """An image names its version to the last digit, so that the same file starts the same thing next year."""
    _, _, tag = str(service.definition["image"]).partition(":")

    assert tag
    assert "latest" not in tag
    assert len(tag.split("-")[0].split(".")) >= 2


@pytest.mark.parametrize("service", SERVICES, ids=_id)
def test_dependencies_can_be_met(service: Service) -> None:
    """What is waited for exists, says when it is healthy or ends, and needs no profile of its own."""
    for name, condition in service.depends_on.items():
        other = _named(name)
        assert condition in {HEALTHY, DONE}
        assert (condition == DONE) == other.is_one_shot
        assert other.is_one_shot or other.definition.get("healthcheck")
        assert set(other.definition.get("profiles", [])) <= set(service.definition.get("profiles", []))


def test_every_one_shot_is_waited_for() -> None:
    """`up --wait` takes the end of a service for a failure unless another one waits for that end."""
    waited = {name for service in SERVICES for name, condition in service.depends_on.items() if condition == DONE}

    assert {service.name for service in SERVICES if service.is_one_shot} == waited


def test_nothing_waits_in_a_circle() -> None:
    """There is an order in which everything starts."""
    started: set[str] = set()
    for _ in SERVICES:
        started |= {service.name for service in SERVICES if set(service.depends_on) <= started}

    assert started == {service.name for service in SERVICES}


def test_programs_start_on_a_ready_ground() -> None:
    """No Clearway program starts before the schema is migrated and the namespace exists."""
    for name in ("api", "worker"):
        assert _named(name).depends_on == {"migrate": DONE, "temporal-namespace": DONE}
    assert _named("seed").depends_on == {"migrate": DONE}


@pytest.mark.parametrize("service", SERVICES, ids=_id)
def test_what_is_named_exists(service: Service) -> None:
    """Networks and volumes are declared, and what is mounted from the checkout is there, read-only."""
    declared = project.raw()
    assert set(service.definition["networks"]) <= set(declared["networks"])
    for mount in service.definition.get("volumes", []):
        source, target, *mode = mount.split(":")
        assert target.startswith("/")
        if source.startswith("."):
            assert (ROOT / source).exists(), source
            assert mode == ["ro"]
        else:
            assert source in declared["volumes"]


def test_nothing_is_declared_in_vain() -> None:
    """Every volume and network is used."""
    used = {mount.split(":")[0] for service in SERVICES for mount in service.definition.get("volumes", [])}
    joined = {network for service in SERVICES for network in service.definition["networks"]}

    assert set(project.raw()["volumes"]) <= used
    assert set(project.raw()["networks"]) == joined


@pytest.mark.parametrize("service", [service for service in SERVICES if service.is_ours], ids=_id)
def test_our_programs_have_no_power(service: Service) -> None:
    """What we build runs without capabilities, on a read-only file system, with an init that reaps and forwards."""
    definition = service.definition

    assert definition["cap_drop"] == ["ALL"]
    assert definition["read_only"] is definition["init"] is True
    assert "no-new-privileges:true" in definition["security_opt"]
    assert "privileged" not in definition
    assert "user" not in definition, "the image has its own, which is nobody"


@pytest.mark.parametrize("service", [service for service in SERVICES if not service.is_one_shot], ids=_id)
def test_what_runs_has_a_health_check(service: Service) -> None:
    """A service that stays up has a health check, its own or the image's, and is started again when it dies."""
    from_image = service.name in {"api", "temporal-ui"}

    assert from_image or service.definition["healthcheck"]["test"][0] == "CMD"
    assert service.definition["restart"] == "unless-stopped"


def test_workers_scale() -> None:
    """Any number of workers runs side by side: no name and no port of the machine is theirs alone."""
    worker = _named("worker").definition

    assert "container_name" not in worker
    assert "ports" not in worker
    assert int(worker["deploy"]["replicas"]) == 2


def test_a_stopping_program_gets_the_time_it_takes() -> None:
    """The worker has longer than it gives what is under way; the API longer than it drains."""
    assert _seconds(_named("worker").definition["stop_grace_period"]) > GRACE.total_seconds()
    assert _seconds(_named("api").definition["stop_grace_period"]) > 10


def test_ports_are_those_of_development() -> None:
    """What one machine serves is found where `make dev` serves it, and only from that machine."""
    published = {
        service.name: port.rsplit(":", 2) for service in SERVICES for port in service.definition.get("ports", [])
    }
    usual = {
        "api": Ports.api,
        "dashboard": Ports.dashboard,
        "checkout": Ports.checkout,
        "simulator": Ports.simulator,
        "sample-merchant": Ports.receiver,
        "temporal-ui": Ports.temporal_ui,
    }

    assert published == {name: ["127.0.0.1", str(port), str(port)] for name, port in usual.items()}
    assert Ports.api == Settings.model_fields["api_port"].default
    assert Ports.dashboard == Settings.model_fields["dashboard_port"].default
    assert Ports.checkout == Settings.model_fields["checkout_port"].default
    assert Ports.simulator == SimulatorSettings.model_fields["simulator_port"].default
    assert _named("worker").environment["METRICS_PORT"] == str(Ports.metrics)


def test_the_database_is_out_of_reach() -> None:
    """Postgres and Temporal are on an inner network alone; nothing of them is published."""
    assert project.raw()["networks"]["data"]["internal"] is True
    for name in ("postgres", "temporal"):
        assert _named(name).definition["networks"] == ["data"]
        assert "ports" not in _named(name).definition
    assert "data" not in _named("sample-merchant").definition["networks"]


def test_no_secret_has_a_default() -> None:
    """A secret that is not set is asked for by name, and is never made up."""
    used = list(project.variables(project.raw()))

    assert {found["name"] for found in used if found["kind"] == ":?"} == SECRETS
    assert all(found["kind"] == ":?" and found["rest"] for found in used if found["name"] in SECRETS)
    for missing in SECRETS:
        with pytest.raises(MissingVariableError, match=missing):
            project.services({name: "x" for name in SECRETS if name != missing})


def test_every_setting_reaches_the_programs() -> None:
    """What an operator writes into `.env` arrives; what is not written has the default that the documents name."""
    settled = project.services(dict.fromkeys(SECRETS, "x"))
    environment: dict[str, str] = {}
    for name in ("dashboard", "worker", "api"):
        environment |= next(service.environment for service in settled if service.name == name)
    fields = {name.upper(): field for name, field in Settings.model_fields.items()}
    unread = set(fields) - set(environment) - OF_THE_FILE - OF_ANOTHER_TEMPORAL - {"MIGRATIONS_DATABASE_URL"}
    assert not unread, f"docker-compose.yml does not hand on {sorted(unread)}"
    chosen = {name.lower(): environment[name] for name in set(fields) & set(environment) - SECRETS}
    read = Settings(_env_file=None, **chosen | {"clearway_env": "development"})
    differing = {name for name in chosen if getattr(read, name) != fields[name.upper()].default}
    assert differing == FOR_CONTAINERS


def test_production_is_the_default() -> None:
    """With secrets alone, the file starts production: no published test merchant, no private webhook targets."""
    settled = project.services(dict.fromkeys(SECRETS, "x"))
    environment = next(service.environment for service in settled if service.name == "api")

    assert environment["CLEARWAY_ENV"] == "production"
    assert environment["WEBHOOK_ALLOWED_NETWORKS"] == ""


@pytest.mark.parametrize("name", ["api", "worker", "simulator"])
def test_the_demonstration_may_listen_in_its_containers(name: str) -> None:
    """The demonstration's programs accept the image's addresses; without the file's permission they would not."""
    environment = _named(name).environment
    permission = {variable.lower(): environment[variable] for variable in ("CLEARWAY_ENV", PERMISSION)}

    require_private("0.0.0.0", "HOST", Settings(_env_file=None, **permission))  # noqa: S104 - what the image says
    with pytest.raises(SettingsError, match=PERMISSION):
        require_private("0.0.0.0", "HOST", Settings(_env_file=None, clearway_env="development"))  # noqa: S104


def test_only_the_demonstration_has_the_sample_merchant() -> None:
    """The test merchant and the sample shop belong to the profile `demo`, and to nothing else."""
    assert {service.name for service in SERVICES if "profiles" in service.definition} == {"seed", "sample-merchant"}
    assert all(service.definition.get("profiles", ["demo"]) == ["demo"] for service in SERVICES)
    assert f"--receiver-secret={DEVELOPMENT_SECRET}" in _named("seed").command


def test_webhooks_of_the_demonstration_reach_one_network_only() -> None:
    """Webhooks may go to one private network: the only one that the worker shares with the sample merchant."""
    environment = project.env_file("demo.env")
    configured = project.filled_in(project.raw()["networks"]["merchants"], environment)

    assert [part["subnet"] for part in configured["ipam"]["config"]] == [environment["WEBHOOK_ALLOWED_NETWORKS"]]
    networks = {name: set(_named(name).definition["networks"]) for name in ("sample-merchant", "worker", "api")}
    assert networks["sample-merchant"] & networks["worker"] == {"merchants"}
    assert "merchants" not in networks["api"]


def test_closed_workflows_can_be_looked_at() -> None:
    """A payment's history is kept for a week or more, and longer than an idempotency key."""
    hours = int(_named("temporal-namespace").environment["TEMPORAL_RETENTION"].removesuffix("h"))

    assert hours >= 7 * 24
    assert hours * 3600 > limits.IDEMPOTENCY_KEY_TTL_S


def test_env_files_stay_out_of_git_and_of_the_image() -> None:
    """The file with the secrets is committed by no one and copied into no image."""
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    dockerignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert ".env" in ignored
    assert dockerignore[1] == "*"
    assert not [line for line in dockerignore if line.startswith("!") and "env" in line]
