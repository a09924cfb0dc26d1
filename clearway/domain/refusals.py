"""The stable names of refusals: the `type` of the application error with which a workflow refuses a request.

Each means that nothing was recorded and no money moved, except OUTCOME_UNKNOWN.
"""

from __future__ import annotations

from typing import Final

ORDER_TAKEN: Final = "order_taken"
"""`record`: the order has a payment in progress or a successful one."""
ORDER_CLOSED: Final = "order_closed"
"""`record`: the order was cancelled or has expired."""
QUOTE_USED: Final = "quote_used"
"""`record`: another payment has used the quote."""
ORDER_NOT_FOUND: Final = "order_not_found"
"""`record`: no such order of this merchant in this currency."""
AMOUNT_NOT_REFUNDABLE: Final = "amount_not_refundable"
"""`reserve`: the refund exceeds what was captured and is not refunded yet."""
STEP_UP_REQUIRED: Final = "step_up_required"
"""`reserve`: with the payment's other refunds it exceeds what a person may refund without a step-up."""
PAYMENT_NOT_FOUND: Final = "payment_not_found"
"""`reserve`: no such payment of this merchant."""
REFUND_NOT_FOUND: Final = "refund_not_found"
"""`load_refund`: there is no such refund to continue."""
NOT_CAPTURABLE: Final = "not_capturable"
"""`capture`: the status or the amount does not allow it, or the gateway refused."""
NOT_CANCELLABLE: Final = "not_cancellable"
"""`cancel`: the status does not allow it, or the gateway refused; the payment did not change."""
NOT_RETRYABLE: Final = "not_retryable"
"""`retry`: the payment is not retrying, or its last attempt may still take money; nothing was charged."""
NOT_RESOLVABLE: Final = "not_resolvable"
"""`resolve`: the payment or refund is not under review, or the decision does not fit it."""
RUN_RESET: Final = "run_reset"
"""`record` and `reserve`: an operator reset the workflow to before this step, and there is no row. The run before may
have refused the request, so this run may not accept it."""
OUTCOME_UNKNOWN: Final = "outcome_unknown"
"""`capture` and `cancel`: the outcome at the gateway is not known yet; the payment will show it."""
RECORD_MOVED: Final = "record_moved"
"""The row differs from the state of its run: the database or Temporal was restored to an earlier time."""
MOVE_REFUSED: Final = "move_refused"
"""Recording a change that is not a move of the state machine."""
DATABASE_REFUSED: Final = "database_refused"
"""Any recording: the database refuses the step permanently; nothing of it is recorded. The gateway may have acted."""
