"""What can go wrong while the stack starts, said as one line with the way out. No traceback reaches people."""

from __future__ import annotations


class StackError(Exception):
    """A step that failed. str(error) is the one line to print: what happened, and what to do."""


class PortInUseError(StackError):
    """A port we need belongs to another program."""
