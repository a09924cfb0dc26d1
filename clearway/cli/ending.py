"""Where every command begins and ends: the exit code, the one line of a problem, and a clean end of the process.

Exit codes: 0 fine, 1 failed, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from typing import NoReturn

from clearway.cli.problems import FAILED, INTERRUPTED, in_words, wants_traceback


def main() -> NoReturn:
    """Run the command line and end the process.

    Temporal's runtime may crash the interpreter while it exits (temporalio/sdk-python#300), after all work is done, so
    every command leaves without the interpreter's own exit.
    """
    code = run()
    try:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass  # the reader of our output has gone, as `head` does
    os._exit(code)


def run() -> int:
    """Run the command that the arguments name, and return the exit code."""
    try:
        from clearway.cli.app import app  # noqa: PLC0415 - an import that fails is a problem to report, too

        app(prog_name="clearway")
    except SystemExit as ending:
        return _code_of(ending)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return FAILED
    except Exception as error:  # noqa: BLE001 - the last resort, so that people read a line and not a traceback
        return _report(error)
    return 0


def _code_of(ending: SystemExit) -> int:
    if ending.code is None or isinstance(ending.code, int):
        return ending.code or 0
    sys.stderr.write(f"clearway: {ending.code}\n")
    return FAILED


def _report(error: Exception) -> int:
    if wants_traceback():
        traceback.print_exception(error)
    sys.stdout.flush()
    sys.stderr.write(f"clearway: {in_words(error)}\n")
    return FAILED
