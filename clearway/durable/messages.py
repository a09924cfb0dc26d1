"""Messages of the workflows: ids, task queues, and one dataclass for every input and result.

Fields are only ever added, with a default, because running histories have messages of older versions. Messages must
never contain a card number: Temporal keeps payloads and shows them in its UI.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from clearway.domain.actor import Actor, operator
from clearway.domain.attempt import GatewayChoice
from clearway.domain.limits import AMOUNT_MINOR_MAX, GATEWAY_IDENTIFIER_LENGTH_MAX, OPERATOR_TEXT_LENGTH_MAX
from clearway.domain.payment import NewPayment
from clearway.domain.refund import NewRefund
from clearway.domain.text import is_storable, storable
from clearway.gateways.contract import GatewayOutcome, Trust

QUEUE_PAYMENTS: Final = "payments"
QUEUE_DELIVERIES: Final = "deliveries"
QUEUE_OPERATIONS: Final = "operations"
QUEUE_MAILS: Final = "mails"
PAYMENT_WORKFLOW: Final = "PaymentWorkflow"
REFUND_WORKFLOW: Final = "RefundWorkflow"
DELIVERY_WORKFLOW: Final = "WebhookDeliveryWorkflow"
RECOVERY_WORKFLOW: Final = "WebhookRecoveryWorkflow"
CLOSING_WORKFLOW: Final = "EndpointClosingWorkflow"
HEALTH_WORKFLOW: Final = "GatewayHealthWorkflow"
RECONCILIATION_WORKFLOW: Final = "ReconciliationWorkflow"
MAIL_WORKFLOW: Final = "MailWorkflow"
"""The names under which the workflows are registered: `workflows.registry` compares them with the classes."""

RECORD: Final = "record"
RESERVE: Final = "reserve"
CAPTURE: Final = "capture"
CANCEL: Final = "cancel"
GATEWAY_EVENT: Final = "gateway_event"
RESOLVE_REVIEW: Final = "resolve_review"
RESOLVE: Final = "resolve"
CHECK_RECORD: Final = "check_record"
RETRY: Final = "retry"
RECOVER: Final = "recover"
CLOSE: Final = "close"
TIMELINE: Final = "timeline"
"""The names of updates, signals and queries; `tests/unit/durable` compares them with the workflows' handlers."""

TASK_QUEUES: Final = (QUEUE_PAYMENTS, QUEUE_DELIVERIES, QUEUE_OPERATIONS, QUEUE_MAILS)


def payment_workflow_id(payment_id: str) -> str:
    """Return the id under which a payment's workflow runs: once, ever."""
    return f"payment/{payment_id}"


def refund_workflow_id(refund_id: str) -> str:
    """Return the id under which a refund's workflow runs: once, ever."""
    return f"refund/{refund_id}"


def delivery_workflow_id(event_id: str, endpoint_id: str) -> str:
    """Return the id under which one event is delivered to one endpoint; once that has ended, a retry is another run."""
    return f"delivery/{event_id}/{endpoint_id}"


def recovery_workflow_id(recovery_id: str) -> str:
    """Return the id under which a recovery of an endpoint runs."""
    return f"recovery/{recovery_id}"


def closing_workflow_id(endpoint_id: str) -> str:
    """Return the id under which the deliveries of a deleted endpoint are cancelled."""
    return f"closing/{endpoint_id}"


def reconciliation_workflow_id(run_id: str) -> str:
    """Return the id under which a reconciliation is carried on."""
    return f"reconciliation/{run_id}"


def mail_workflow_id(mail_id: str) -> str:
    """Return the id under which a mail is sent."""
    return f"mail/{mail_id}"


@dataclass(frozen=True)
class MailInput:
    """What starts a `MailWorkflow`. The row has the letter, sealed."""

    mail_id: str


@dataclass(frozen=True)
class ReconciliationInput:
    """What starts a `ReconciliationWorkflow`. The row says which gateway and period, and its progress."""

    run_id: str
    merchant_id: str


