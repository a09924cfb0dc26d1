"""What this machine has, and what it lacks, for `clearway dev` and `make test`.

It only looks: it starts and fetches nothing. Each finding says what was found and, when that is not enough, the way
out.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from clearway.dev import toolchain
from clearway.dev.errors import StackError
from clearway.dev.places import cache_dir
from clearway.dev.ports import Ports, is_free, variable
from clearway.dev.postgres import installed_server
from clearway.dev.state_folder import shown
from clearway.local_stack import PROJECT_ROOT, read_description, state_dir
from clearway.settings import Settings

SPACE_NEEDED_BYTES: Final = 2 * 1024**3
"""A first build of the Temporal CLI takes that much in Go's caches."""


class Verdict(StrEnum):
    """`optional`: something else takes its place. `missing`: `make dev` or `make test` will not work."""

    OK = "ok"
    OPTIONAL = "optional"
    MISSING = "missing"


@dataclass(frozen=True)
class Finding:
    """One line of the report. `way_out` is empty when nothing needs to be done."""

    subject: str
    verdict: Verdict
    found: str
    way_out: str = ""

    def as_json(self) -> Mapping[str, str]:
        """For `clearway doctor --json`."""
        return asdict(self)


def report() -> list[Finding]:
    """Every finding, in the order a start meets them. A check that breaks is a finding too."""
    checks: tuple[Callable[[], list[Finding]], ...] = (
        _python,
        _tools,
        _temporal,
        _test_server,
        _postgres,
        _settings,
        _state,
        _ports,
        _space,
    )
    return [finding for check in checks for finding in check()]


def _python() -> list[Finding]:
    fits = (3, 11) <= sys.version_info[:2] < (3, 14)
    found = f"{platform.python_version()} at {sys.executable}"
    way_out = "" if fits else "Clearway runs on Python 3.11 to 3.13."
    return [Finding("Python", Verdict.OK if fits else Verdict.MISSING, found, way_out)]


def _tools() -> list[Finding]:
    """Programs that are used when they are there, and replaced by wheels when they are not."""
    replaced = {
        "uv": (["uv", "--version"], "scripts/bootstrap gets it from the package index."),
        "go": (["go", "version"], "Only needed to build the Temporal CLI; its toolchain then comes from a wheel."),
        "java": (["java", "-version"], "Only needed by the test server; its runtime then comes from a wheel."),
        "mvn": (["mvn", "-v"], "Only needed to fetch the test server; its jars then come through a wheel."),
    }
    findings = []
    for name, (command, way_out) in replaced.items():
        version = _first_line(command)
        verdict = Verdict.OK if version else Verdict.OPTIONAL
        findings.append(Finding(name, verdict, version or "not on PATH", "" if version else way_out))
    return findings


def _temporal() -> list[Finding]:
    if address := os.environ.get("TEMPORAL_ADDRESS"):
        return [Finding("Temporal", Verdict.OK, f"TEMPORAL_ADDRESS is {address}; none is started")]
    way_out = "`make servers` downloads it, or builds it from pinned sources (about 6 minutes, once)."
    return [_present("Temporal CLI", toolchain.present_cli(), way_out)]


def _test_server() -> list[Finding]:
    way_out = "`make servers` gets it; only the tests need it."
    return [_present("test server", toolchain.present_test_server(), way_out)]


def _present(subject: str, path: Path | None, way_out: str) -> Finding:
    if path is None:
        return Finding(subject, Verdict.OPTIONAL, f"not on PATH and not in {cache_dir()}", way_out)
    return Finding(subject, Verdict.OK, str(path))


def _postgres() -> list[Finding]:
    if os.environ.get("DATABASE_URL"):
        return [Finding("PostgreSQL", Verdict.OK, "DATABASE_URL is set; none is started")]
    try:
        module = Path(sys.modules[installed_server().__module__].__file__ or "")
    except StackError as error:
        return [Finding("PostgreSQL", Verdict.MISSING, "no embedded PostgreSQL", str(error))]
    return [Finding("PostgreSQL", Verdict.OK, f"embedded, from {module.parent}")]


def _settings() -> list[Finding]:
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])).upper() or "settings"
        return [
            Finding("settings", Verdict.MISSING, f"{name}: {first['msg']}", "Correct it in the environment or .env.")
        ]
    findings = [Finding("settings", Verdict.OK, f"CLEARWAY_ENV is {settings.clearway_env}")]
    if settings.is_production:
        way_out = "Unset CLEARWAY_ENV here: the development stack uses published secrets."
        findings = [Finding("settings", Verdict.MISSING, "CLEARWAY_ENV is production", way_out)]
    return findings


def _state() -> list[Finding]:
    folder = state_dir()
    running = read_description(folder)
    if running:
        return [Finding("stack", Verdict.OK, f"runs (process {running['pid']}), API on {running['api_url']}")]
    parent = folder if folder.exists() else folder.parent
    if not os.access(parent, os.W_OK):
        return [Finding("state", Verdict.MISSING, f"{parent} is not writable", "Choose another: CLEARWAY_STATE_DIR.")]
    what = "holds earlier runs" if folder.exists() else "will be made at the first start"
    return [Finding("state", Verdict.OK, f"{shown(folder)} {what}")]


def _ports() -> list[Finding]:
    """Ports that our own running stack holds are as they should be."""
    if read_description(state_dir()):
        return []
    try:
        ports = Ports.from_environment(os.environ)
    except StackError as error:
        return [Finding("ports", Verdict.MISSING, str(error), "Correct the variable.")]
    numbers = {field.name: int(getattr(ports, field.name)) for field in fields(ports)}
    taken = {name: number for name, number in numbers.items() if not is_free(number)}
    if not taken:
        return [Finding("ports", Verdict.OK, ", ".join(map(str, numbers.values())) + " are free")]
    return [
        Finding(
            f"port {number}",
            Verdict.MISSING,
            f"in use ({name})",
            f"Stop that program or set {variable(name)} to another.",
        )
        for name, number in taken.items()
    ]


def _space() -> list[Finding]:
    free = shutil.disk_usage(cache_dir()).free
    found = f"{free / 1024**3:.0f} GB free at {cache_dir()}"
    if free >= SPACE_NEEDED_BYTES or toolchain.present_cli():
        return [Finding("disk", Verdict.OK, found)]
    return [
        Finding("disk", Verdict.MISSING, found, "A first build needs 2 GB; choose a place with CLEARWAY_CACHE_DIR.")
    ]


def _first_line(command: list[str]) -> str:
    """The first line a tool says of its version, or nothing when it is not there or does not run."""
    if command[0] == "uv" and os.environ.get("UV"):
        command = [os.environ["UV"], *command[1:]]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, cwd=PROJECT_ROOT)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""
    lines = (result.stdout or result.stderr).strip().splitlines()
    return lines[0].replace("\x1b[1m", "").replace("\x1b[m", "") if lines else ""
