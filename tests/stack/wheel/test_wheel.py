"""The wheel: it holds what runs and nothing else, and runs where only its declared dependencies are installed."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
TOP_LEVEL: Final = ("api", "workflows", "activities", "clearway", "worker")
ELSEWHERE: Final = ("tests", "scripts", "docs", "deploy", "schemas", "tools", "web")

IMPORT_EVERYTHING: Final = """
import importlib, pkgutil, sys
names = sys.argv[1:]
for name in names:
    module = importlib.import_module(name)
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), f"{name}."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
            names.append(found.name)
print(len(names), importlib.import_module("clearway").__file__)
"""


def _run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    """Run a command to its end; its output, or a failure that shows it."""
    done = subprocess.run(  # noqa: S603 - our own words
        command,
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", ""), **_uv_environment(), **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def _uv() -> str:
    return os.environ.get("UV") or shutil.which("uv") or "uv"


def _uv_environment() -> dict[str, str]:
    """Keep the machine's own configuration of uv, and never fetch an interpreter."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_", "SSL_", "XDG_"))}
    kept.pop("UV_PROJECT_ENVIRONMENT", None)
    return {**kept, "UV_PYTHON_DOWNLOADS": "never", "UV_PYTHON": sys.executable}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(_uv(), "build", "--quiet", "--wheel", "--out-dir", folder)
    (built,) = folder.glob("clearway-*.whl")
    return built


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel and its locked dependencies into an environment of their own; return where it is."""
    folder = tmp_path_factory.mktemp("clean")
    requirements = folder / "requirements.txt"
    exported = _run(_uv(), "export", "--quiet", "--locked", "--no-dev", "--no-emit-project", "--no-header")
    requirements.write_text(exported, encoding="utf-8")
    _run(_uv(), "venv", "--quiet", folder / "venv")
    python = folder / "venv/bin/python"
    _run(_uv(), "pip", "install", "--quiet", "--python", python, "--requirements", requirements, UV_PYTHON=str(python))
    _run(_uv(), "pip", "install", "--quiet", "--python", python, "--no-deps", wheel, UV_PYTHON=str(python))
    return folder


def test_wheel_holds_what_runs(wheel: Path) -> None:
    """Every package, the migrations, the worker and Alembic's configuration are in it; tests and `dev` are not."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in ("api", "workflows", "activities", "clearway", "migrations")
        for path in (ROOT / package).rglob("*.py")
        if not path.is_relative_to(ROOT / "clearway/dev")
    }

    assert expected | {"worker.py", "alembic.ini", "migrations/script.py.mako", "clearway/py.typed"} <= names
    assert {f"api/reference/assets/{path.name}" for path in (ROOT / "api/reference/assets").iterdir()} <= names
    pages = {name.removeprefix("api/dashboard/static/") for name in names if name.startswith("api/dashboard/static/")}
    assert {"index.html", "favicon.svg", "theme.js"} <= pages
    assert [name for name in pages if name.startswith("assets/") and name.endswith(".js")]
    assert not [name for name in names if name.startswith((*ELSEWHERE, "clearway/dev/"))]


def test_wheel_holds_every_file_that_programs_read(wheel: Path) -> None:
    """Texts, word lists, templates and scripts of the packages and of the checkout are in it, as git has them."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    kept = _run("git", "ls-files", "api", "workflows", "activities", "clearway", "migrations", "web/checkout").split()
    read = {
        name.replace("web/checkout/", "api/hosted/web/", 1)
        for name in kept
        if not name.startswith("clearway/dev/") and not name.endswith((".md", ".gitignore"))
    }
    assert {"api/hosted/web/locales/en.json", "api/hosted/sdk/versions.json"} <= read
    assert read - names == set()


def test_wheel_imports_in_a_clean_environment(clean: Path) -> None:
    """Every module can be imported where only the wheel and its declared dependencies are."""
    printed = _run(clean / "venv/bin/python", "-I", "-c", IMPORT_EVERYTHING, *TOP_LEVEL, cwd=clean)
    count, place = printed.split()

    assert int(count) > 100
    assert Path(place).is_relative_to(clean)


@pytest.mark.parametrize("command", ["dev", "doctor"])
def test_what_only_a_checkout_does_is_refused_in_one_line(clean: Path, command: str) -> None:
    """`clearway dev` and `clearway doctor` of an installation say that they need a checkout, without a traceback."""
    refused = subprocess.run(  # noqa: S603 - our own words
        [clean / "venv/bin/clearway", command], cwd=clean, check=False, capture_output=True, text=True, timeout=60
    )
    said = " ".join((refused.stdout + refused.stderr).split())
    assert refused.returncode == 1
    assert f"`clearway {command}` is for a checkout" in said
    assert "Traceback" not in said


def test_wheel_brings_the_command(clean: Path) -> None:
    """`clearway` is there and says what it can, and finds the migrations."""
    script = clean / "venv/bin/clearway"

    assert "migrate" in _run(script, "--help", cwd=clean)
    heads = _run(
        clean / "venv/bin/python",
        "-c",
        "from clearway.cli.schema import _config\n"
        "from alembic.script import ScriptDirectory\n"
        "print(ScriptDirectory.from_config(_config()).get_heads())",
        cwd=clean,
    )
    newest = max(path.name.partition("_")[0] for path in (ROOT / "migrations/versions").glob("*.py"))
    assert heads.strip() == f"['{newest}']"


@pytest.mark.parametrize("name", [*TOP_LEVEL, "migrations"])
def test_top_level_names_are_of_this_checkout(name: str) -> None:
    """In the development environment each top-level name is this checkout's: no other package has taken it."""
    module = importlib.import_module(name)
    place = module.__file__ or next(iter(module.__path__))

    assert Path(place).is_relative_to(ROOT)
    assert ".venv" not in Path(place).parts
