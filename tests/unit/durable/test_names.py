"""The contract that clients use by name, compared with the workflows themselves."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio import workflow

from clearway.durable import messages
from workflows.endpoints import EndpointClosingWorkflow, WebhookRecoveryWorkflow
from workflows.gateway_health import GatewayHealthWorkflow
from workflows.mail import MailWorkflow
from workflows.payment import PaymentWorkflow
from workflows.refund import RefundWorkflow
from workflows.webhook_delivery import WebhookDeliveryWorkflow


@pytest.mark.parametrize(
    ("definition", "name", "handlers"),
    [
        (
            PaymentWorkflow,
            messages.PAYMENT_WORKFLOW,
            {
                messages.RECORD,
                messages.CAPTURE,
                messages.CANCEL,
                messages.GATEWAY_EVENT,
                messages.RESOLVE_REVIEW,
                messages.RESOLVE,
                messages.TIMELINE,
            },
        ),
        (
            RefundWorkflow,
            messages.REFUND_WORKFLOW,
            {messages.RESERVE, messages.GATEWAY_EVENT, messages.RESOLVE_REVIEW, messages.RESOLVE, messages.TIMELINE},
        ),
        (
            WebhookDeliveryWorkflow,
            messages.DELIVERY_WORKFLOW,
            {messages.RETRY, messages.RECOVER, messages.CLOSE, messages.TIMELINE},
        ),
        (WebhookRecoveryWorkflow, messages.RECOVERY_WORKFLOW, set()),
        (EndpointClosingWorkflow, messages.CLOSING_WORKFLOW, set()),
        (GatewayHealthWorkflow, messages.HEALTH_WORKFLOW, set()),
        (MailWorkflow, messages.MAIL_WORKFLOW, set()),
    ],
)
def test_clients_name_what_the_workflows_answer(definition: type[Any], name: str, handlers: set[str]) -> None:
    """Each name in `clearway.durable.messages` is the name of a workflow, an update, a signal or a query."""
    defined = workflow._Definition.must_from_class(definition)
    assert defined.name == name
    assert handlers <= {*map(str, defined.signals), *map(str, defined.queries), *map(str, defined.updates)}
