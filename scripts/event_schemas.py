"""Writes `schemas/events/*.json`: the JSON Schema of each event's body, for merchants to check and to generate from.

`python -m scripts.event_schemas` writes them; `--check` compares what is committed with the code and changes nothing.
The schemas come from `clearway.domain.event_catalogue`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from clearway.domain.event_catalogue import schema_of
from clearway.domain.events import EventType

FOLDER: Final = Path(__file__).parents[1] / "schemas" / "events"


def documents() -> dict[str, str]:
    """Return the text of every file by its name."""
    return {
        f"{event_type.value}.json": json.dumps(schema_of(event_type), indent=2, ensure_ascii=False) + "\n"
        for event_type in EventType
    }


def write() -> None:
    """Make the folder what the code says."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sorted(_committed() - documents().keys()):
        (FOLDER / name).unlink()
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def differences() -> list[str]:
    """Return a line for each file that is not what the code says."""
    wanted = documents()
    missing = [f"{name} is missing" for name in sorted(wanted.keys() - _committed())]
    stray = [f"{name} is of no event type" for name in sorted(_committed() - wanted.keys())]
    stale = [
        f"{name} is not what the code says"
        for name in sorted(wanted.keys() & _committed())
        if (FOLDER / name).read_text(encoding="utf-8") != wanted[name]
    ]
    return [*missing, *stray, *stale]


def _committed() -> set[str]:
    return {path.name for path in FOLDER.glob("*.json")}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code is 1 when `--check` finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m scripts.event_schemas", description="The events' JSON Schemas.")
    parser.add_argument("--check", action="store_true", help="compare, and change nothing")
    if not parser.parse_args(arguments).check:
        write()
        return 0
    found = differences()
    for line in found:
        print(f"schemas/events/{line}")
    if found:
        print("An event's shape is a contract with merchants. If the change is meant: python -m scripts.event_schemas")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
