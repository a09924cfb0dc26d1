"""A merchant's own rows over the error table. Pure.

An override says what a known error means for one merchant: its code, whether another gateway may be tried, the wait,
the texts. It never says whether the gateway acted, or whether the same request is sent again: only the table knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from clearway.domain.gateway_error import Elsewhere
from clearway.gateways.errors.rows import ErrorRow

Key = tuple[str, str, str, str]
"""Kind of gateway, operation, code and network code."""


@dataclass(frozen=True, slots=True)
class Override:
    """What replaces a row's fields. None: as in the table."""

    gateway: str
    operation: str
    code: str
    network_code: str = ""
    decline_code: str | None = None
    elsewhere: Elsewhere | None = None
    wait_s: int | None = None
    merchant_text: str | None = None
    customer_text: str | None = None

    @property
    def key(self) -> Key:
        """The row that it replaces."""
        return (self.gateway, self.operation, self.code, self.network_code)


Overrides = Mapping[Key, Override]
NONE: Final[Overrides] = {}
REPLACED: Final = ("decline_code", "elsewhere", "wait_s", "merchant_text", "customer_text")


class OverrideInvalidError(ValueError):
    """The row would contradict itself; the message says how."""


def effective(row: ErrorRow, override: Override | None) -> ErrorRow:
    """Return the row as it is for the merchant. Raises OverrideInvalidError."""
    if override is None:
        return row
    given = {name: getattr(override, name) for name in REPLACED if getattr(override, name) is not None}
    try:
        return replace(row, **given)
    except AssertionError as error:
        raise OverrideInvalidError(str(error)) from None
