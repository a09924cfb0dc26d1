"""Versions of a merchant's routing rules: written once, switched on and off, never changed."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

VERSIONS_MAX: Final = 1_000
"""Of one merchant. A program that makes a version a minute is stopped before the table is full of them."""
NOTE_LENGTH_MAX: Final = 255


class VersionStatus(StrEnum):
    """Status of a version of routing rules."""

    DRAFT = "draft"
    """It was never switched on."""
    ACTIVE = "active"
    """New payments are routed by it. A merchant has one at most."""
    RETIRED = "retired"
    """It was active, and can be switched on again."""
