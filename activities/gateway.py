"""Calls to payment gateways: one activity, one call.

Retries, waits and questions about unknown outcomes are the workflow's: only it may decide to send a charge again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from temporalio import activity

from clearway.crypto.encryption import Cipher, DecryptionError
from clearway.domain.payment import CaptureMethod
from clearway.durable.sealed import unseal
from clearway.gateways.contract import (
    UNKNOWN,
    AnswerUnreadableError,
    AuthoriseRequest,
    FollowUpRequest,
    Gateway,
    GatewayOutcome,
    OutcomeKind,
)


@dataclass(frozen=True)
class AuthoriseCall:
    """An authorisation at a gateway; the fields are those of `AuthoriseRequest`, but what is personal is sealed."""

    gateway: str
    key: str
    payment_id: str
    amount_minor: int
    currency: str
    method: str
    capture_method: CaptureMethod
    personal: str


@dataclass(frozen=True)
class FollowUpCall:
    """A capture, void or refund at a gateway."""

    gateway: str
    request: FollowUpRequest


@dataclass(frozen=True)
class LookUpCall:
    """A question about the operation that was sent with `key`."""

    gateway: str
    key: str


class GatewayActivities:
    """The gateways, by name. return_url_of: where the customer of a payment comes back to from the gateway's page."""

    def __init__(self, gateways: Mapping[str, Gateway], return_url_of: Callable[[str], str], cipher: Cipher) -> None:
        self._gateways = gateways
        self._return_url_of = return_url_of
        self._cipher = cipher

    @activity.defn(name="authorise")
    async def authorise(self, call: AuthoriseCall) -> GatewayOutcome:
        """Reserve or take the money. The customer comes back to Clearway, which knows the merchant's URL."""
        try:
            request = self._request(call)
        except DecryptionError as error:  # no key, no call: surely nothing was sent
            activity.logger.error("the payment cannot be sent to its gateway: %s", error)
            return GatewayOutcome(OutcomeKind.RETRYABLE)
        return await _outcome(self._gateways[call.gateway].authorise(request))

    @activity.defn(name="capture")
    async def capture(self, call: FollowUpCall) -> GatewayOutcome:
        """Capture part or all of the authorised amount."""
        return await _outcome(self._gateways[call.gateway].capture(call.request))

    @activity.defn(name="void")
    async def void(self, call: FollowUpCall) -> GatewayOutcome:
        """Release what is authorised, or call a pending payment off."""
        return await _outcome(self._gateways[call.gateway].void(call.request))

    @activity.defn(name="refund")
    async def refund(self, call: FollowUpCall) -> GatewayOutcome:
        """Give money back."""
        return await _outcome(self._gateways[call.gateway].refund(call.request))

    @activity.defn(name="look_up")
    async def look_up(self, call: LookUpCall) -> GatewayOutcome:
        """Ask what became of an operation."""
        return await _outcome(self._gateways[call.gateway].look_up(call.key))

    def _request(self, call: AuthoriseCall) -> AuthoriseRequest:
        return AuthoriseRequest(
            key=call.key,
            payment_id=call.payment_id,
            amount_minor=call.amount_minor,
            currency=call.currency,
            method=call.method,
            instrument=unseal(self._cipher, call.payment_id, call.personal).instrument,
            capture_method=call.capture_method,
            return_url=self._return_url_of(call.payment_id),
        )


async def _outcome(calling: Awaitable[GatewayOutcome]) -> GatewayOutcome:
    """Return the outcome of a call; UNKNOWN when the connector let an unusable answer through."""
    try:
        return await calling
    except AnswerUnreadableError as error:
        activity.logger.warning("the gateway's answer is unreadable: %s", error)
        return UNKNOWN