@dataclass(frozen=True)
class ReconciliationProgress:
    """The progress of a reconciliation. opened: items by kind, that the last page opened."""

    status: str
    step: str = ""
    pages: int = 0
    opened: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class PaymentTimings:
    """The waits of one payment in seconds, fixed when it is made so that a new setting never breaks a replay.

    poll_intervals_s: waits before each status poll; the last repeats. deadline_s: for the gateway or the customer.
    authorisation_expiry_s: for the capture.
    """

    poll_intervals_s: tuple[float, ...] = (15, 30, 60, 120, 300)
    deadline_s: float = 1_800
    authorisation_expiry_s: float = 7 * 24 * 3600


@dataclass(frozen=True)
class GatewayEvent:
    """A gateway event about one operation, as a signal.

    trust: the outcome of a hint is not used; the workflow asks the gateway.
    """

    event_id: str
    key: str
    outcome: GatewayOutcome
    trust: Trust = Trust.PROVEN


@dataclass(frozen=True)
class Resolution:
    """An operator's decision about something in `needs_review`, after looking at the gateway.

    outcome: for a payment `success`, `authorized`, `failed` or `cancelled`; for a refund `processed` or `failed`.
    amount: what the operation in doubt moved at the gateway, in minor units; this is booked. Required if the gateway
    reported another amount than was requested. Default: the requested amount.
    asked_by: the actor for the audit log. None: the operator, who sent a signal.
    """

    outcome: str
    operator: str
    reason: str
    gateway_reference: str | None = None
    amount: int | None = None
    asked_by: Actor | None = None

    def __post_init__(self) -> None:
        for name in ("operator", "reason"):
            object.__setattr__(self, name, storable(getattr(self, name), OPERATOR_TEXT_LENGTH_MAX))

    def decided_by(self, merchant_id: str) -> Actor:
        """Return the actor for the audit log. merchant_id: of the payment or refund."""
        return self.asked_by or Actor(operator(self.operator), merchant_id)


@dataclass(frozen=True)
class Carried:
    """What one run of a workflow passes to the next: signals that it received and has not handled."""

    events: tuple[GatewayEvent, ...] = ()
    resolutions: tuple[Resolution, ...] = ()


@dataclass(frozen=True)
class PaymentInput:
    """What starts a `PaymentWorkflow`.

    taken_up: the payment is recorded already: this run asks the gateway, then continues from its row.
    """

    payment: NewPayment
    timings: PaymentTimings = field(default_factory=PaymentTimings)
    taken_up: bool = False
    carried: Carried = field(default_factory=Carried)


@dataclass(frozen=True)
class PaymentResult:
    """How a payment ended. refused: it was never recorded."""

    status: str
    captured_minor: int = 0
    refused: str | None = None


@dataclass(frozen=True)
class CaptureInput:
    """Capture `amount_minor`, or all that is left. capture_id is also the update id: a repeated request is done once.

    final: release what is left of the authorisation after this capture; False keeps it open for further captures.
    asked_by: the actor for the audit log.
    """

    capture_id: str
    amount_minor: int | None = None
    final: bool = True
    asked_by: Actor | None = None


@dataclass(frozen=True)
class CancelInput:
    """Cancel a payment, or void the part of the authorisation that is not captured. The update id names the command."""

    reason: str = "cancelled by the merchant"
    asked_by: Actor | None = None


@dataclass(frozen=True)
class RetryInput:
    """Begin another attempt of a payment that is retrying. retry_id is also the update id.

    at: another gateway, if the merchant names one. personal: encrypted, with another instrument.
    """

    retry_id: str
    at: GatewayChoice | None = None
    personal: str | None = None
    asked_by: Actor | None = None


