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

DEFINITIONS: Final = ("activities", "clearway")
"""Modules that workflows share with the process: they hold definitions and no state of a workflow."""


def workflow_runner() -> SandboxedWorkflowRunner:
    """Return the runner of production: the workflows' own modules are shared too, so an instance costs microseconds.

    Importing them anew for each instance would find a forbidden call at the moment it is made; the tests do that, on
    every path (`strict_workflow_runner`), and production need not pay for it again. See ADR 0004.
    """
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*DEFINITIONS, "workflows")
    return SandboxedWorkflowRunner(restrictions=restrictions)


def strict_workflow_runner() -> SandboxedWorkflowRunner:
    """Return the runner of the tests: every instance imports the workflows anew and is refused clock, chance, I/O."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*DEFINITIONS))
