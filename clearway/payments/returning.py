"""A customer returns from the gateway's page: ask the gateway at once, wait briefly, and redirect them to the shop.

The gateway gets a URL of Clearway (`return_url_of`), not the merchant's. Clearway passes the gateway's answer to the
payment's workflow like a gateway event, and the workflow decides. The redirect goes only to the payment's return URL,
regardless of the request.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from urllib.parse import unquote_plus, urlencode, urlsplit, urlunsplit

import structlog

from clearway.crypto.api_secrets import Peppers
from clearway.crypto.returns import return_secrets, return_signature, return_token, token_matches
from clearway.db import across_merchants
from clearway.db.across_merchants import Returning
from clearway.domain.api import API_PREFIX
from clearway.domain.attempt import Attempt, attempt_key
from clearway.domain.errors import ClearwayError
from clearway.domain.ids import PAYMENT, is_id
from clearway.domain.payment import PaymentStatus
from clearway.durable.calls import WorkflowEndedError
from clearway.durable.gateway_events import pass_on
from clearway.durable.messages import GatewayEvent, payment_workflow_id
from clearway.durable.sealed import PostedForm, return_context, unseal_form
from clearway.gateways.connections import GatewayUnusableError
from clearway.gateways.contract import Operation, OperationKind, OutcomeKind, find_out
from clearway.payments.finding import payment_not_found
from clearway.services import Services
from clearway.settings import Settings

PATH: Final = API_PREFIX + "/payments/{payment_id}/return"
PAGE_PATH: Final = API_PREFIX + "/payments/{payment_id}/page"
ASK_TIMEOUT: Final = timedelta(milliseconds=1_500)
WAIT: Final = timedelta(milliseconds=2_500)
"""How long a customer waits for the payment to move on, in all."""
POLL: Final = timedelta(milliseconds=100)
WAITING: Final = frozenset({PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION})
SAYS_SOMETHING: Final = frozenset({OutcomeKind.APPROVED, OutcomeKind.DECLINED, OutcomeKind.PENDING})
PARAMETERS: Final = ("payment_id", "status", "timestamp", "signature")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Return:
    """Where the customer goes next. url None: the payment has no `return_url`."""

    url: str | None
    status: str


def return_url_of(settings: Settings, payment_id: str) -> str:
    """Return the URL to which the gateway sends the customer of this payment."""
    return _own_url(settings, PATH, payment_id)


def page_url_of(settings: Settings, payment_id: str) -> str:
    """Return the URL of the page that posts a form to the gateway, in the browser of this payment's customer."""
    return _own_url(settings, PAGE_PATH, payment_id)


def return_secrets_of(settings: Settings, merchant_id: str) -> list[str]:
    """Return the secrets with which the merchant verifies a return: first the one that signs, then those that will."""
    return return_secrets(_peppers(settings), merchant_id)


async def form_of(services: Services, payment_id: str, token: str) -> PostedForm | None:
    """Return the form that the customer's browser is to post; None when the payment awaits none (any more).

    Raises NotFoundError for an unknown payment and for a wrong token.
    """
    payment = await _shown(services, payment_id, token)
    if payment.action_form is None:
        return None
    return unseal_form(services.cipher, payment_id, payment.action_form)


async def come_back(services: Services, payment_id: str, token: str, *, ask: bool = True) -> Return:
    """Handle a returning customer. Raises NotFoundError for an unknown payment and for a wrong token.

    ask False: only return where the customer would go now, without a call to the gateway.
    """
    payment = await _shown(services, payment_id, token)
    if ask and payment.status in WAITING:
        payment = await _moved_on(services, payment)
    return Return(_url(services, payment, int(time.time())), payment.status)


async def _shown(services: Services, payment_id: str, token: str) -> Returning:
    """Return the payment to whoever shows its token."""
    if not is_id(PAYMENT, payment_id) or not token_matches(_peppers(services.settings), payment_id, token):
        raise payment_not_found(payment_id)
    structlog.contextvars.bind_contextvars(payment_id=payment_id)
    return await _read(services, payment_id)


