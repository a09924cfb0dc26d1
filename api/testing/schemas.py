"""The shapes of the test routes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class TestGateway(BaseModel):
    """A gateway that the test merchant can choose."""

    id: str
    kind: str
    name: str
    enabled: bool
    priority: int = Field(description="The lowest goes first.")


class TestMerchant(BaseModel):
    """The published credentials of the test merchant, and its gateways."""

    id: str
    name: str
    api_key: str
    api_secret: str
    seeded: bool
    gateways: list[TestGateway] = Field(description="By priority. `make dev` connects three: see docs/gateways.md.")


class JobsStatus(BaseModel):
    """Numbers of payments, refunds and deliveries, counted by Temporal."""

    pending: int = Field(description="Tasks that wait for a worker.")
    processing: int = Field(description="Workflows that run.")
    completed: int = Field(description="Workflows that completed.")
    failed: int = Field(description="Workflows that failed, timed out, or were terminated or cancelled.")
    worker_status: Literal["running", "partial", "stopped"] = Field(
        description="Whether all, some or none of the task queues have a worker."
    )
