"""Every query that is not one merchant's: for requests that know no merchant yet, for gateways, and for housekeeping.

All other modules of `clearway.db` name the merchant in each query (`tests/unit/tidy/test_merchant_rule.py`), so a leak
between merchants can only be here. Who calls a function of this package must not show what it returns to a merchant
before the merchant is compared.
"""

from clearway.db.across_merchants.audit_lines import audit_lines
from clearway.db.across_merchants.breakers import NOT_CLOSED, breaker_of, breakers_not_closed
from clearway.db.across_merchants.gateway_subjects import (
    FIND_PAYMENT,
    FIND_REFUND,
    Subject,
    count_open_reviews,
    find_by_reference,
    find_gateway_event,
    find_review,
    find_subject,
)
from clearway.db.across_merchants.gateways import (
    FIND_GATEWAY,
    FIND_GATEWAYS,
    every_gateway,
    find_gateway,
    gateway_config_of,
    gateways_of,
)
from clearway.db.across_merchants.going_live import REHEARSAL, Rehearsal, rehearsal
from clearway.db.across_merchants.housekeeping import (
    PARTITIONS_AHEAD,
    PartitionState,
    RecoveryName,
    ensure_partitions,
    forget_idempotency_keys,
    overdue_deliveries,
    stale_recoveries,
)
from clearway.db.across_merchants.keys import (
    FIND_KEY,
    StoredKey,
    find_key,
    forget_sealed_secrets,
    list_keys,
    list_merchants,
    note_use,
    owner_of_key,
    put_hash,
)
from clearway.db.across_merchants.payers import (
    FIND_PAYABLE,
    FIND_RETURNING,
    PayableOrder,
    Returning,
    find_any_payment,
    find_payable,
    find_returning,
    merchant_of,
)
from clearway.db.across_merchants.unended import (
    UNKNOWN_EVENTS_MAX,
    OpenRow,
    Standing,
    UnknownEvent,
    open_payments,
    open_refunds,
    payment_row,
    refund_row,
    standing,
    unknown_events,
)

__all__ = [
    "FIND_GATEWAY",
    "FIND_GATEWAYS",
    "FIND_KEY",
    "FIND_PAYABLE",
    "FIND_PAYMENT",
    "FIND_REFUND",
    "FIND_RETURNING",
    "NOT_CLOSED",
    "PARTITIONS_AHEAD",
    "REHEARSAL",
    "UNKNOWN_EVENTS_MAX",
    "OpenRow",
    "PartitionState",
    "PayableOrder",
    "RecoveryName",
    "Rehearsal",
    "Returning",
    "Standing",
    "StoredKey",
    "Subject",
    "UnknownEvent",
    "audit_lines",
    "breaker_of",
    "breakers_not_closed",
    "count_open_reviews",
    "ensure_partitions",
    "every_gateway",
    "find_any_payment",
    "find_by_reference",
    "find_gateway",
    "find_gateway_event",
    "find_key",
    "find_payable",
    "find_returning",
    "find_review",
    "find_subject",
    "forget_idempotency_keys",
    "forget_sealed_secrets",
    "gateway_config_of",
    "gateways_of",
    "list_keys",
    "list_merchants",
    "merchant_of",
    "note_use",
    "open_payments",
    "open_refunds",
    "overdue_deliveries",
    "owner_of_key",
    "payment_row",
    "put_hash",
    "refund_row",
    "rehearsal",
    "stale_recoveries",
    "standing",
    "unknown_events",
]
