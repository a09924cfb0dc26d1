"""Errors while the stack starts: one line that says what to do. Users see no traceback."""

from __future__ import annotations


class StackError(Exception):
    """A step that failed. str(error) is the one line to print: what happened, and what to do."""


class PortInUseError(StackError):
    """A port we need belongs to another program."""
