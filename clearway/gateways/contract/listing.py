"""A gateway's own list of its operations: optional. It finds operations that the database lost, or that differ."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from clearway.gateways.contract.operations import OperationKind
from clearway.gateways.contract.outcomes import GatewayOutcome


class GatewayUnavailableError(Exception):
    """The gateway could not be reached for a call that has no effect (tokenising, listing). Try again."""


@dataclass(frozen=True, slots=True)
class ListedOperation:
    """One operation in the gateway's own list, in our database or not.

    payment_id: our id, as sent to the gateway. key: our idempotency key. Both are None for an operation that was not
    made through Clearway. outcome: the operation's present state.
    """

    key: str | None
    kind: OperationKind
    payment_id: str | None
    outcome: GatewayOutcome
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OperationPage:
    """Some of the operations, in the gateway's order. cursor: where the next page begins; None: this was the last."""

    operations: tuple[ListedOperation, ...]
    cursor: str | None


@runtime_checkable
class OperationLister(Protocol):
    """A gateway whose own operations can be listed."""

    async def list_operations(self, *, since: datetime, cursor: str | None = None) -> OperationPage:
        """List the operations that were made or changed since a moment.

        Raises GatewayUnavailableError.
        """
