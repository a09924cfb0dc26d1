"""The command line: `clearway`.

It starts processes, and otherwise talks to what runs: the REST API, the database, and Temporal by workflow ids and
signal names. It must not import `api`, `workflows`, `activities` or `worker`, and decides nothing about money.
"""

from __future__ import annotations

from clearway.cli.ending import main

__all__ = ["main"]
