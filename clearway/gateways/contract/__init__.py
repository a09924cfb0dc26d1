"""The contract between Clearway and a payment gateway.

A connector turns one gateway's API into these calls and these answers. It classifies every failure before it leaves
the gateway's package, because only the connector knows whether the gateway may have acted:

- `RETRYABLE`: the same request with the same key may be sent again (connection refused, 429, 503 before processing).
- `UNKNOWN`: may have been executed (timeout after sending, connection lost, 5xx, unreadable answer). The caller asks
  by `find_out` before anything is tried again; the connector never guesses.
- `executed` says whether the gateway may have acted. Only `no` lets another gateway try.

Connectors keep no payment state, use no database and never retry: retries belong to the workflow.
A connector method raises only for programmer errors; whatever the gateway or the network does is an outcome.

    operations   what is requested      abilities   what a connector declares
    outcomes     how an operation ended finding     how a look-up is believed
    inbound      webhooks of gateways   listing     a gateway's own list       cards   raw test cards
    settlements  balance rows, payouts
"""

from clearway.domain.attempt import Executed
from clearway.gateways.contract.abilities import (
    ALL_METHODS,
    Abilities,
    Capabilities,
    Closes,
    Finding,
    FindsOut,
    Lists,
)
from clearway.gateways.contract.cards import Card, CardDescriber, CardRefusedError, CardToken, CardTokeniser
from clearway.gateways.contract.finding import CANNOT_BE_ASKED, find_out
from clearway.gateways.contract.gateway import Aborting, Gateway, Preparing, PreparingRefunds
from clearway.gateways.contract.inbound import (
    EventUnreadableError,
    Inbound,
    InboundAnswer,
    InboundEvent,
    InboundRequest,
    Precheck,
    SignatureInvalidError,
    Trust,
    read_inbound,
)
from clearway.gateways.contract.listing import (
    GatewayUnavailableError,
    ListedOperation,
    OperationLister,
    OperationPage,
)
from clearway.gateways.contract.operations import Authorisation, Operation, OperationKind
from clearway.gateways.contract.outcomes import (
    UNANSWERED,
    UNKNOWN,
    Action,
    ActionKind,
    AnswerUnreadableError,
    GatewayOutcome,
    KeyMisusedError,
    OutcomeKind,
    decline_code,
    required_text,
)
from clearway.gateways.contract.settlements import (
    BalanceLister,
    BalancePage,
    BalanceRow,
    Payout,
    PayoutLister,
    PayoutPage,
    PayoutRows,
    UnreadableRow,
)

__all__ = [
    "ALL_METHODS",
    "CANNOT_BE_ASKED",
    "UNANSWERED",
    "UNKNOWN",
    "Abilities",
    "Aborting",
    "Action",
    "ActionKind",
    "AnswerUnreadableError",
    "Authorisation",
    "BalanceLister",
    "BalancePage",
    "BalanceRow",
    "Capabilities",
    "Card",
    "CardDescriber",
    "CardRefusedError",
    "CardToken",
    "CardTokeniser",
    "Closes",
    "EventUnreadableError",
    "Executed",
    "Finding",
    "FindsOut",
    "Gateway",
    "GatewayOutcome",
    "GatewayUnavailableError",
    "Inbound",
    "InboundAnswer",
    "InboundEvent",
    "InboundRequest",
    "KeyMisusedError",
    "ListedOperation",
    "Lists",
    "Operation",
    "OperationKind",
    "OperationLister",
    "OperationPage",
    "OutcomeKind",
    "Payout",
    "PayoutLister",
    "PayoutPage",
    "PayoutRows",
    "Precheck",
    "Preparing",
    "PreparingRefunds",
    "SignatureInvalidError",
    "Trust",
    "UnreadableRow",
    "decline_code",
    "find_out",
    "read_inbound",
    "required_text",
]
