"""Every workflow there is, and the sandbox they run in: for `worker.py`, replay and tests alike."""

from __future__ import annotations

from typing import Any, Final

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from workflows.maintenance import MaintenanceWorkflow
from workflows.payment import PaymentWorkflow
from workflows.refund import RefundWorkflow
from workflows.webhook_delivery import WebhookDeliveryWorkflow

WORKFLOWS: Final[tuple[type[Any], ...]] = (
    PaymentWorkflow,
    RefundWorkflow,
    WebhookDeliveryWorkflow,
    MaintenanceWorkflow,
)

PASSED_THROUGH: Final = ("activities", "clearway", "workflows.messages", "workflows.policies")
"""Modules that workflows share with the process instead of importing them anew for every run: they hold definitions
only. Without this an instance costs a hundred milliseconds, because activities import the database library."""


def workflow_runner() -> SandboxedWorkflowRunner:
    """Return the runner under which every workflow runs, wherever it runs."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))
