"""The errors of commands: one line that says what to do. Users see no traceback.

CommandError     the command could not do what was asked; exit code 1
└── StoryError   something happened otherwise than a demonstration or a trigger promised
"""

from __future__ import annotations

import asyncio
import os
from typing import Final

import httpx
from pydantic import ValidationError

from clearway.domain.errors import ClearwayError
from clearway.settings import SettingsError, settings_problem

DEBUG_VARIABLE: Final = "CLEARWAY_DEBUG"
FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130


class CommandError(Exception):
    """A command that failed. str(error) is the line to print: what happened, and what to do."""


class StoryError(CommandError):
    """The running system did not do what it should have done."""


def in_words(error: BaseException) -> str:
    """Return the line to print; for an unexpected error, also how to see its traceback."""
    if isinstance(error, (CommandError, ClearwayError, SettingsError)):
        return str(error)
    if isinstance(error, ValidationError):
        return settings_problem(error)
    if isinstance(error, (httpx.TransportError, ConnectionError)):
        return f"A connection failed: {_first_line(error)}. See `clearway doctor`."
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return "Something did not answer in time. See `clearway doctor`, or try again."
    return f"unexpected {type(error).__name__}: {_first_line(error)} ({DEBUG_VARIABLE}=1 shows where)"


def wants_traceback() -> bool:
    """Tell whether the user asked for tracebacks."""
    return os.environ.get(DEBUG_VARIABLE, "") not in {"", "0"}


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
