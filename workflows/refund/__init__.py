"""The life of one refund: its workflow and its record."""

from workflows.refund.workflow import RefundWorkflow

__all__ = ["RefundWorkflow"]