def _own_url(settings: Settings, path: str, payment_id: str) -> str:
    token = return_token(_peppers(settings), payment_id)
    return f"{settings.api_public_url.rstrip('/')}{path.format(payment_id=payment_id)}?token={token}"


def _peppers(settings: Settings) -> Peppers:
    return Peppers.from_settings(settings.api_key_peppers.get_secret_value())


async def _moved_on(services: Services, payment: Returning) -> Returning:
    """Ask the gateway, then wait briefly for the payment to move on; return it after that."""
    ends_at = asyncio.get_running_loop().time() + WAIT.total_seconds()
    await _ask(services, payment)
    while payment.status in WAITING and asyncio.get_running_loop().time() < ends_at:
        await asyncio.sleep(POLL.total_seconds())
        payment = await _read(services, payment.id)
    return payment


async def _ask(services: Services, payment: Returning) -> None:
    """Ask the gateway and pass its answer on. A failure is harmless: polls and gateway events bring the same answer."""
    try:
        async with asyncio.timeout(ASK_TIMEOUT.total_seconds()):
            async with services.reader.connect() as connection:
                attempt = await across_merchants.find_last_attempt(connection, payment.id)
            if attempt is None:
                return
            operation = _authorisation(payment, attempt)
            connected = await services.gateways.get(attempt.gateway_id)
            outcome = await find_out(connected.gateway, operation, datetime.now(UTC))
            if outcome.kind in SAYS_SOMETHING:
                said = GatewayEvent(f"return of {payment.id}", operation.key, outcome)
                await pass_on(services.temporal, payment_workflow_id(payment.id), said)
    except (TimeoutError, ClearwayError, WorkflowEndedError, GatewayUnusableError) as error:
        log.info("gateway_not_asked_on_return", reason=type(error).__name__)


def _authorisation(payment: Returning, attempt: Attempt) -> Operation:
    """Return the attempt as an operation, for a look-up. The payment's row has the newer reference, if any."""
    newer = {"payment": payment.gateway_reference} if payment.gateway_reference else {}
    return Operation(
        kind=OperationKind.AUTHORISE,
        key=attempt_key(payment.id, attempt.number),
        payment_id=payment.id,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        references=attempt.references | newer,
        state=attempt.state,
        number=attempt.number,
        first_sent_at=attempt.started_at,
    )


async def _read(services: Services, payment_id: str) -> Returning:
    async with services.reader.connect() as connection:
        payment = await across_merchants.find_returning(connection, payment_id)
    if payment is None:
        raise payment_not_found(payment_id)
    return payment


def _url(services: Services, payment: Returning, now: int) -> str | None:
    """Return the merchant's URL with the signed parameters; parameters of the same names are replaced."""
    if payment.sealed_return_url is None:
        return None
    url = services.cipher.decrypt(payment.sealed_return_url, return_context(payment.id))
    return with_parameters(url, signed_parameters(services.settings, payment, now))


class Returned(Protocol):
    """The part of a payment that a return tells the merchant."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def merchant_id(self) -> str:
        """Whose secret signs."""

    @property
    def status(self) -> PaymentStatus:
        """Its status at the moment."""


def signed_parameters(settings: Settings, payment: Returned, now: int) -> dict[str, str]:
    """Return what a merchant's `return_url` is given: the payment, its status, and the signature over both."""
    secret, *_ = return_secrets_of(settings, payment.merchant_id)
    signature = return_signature(secret, payment.id, payment.status, now)
    return dict(zip(PARAMETERS, (payment.id, payment.status.value, str(now), signature), strict=True))


def with_parameters(url: str, parameters: Mapping[str, str]) -> str:
    """Return the merchant's URL with the signed parameters; its own parameters of the same names are replaced."""
    parts = urlsplit(url)
    own = [part for part in parts.query.split("&") if part and unquote_plus(part.partition("=")[0]) not in PARAMETERS]
    return urlunsplit(parts._replace(query="&".join([*own, urlencode(parameters)])))
