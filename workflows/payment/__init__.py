"""The life of one payment: the workflow, and its steps by subject."""

from workflows.payment.workflow import PaymentWorkflow

__all__ = ["PaymentWorkflow"]
