"""Distinguish a database that is away from one that refuses a statement.

Away (connection lost, restart, timeout, deadlock, a missing table during a migration): the same statement may succeed
later. Refusal (a value that no column can hold, a constraint, a trigger): the same statement fails for ever.
"""

from __future__ import annotations

from typing import Final

from asyncpg.exceptions import DataError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from clearway.domain.text import storable

DATA_EXCEPTION: Final = "22"
INTEGRITY_VIOLATION: Final = "23"
RAISED_BY_A_TRIGGER: Final = "P0"
_FOR_GOOD: Final = (DATA_EXCEPTION, INTEGRITY_VIOLATION, RAISED_BY_A_TRIGGER)
"""Classes of SQLSTATE (PostgreSQL manual, appendix A) that mean no."""
DATA_EXCEPTION_STATE: Final = "22000"
"""For what the driver refuses before the server is asked: that has no SQLSTATE."""
REASON_LENGTH_MAX: Final = 200


def refusal_of(error: SQLAlchemyError) -> str | None:
    """Return why the database refuses this statement for good, as storable text without values; None if it may succeed.

    A value that the driver cannot even send (a lone surrogate, a number out of range) is refused too.
    """
    if isinstance(error, DBAPIError):
        return _of_the_server(error)
    return f"a value cannot be sent: {type(error.orig).__name__}" if isinstance(error, StatementError) else None


def _of_the_server(error: DBAPIError) -> str | None:
    cause = error.orig.__cause__ if error.orig else None  # asyncpg's own error, below SQLAlchemy's
    state = getattr(error.orig, "sqlstate", None) or (DATA_EXCEPTION_STATE if isinstance(cause, DataError) else "")
    if not state.startswith(_FOR_GOOD):
        return None
    rule = getattr(cause, "constraint_name", None)
    return storable(f"SQLSTATE {state}{f', {rule}' if rule else ''}", REASON_LENGTH_MAX)