def resolution_of(given: Any) -> Resolution:
    """Parse an operator's decision. Raises ValueError, which describes the expected form."""
    needed, optional = {"outcome", "operator", "reason"}, {"gateway_reference", "amount"}
    if isinstance(given, dict) and given.get("asked_by") is None:
        given = {name: value for name, value in given.items() if name != "asked_by"}  # as programs write it
    if not isinstance(given, dict) or not needed <= given.keys() <= needed | optional:
        message = 'it must look like {"outcome": "failed", "operator": "your name", "reason": "what you found out"}'
        raise ValueError(message)
    if not all(isinstance(value, str) and value for name, value in given.items() if name in needed):
        message = "outcome, operator and reason must be texts"
        raise ValueError(message)
    reference, amount = given.get("gateway_reference"), given.get("amount")
    if reference is not None and not is_storable(reference, GATEWAY_IDENTIFIER_LENGTH_MAX):
        message = "gateway_reference must be the gateway's own id, as the gateway shows it"
        raise ValueError(message)
    if amount is not None and (type(amount) is not int or not 0 < amount <= AMOUNT_MINOR_MAX):
        message = f"amount must be an integer number of minor units, from 1 to {AMOUNT_MINOR_MAX}"
        raise ValueError(message)
    return Resolution(**given)


@dataclass(frozen=True)
class RefundInput:
    """What starts a `RefundWorkflow`; the waits are those of `PaymentTimings`, the rest is as in `PaymentInput`."""

    refund: NewRefund
    poll_intervals_s: tuple[float, ...] = (15, 60, 300, 3_600)
    deadline_s: float = 7 * 24 * 3600
    taken_up: bool = False
    carried: Carried = field(default_factory=Carried)


@dataclass(frozen=True)
class RefundResult:
    """How a refund ended. refused: it was never recorded."""

    status: str
    refused: str | None = None


@dataclass(frozen=True)
class DeliveryInput:
    """What starts a `WebhookDeliveryWorkflow`.

    retry_intervals_s: the waits of the whole schedule, so it has len + 1 attempts. first_attempt: the next attempt of
    the schedule, above 1 when the workflow continues from the row. first_wait_s: the wait before it. at_once: make it
    in the first workflow task, as a local activity. recovery_id: the recovery that began this schedule. scheduled:
    False when the delivery has ended and the workflow only makes attempts by hand.
    """

    delivery_id: str
    event_id: str
    endpoint_id: str
    event_type: str
    retry_intervals_s: tuple[int, ...] = (60, 300, 1_800, 7_200)
    first_attempt: int = 1
    first_wait_s: float = 0.0
    at_once: bool = False
    recovery_id: str | None = None
    scheduled: bool = True


@dataclass(frozen=True)
class DeliveryResult:
    """How a delivery ended: its status and its number of attempts, retries by hand included."""

    status: str
    attempts: int


@dataclass(frozen=True)
class RetryOutcome:
    """The outcome of one retry by hand, and the delivery after it.

    attempts: how many were made in all. number: that of this attempt. refused: why none was made.
    """

    status: str
    attempts: int
    number: int = 0
    response_status: int | None = None
    error_code: str | None = None
    error: str | None = None
    duration_ms: int = 0
    refused: str | None = None


@dataclass(frozen=True)
class RecoveryInput:
    """What starts a `WebhookRecoveryWorkflow`. The row says which events are sent, and its progress."""

    recovery_id: str
    merchant_id: str


@dataclass(frozen=True)
class RecoveryProgress:
    """The progress of a recovery: deliveries begun, and those that wait for their first attempt."""

    status: str
    recovered: int = 0
    waiting: int = 0


@dataclass(frozen=True)
class ClosingInput:
    """What starts an `EndpointClosingWorkflow`. after: the last delivery of the previous page."""

    endpoint_id: str
    merchant_id: str
    after: str = ""


@dataclass(frozen=True)
class HealthInput:
    """What starts a `GatewayHealthWorkflow`: one check of one gateway."""

    gateway_id: str


@dataclass(frozen=True)
class HealthFound:
    """The result of a check. skipped: the gateway is disabled or deleted."""

    status: str = "unknown"
    ok: bool = False
    changes: tuple[str, ...] = ()
    skipped: bool = False


@dataclass(frozen=True)
class TimelineEntry:
    """One entry of a workflow's timeline, for queries."""

    at: str
    what: str
