"""The changed fields of a row for the audit log: before and after, without what must not be kept for good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clearway.telemetry.masking import mask

TEXT_LENGTH_MAX: Final = 200


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return `{"before": {…}, "after": {…}}` with the fields whose values differ; empty when none does.

    Addresses of people and secrets are masked by their names, long texts are cut, and of binary values only the size is
    kept.
    """
    names = [name for name in after if before.get(name) != after[name]]
    if not names:
        return {}
    return {
        "before": mask({name: _shown(before.get(name)) for name in names}),
        "after": mask({name: _shown(after[name]) for name in names}),
    }


def _shown(value: Any) -> Any:
    match value:
        case bytes():
            return f"{len(value)} bytes"
        case str() if len(value) > TEXT_LENGTH_MAX:
            return f"{value[:TEXT_LENGTH_MAX]}… ({len(value)} characters)"
        case Mapping():
            return {key: _shown(one) for key, one in value.items()}
        case _:
            return value
