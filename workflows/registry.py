"""All workflows and their sandbox, for `worker.py`, replay and tests."""

from __future__ import annotations

from typing import Any, Final

from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from workflows.endpoints import EndpointClosingWorkflow, WebhookRecoveryWorkflow
from workflows.gateway_health import GatewayHealthWorkflow
from workflows.mail import MailWorkflow
from workflows.maintenance import MaintenanceWorkflow
from workflows.payment import PaymentWorkflow
from workflows.reconciliation import DueReconciliationsWorkflow, ReconciliationWorkflow
from workflows.refund import RefundWorkflow
from workflows.webhook_delivery import WebhookDeliveryWorkflow

WORKFLOWS: Final[tuple[type[Any], ...]] = (
    PaymentWorkflow,
    RefundWorkflow,
    WebhookDeliveryWorkflow,
    WebhookRecoveryWorkflow,
    EndpointClosingWorkflow,
    MaintenanceWorkflow,
    GatewayHealthWorkflow,
    ReconciliationWorkflow,
    DueReconciliationsWorkflow,
    MailWorkflow,
)

DEFINITIONS: Final = ("activities", "clearway")
"""Modules that workflows share with the process: they hold definitions and no state of a workflow."""


def workflow_runner() -> WorkflowRunner:
    """Return the runner of production, without the sandbox, which costs milliseconds for each instance.

    Tests run every path in the sandbox (`strict_workflow_runner`) and replay every stored history, so they find what it
    refuses: clock, randomness, I/O. See ADR 0004.
    """
    return UnsandboxedWorkflowRunner()


def strict_workflow_runner() -> SandboxedWorkflowRunner:
    """Return the runner of the tests: each instance imports the workflows again, without clock, randomness or I/O."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*DEFINITIONS))
