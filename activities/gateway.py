"""Calls to payment gateways: one activity, one call.

The workflow owns retries, waits and questions about unknown outcomes: only it may decide to send a charge again.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity

from clearway.breakers.counting import BreakerCounts, CalledGateway
from clearway.crypto.encryption import Cipher, DecryptionError
from clearway.durable.sealed import unseal
from clearway.gateways.connections import Connection, GatewayConnections, GatewayUnusableError
from clearway.gateways.contract import (
    UNKNOWN,
    Aborting,
    AnswerUnreadableError,
    Executed,
    Gateway,
    GatewayOutcome,
    Operation,
    OutcomeKind,
    Preparing,
    find_out,
)

UNUSABLE: Final = (GatewayUnusableError, SQLAlchemyError, OSError)
"""Why there is no connector: the configuration cannot be used, or the database is away."""


@dataclass(frozen=True)
class GatewayCall:
    """An operation to be sent to a gateway. personal: the encrypted customer data of an authorisation."""

    gateway_id: str
    operation: Operation
    personal: str | None = None


@dataclass(frozen=True)
class RecoverCall:
    """A question about an operation that may have been sent. at: the workflow's time, to judge a NOT_FOUND."""

    gateway_id: str
    operation: Operation
    at: datetime
    personal: str | None = None


class GatewayActivities:
    """The gateways, by the ids of configurations: credentials are read here, and are in no message.

    return_url_of: Clearway's return URL of a payment, for the gateway's page. counts: the circuit breakers' counts.
    """

    def __init__(
        self,
        gateways: GatewayConnections,
        return_url_of: Callable[[str], str],
        cipher: Cipher,
        counts: BreakerCounts | None = None,
    ) -> None:
        self._gateways = gateways
        self._counts = counts
        self._return_url_of = return_url_of
        self._cipher = cipher

    @activity.defn(name="authorise")
    async def authorise(self, call: GatewayCall) -> GatewayOutcome:
        """Reserve or take the money; PREPARED when the gateway has a first step and only that was taken.

        The customer comes back to Clearway, which knows the merchant's URL.
        """
        try:
            connection = await self._gateways.get(call.gateway_id)
            operation = self._opened(call.operation, call.personal)
        except (DecryptionError, *UNUSABLE) as error:  # without a key or a connector nothing was sent
            return _not_sent(call, error)
        if not connection.config.enabled:
            return _not_sent(call, GatewayUnusableError(f"gateway {call.gateway_id} is disabled"))
        gateway = connection.gateway
        if isinstance(gateway, Preparing) and not is_prepared(operation):
            return _of_preparing(await self._counted(connection, operation, gateway.prepare(operation)))
        return await self._counted(connection, operation, gateway.authorise(operation))

    @activity.defn(name="capture")
    async def capture(self, call: GatewayCall) -> GatewayOutcome:
        """Capture part or all of the authorised amount."""
        return await self._send(call, lambda gateway: gateway.capture(call.operation))

    @activity.defn(name="void")
    async def void(self, call: GatewayCall) -> GatewayOutcome:
        """Release what is authorised, or cancel a pending payment."""
        return await self._send(call, lambda gateway: gateway.void(call.operation))

    @activity.defn(name="refund")
    async def refund(self, call: GatewayCall) -> GatewayOutcome:
        """Give money back."""
        return await self._send(call, lambda gateway: gateway.refund(call.operation))

    @activity.defn(name="abort")
    async def abort(self, call: GatewayCall) -> GatewayOutcome:
        """Make sure that an authorisation takes no money; UNKNOWN where a gateway cannot."""
        try:
            connection = await self._gateways.get(call.gateway_id)
        except UNUSABLE as error:
            activity.logger.error("gateway %s cannot be asked to abort: %s", call.gateway_id, error)
            return UNKNOWN
        gateway = connection.gateway
        return await _outcome(gateway.abort(call.operation)) if isinstance(gateway, Aborting) else UNKNOWN

    @activity.defn(name="recover")
    async def recover(self, call: RecoverCall) -> GatewayOutcome:
        """Find out the outcome of an operation; UNKNOWN when the gateway cannot be asked."""
        operation = call.operation
        try:
            operation = self._opened(operation, call.personal)
        except DecryptionError as error:  # the gateway can be asked without it
            activity.logger.warning("the payment's personal data cannot be opened: %s", error)
        try:
            connection = await self._gateways.get(call.gateway_id)
        except UNUSABLE as error:
            activity.logger.error("gateway %s cannot be asked: %s", call.gateway_id, error)
            return UNKNOWN
        return await _outcome(find_out(connection.gateway, operation, call.at))

    async def _send(self, call: GatewayCall, send: Callable[[Gateway], Awaitable[GatewayOutcome]]) -> GatewayOutcome:
        """Send a capture, void or refund: also to a disabled gateway, because the money is there."""
        try:
            connection = await self._gateways.get(call.gateway_id)
        except UNUSABLE as error:
            return _not_sent(call, error)
        return await self._counted(connection, call.operation, send(connection.gateway))

    async def _counted(
        self, connection: Connection, operation: Operation, calling: Awaitable[GatewayOutcome]
    ) -> GatewayOutcome:
        """Return the outcome of a call, noted for the gateway's circuit breaker."""
        started = time.monotonic()
        outcome = await _outcome(calling)
        if self._counts is not None:
            called = CalledGateway(connection.config.merchant_id, connection.config.id, operation.kind.value)
            self._counts.note(called, outcome, time.monotonic() - started)
        return outcome

    def _opened(self, operation: Operation, personal: str | None) -> Operation:
        """Return the operation with decrypted customer data and the return URL. Raises DecryptionError."""
        asked = operation.authorisation
        if asked is None or not personal:
            return operation
        instrument = unseal(self._cipher, operation.payment_id, personal).instrument
        return_url = self._return_url_of(operation.payment_id)
        return replace(operation, authorisation=replace(asked, instrument=instrument, return_url=return_url))


def _not_sent(call: GatewayCall, error: Exception) -> GatewayOutcome:
    activity.logger.error("%s was not sent to gateway %s: %s", call.operation.key, call.gateway_id, error)
    return GatewayOutcome(OutcomeKind.RETRYABLE)


def is_prepared(operation: Operation) -> bool:
    """Return whether the gateway's first step is taken and its result recorded."""
    return bool(operation.references) or operation.state is not None


def _of_preparing(outcome: GatewayOutcome) -> GatewayOutcome:
    """A first step moves no money, so one with an unknown outcome is repeated."""
    if outcome.kind is not OutcomeKind.UNKNOWN:
        return outcome
    return replace(outcome, kind=OutcomeKind.RETRYABLE, executed=Executed.NO)


async def _outcome(calling: Awaitable[GatewayOutcome]) -> GatewayOutcome:
    """Return the outcome of a call; UNKNOWN when the connector could not read the answer."""
    try:
        return await calling
    except AnswerUnreadableError as error:
        activity.logger.warning("the gateway's answer is unreadable: %s", error)
        return UNKNOWN
