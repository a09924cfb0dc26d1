"""Every timeout, retry policy and wait of the workflows, as named constants.

Waits that an installation may set (polling, deadlines, delivery schedules) are in each workflow's input instead, so
that a changed setting never affects a running workflow.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from temporalio.common import RetryPolicy

RECORD_TIMEOUT: Final = timedelta(seconds=20)
"""One database transaction and the start of its deliveries; above the database's own statement timeout."""
RECORD_RETRY: Final = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), backoff_coefficient=2, maximum_interval=timedelta(seconds=10)
)
"""Recording is retried until it succeeds: an unavailable database delays a payment, but never loses one."""

REFUSAL_PATIENCE: Final = timedelta(seconds=10)
"""How long a workflow that refused its input waits for the update that gets the refusal."""

GATEWAY_CALL_TIMEOUT: Final = timedelta(seconds=30)
"""Above the connector's own total deadline (`GATEWAY_TIMEOUT_S`, 20 s), which ends in a classified outcome."""
GATEWAY_CALL_RETRY: Final = RetryPolicy(maximum_attempts=1)
"""A call with an effect is never repeated by the server: after a lost worker the workflow asks first."""

QUESTION_RETRY: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10), maximum_attempts=3
)
"""Questions have no effect and may be repeated freely."""

RESEND_WAITS_S: Final = (1, 2, 5, 10, 30, 60)
"""Waits before an operation that was surely not executed is sent again; after the last it is given up."""
FAILOVER_WAITS_S: Final = (1, 2)
"""The same while another gateway can be tried: it is tried soon, and the customer waits."""
FAILOVER_WITHIN: Final = timedelta(minutes=1)
"""After this time since a payment was recorded, it is not tried at another gateway: its customer may have left."""
FAILOVER_DOUBT: Final = timedelta(seconds=20)
"""How long a gateway is asked for the outcome before an abort, while another gateway can be tried."""
INQUIRY_WAITS_S: Final = (1, 5, 15, 30, 60, 120, 300)
"""Waits before each question about an unknown outcome; the last repeats until the deadline."""

FOLLOW_UP_DEADLINE: Final = timedelta(minutes=30)
"""How long the outcome of a capture or void may stay unknown before a person is asked."""

SWEEP_TIMEOUT: Final = timedelta(minutes=5)
"""One round of the sweep: thousands of rows compared, some hundreds of runs started."""
MAINTENANCE_HEARTBEAT_TIMEOUT: Final = timedelta(seconds=15)
"""The next round waits for this one, so a round whose worker is lost must be noticed soon."""
SWEEP_RETRY: Final = RetryPolicy(initial_interval=timedelta(seconds=2), maximum_attempts=3)
"""The schedule runs again soon, and a round that cannot end must not block the next one."""
TAKEN_UP_INQUIRY: Final = timedelta(minutes=10)
"""How long a run that continues from the row asks about an operation, however late it starts."""
REFUSED_AGAIN: Final = timedelta(minutes=5)
"""How long before a review that the database refused is recorded again."""
REVIEW_REMINDER: Final = timedelta(days=1)
"""How often a review that waits for a person is logged again."""

DELIVERY_ATTEMPT_TIMEOUT: Final = timedelta(seconds=90)
"""One delivery attempt: the sender's own total deadline (at most 60 s) and two short transactions."""
DELIVERY_HEARTBEAT_TIMEOUT: Final = timedelta(seconds=15)
"""After this silence an attempt's worker counts as dead and the attempt is repeated, instead of after 90 s."""
DELIVERY_ATTEMPT_RETRY: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=1)
)
"""Only for our own failures (database away, worker lost); what the endpoint does is a result, not an error."""
DELIVERY_AT_ONCE_RETRY: Final = RetryPolicy(maximum_attempts=1)
"""Our own failure in the first, local attempt: a normal activity with visible retries takes over."""
DELIVERY_JITTER: Final = 0.1
"""Each wait is prolonged by up to this share, so that a receiver that was down does not get all deliveries at once."""
RETRY_PATIENCE: Final = timedelta(seconds=10)
"""How long a run that was started to make an attempt by hand waits for the update that asks for it."""

PAGE_TIMEOUT: Final = timedelta(minutes=1)
"""One page of deliveries: a transaction, and the start or the end of each one's workflow."""
RECONCILIATION_RETRY: Final = RetryPolicy(
    initial_interval=timedelta(seconds=2), backoff_coefficient=3, maximum_interval=timedelta(minutes=10)
)
"""Retries, with back-off, while a gateway does not list."""
RECONCILIATION_PATIENCE: Final = timedelta(hours=6)
"""How long one page is tried before the run fails; the schedule starts another run for the same days."""
RECOVERY_PAUSE: Final = timedelta(seconds=5)
"""Between the pages of a recovery (50 deliveries): at most 10 deliveries a second are begun for one endpoint."""

HEALTH_CHECK_TIMEOUT: Final = timedelta(seconds=45)
"""Above the deadline of a check (20 s), with two reads and a short transaction."""
HEALTH_CHECK_RETRY: Final = RetryPolicy(initial_interval=timedelta(seconds=2), maximum_attempts=3)
"""For our own failures only; the next check comes soon."""
MAIL_TIMEOUT: Final = timedelta(seconds=60)
"""Above what the steps of one SMTP conversation may take together."""
MAIL_RETRY: Final = RetryPolicy(
    initial_interval=timedelta(seconds=5), backoff_coefficient=2, maximum_interval=timedelta(minutes=15)
)
"""Until the server answers, or the activity finds the mail too old. Greylisting lets a mail pass after minutes."""
