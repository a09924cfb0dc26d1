"""Every workflow there is, and the sandbox they run in: for `worker.py`, replay and tests alike."""

from __future__ import annotations

from typing import Any, Final

from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from workflows.endpoints import EndpointClosingWorkflow, WebhookRecoveryWorkflow
from workflows.maintenance import MaintenanceWorkflow
from workflows.payment import PaymentWorkflow
from workflows.refund import RefundWorkflow
from workflows.webhook_delivery import WebhookDeliveryWorkflow

WORKFLOWS: Final[tuple[type[Any], ...]] = (
    PaymentWorkflow,
    RefundWorkflow,
    WebhookDeliveryWorkflow,
    WebhookRecoveryWorkflow,
    EndpointClosingWorkflow,
    MaintenanceWorkflow,
)

DEFINITIONS: Final = ("activities", "clearway")
"""Modules that workflows share with the process: they hold definitions and no state of a workflow."""


def workflow_runner() -> WorkflowRunner:
    """Return the runner of production: none of the sandbox, which costs milliseconds for each instance.

    What it refuses (clock, chance, I/O) is found by the tests, which take every path in it and replay every stored
    history (`strict_workflow_runner`), and production need not pay for it again. See ADR 0004.
    """
    return UnsandboxedWorkflowRunner()


def strict_workflow_runner() -> SandboxedWorkflowRunner:
    """Return the runner of the tests: every instance imports the workflows anew and is refused clock, chance, I/O."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*DEFINITIONS))
