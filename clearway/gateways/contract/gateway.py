"""The calls that every connector offers, and the optional ones."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from clearway.gateways.contract.abilities import Abilities
from clearway.gateways.contract.inbound import Inbound, InboundRequest
from clearway.gateways.contract.operations import Operation
from clearway.gateways.contract.outcomes import GatewayOutcome


class Gateway(Protocol):
    """What every connector offers. All calls are safe to repeat with the same key."""

    name: str
    abilities: Abilities

    async def authorise(self, operation: Operation) -> GatewayOutcome:
        """Reserve or take the money: APPROVED, DECLINED, NEEDS_ACTION, PENDING, RETRYABLE or UNKNOWN."""

    async def capture(self, operation: Operation) -> GatewayOutcome:
        """Take part or all of an authorised amount: APPROVED, DECLINED, PENDING, RETRYABLE or UNKNOWN."""

    async def void(self, operation: Operation) -> GatewayOutcome:
        """Release what is authorised and not captured, or cancel a pending payment.

        APPROVED: nothing more will be taken. DECLINED: too late, the money is already taken.
        """

    async def refund(self, operation: Operation) -> GatewayOutcome:
        """Give money back: APPROVED, DECLINED, PENDING, RETRYABLE or UNKNOWN."""

    async def recover(self, operation: Operation) -> GatewayOutcome:
        """Return the present state of an operation that may have been sent, and change nothing.

        The kinds are those of the operation itself, PREPARED when the customer has approved on the gateway's page and
        `authorise` is to be sent again, or NOT_FOUND when the gateway shows none. UNKNOWN means that the
        question was not answered. Call it by `find_out`, which knows when NOT_FOUND may be believed. It is never called
        for kinds of operation that the connector finds out BY_REPLAY or NEVER.
        """

    async def read_inbound(self, request: InboundRequest) -> Inbound:
        """Verify a request of the gateway (both directions of clock skew) and read it.

        Raises SignatureInvalidError or EventUnreadableError.
        """

    async def aclose(self) -> None:
        """Close the connections."""


@runtime_checkable
class Preparing(Protocol):
    """A gateway with a first step that moves no money, such as an intent or an order: optional."""

    async def prepare(self, operation: Operation) -> GatewayOutcome:
        """Take the first step of an authorisation, by its key: PREPARED, or DECLINED, RETRYABLE or UNKNOWN.

        It may always be repeated: no money can move before `authorise`. PREPARED has references or a
        state; they are recorded, and given to `authorise`.
        """


@runtime_checkable
class PreparingRefunds(Protocol):
    """A gateway without idempotency for refunds, whose look-up compares with an earlier reading: optional."""

    async def prepare_refund(self, operation: Operation) -> GatewayOutcome:
        """Read what a later look-up compares with, such as the amount refunded so far; change nothing.

        PREPARED: `state` is recorded before the refund is sent, and given back as `baseline` with each repeat and each
        question. UNKNOWN: not read. No other refund of the payment is under way meanwhile.
        """


@runtime_checkable
class Aborting(Protocol):
    """A gateway that can cancel an operation of unknown outcome: optional."""

    async def abort(self, operation: Operation) -> GatewayOutcome:
        """Make sure that an authorisation does not and will not take money.

        DECLINED with `executed=no`: it surely takes none. APPROVED: too late, it did. UNKNOWN: not known yet.
        """
