"""SQL statements by caller, from the server's own log: the embedded PostgreSQL has no `pg_stat_statements`.

Logging costs CPU, so it is on only around a few payments whose CPU nobody measures. What counts as a statement is one
execution, BEGIN and COMMIT included: each is a message to the server and back.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg

LINE_PREFIX: Final = "@bench [%a] "
SERVER_SETTINGS: Final = {"log_line_prefix": LINE_PREFIX}
"""For the start of the server; `log_statement` is changed while it runs."""
LOGGED: Final = re.compile(
    r"^@bench \[(?P<caller>[^ \]]*)[^\]]*\] LOG:  (?:statement|execute [^:]*): (?P<statement>.*)$"
)
"""caller: what the connection is named, as far as the first blank; version and process follow it."""
MARK: Final = re.compile(r"^@bench \[[^\]]*\] ")
FLUSH: Final = "bench"


@dataclass
class Statements:
    """What was executed: (caller, statement with its white space folded) to how often."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def by_caller(self) -> Counter[str]:
        """Return the number of statements of each caller."""
        found: Counter[str] = Counter()
        for (caller, _), count in self.counts.items():
            found[caller] += count
        return found


def read_log(lines: Iterable[str]) -> Statements:
    """Read statements from the server's log. A statement of several lines goes on until the next marked line."""
    found = Statements()
    caller, parts = "", list[str]()

    def finish() -> None:
        if caller and caller != FLUSH:
            found.counts[caller, " ".join(" ".join(parts).split())] += 1

    for line in lines:
        if match := LOGGED.match(line):
            finish()
            caller, parts = match["caller"], [match["statement"]]
        elif MARK.match(line):
            finish()
            caller, parts = "", []
        else:
            parts.append(line)
    finish()
    return found


@asynccontextmanager
async def logged(dsn: str, log: Path) -> AsyncIterator[Statements]:
    """Log every statement while the block runs; what it yields is filled in when the block ends."""
    found = Statements()
    connection = await asyncpg.connect(dsn, server_settings={"application_name": FLUSH})
    try:
        await _switch(connection, "all")
        offset = _size(log)
        try:
            yield found
        finally:
            await _switch(connection, "none")
        found.counts = read_log(_lines_from(log, offset)).counts
    finally:
        await connection.close()


def _size(log: Path) -> int:
    return log.stat().st_size


def _lines_from(log: Path, offset: int) -> list[str]:
    with log.open("rb") as opened:
        opened.seek(offset)
        return opened.read().decode(errors="replace").splitlines()


async def _switch(connection: asyncpg.Connection[asyncpg.Record], value: str) -> None:
    await connection.execute(f"ALTER SYSTEM SET log_statement = '{value}'")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.execute("SELECT pg_sleep(0.3)")  # a session takes the change at its next command
