"""JSON that a person hands to a command, in a file, on stdin or as an option."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import orjson

from clearway.cli.problems import CommandError


def read_json(file: Path) -> Any:
    """Return the contents of a file; `-` is stdin. Raises CommandError."""
    if str(file) == "-":
        return parse_json(sys.stdin.buffer.read(), "stdin")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
    return parse_json(content, str(file))


def parse_json(content: bytes, source: str) -> Any:
    """Return what JSON says. source: where it came from, for the message. Raises CommandError."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise CommandError(f"{source} is not JSON: {error}.") from None
