"""The shapes of the probes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class Health(BaseModel):
    """The process is alive."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether payments can be accepted, and which part is missing if not."""

    status: Literal["ready", "not_ready"]
    checks: dict[str, str] = Field(
        description="For each part: `ok`, or the fault.",
        examples=[{"database": "ok", "temporal": "ok", "workers": "ok"}],
    )
