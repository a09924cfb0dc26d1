"""The life of one refund: the workflow, and what is recorded of it."""

from workflows.refund.workflow import RefundWorkflow

__all__ = ["RefundWorkflow"]
