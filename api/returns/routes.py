"""Where gateways send customers back to, and the secret with which merchants verify that they came from here."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.requests import Request
from starlette.responses import Response

from api.auth.permissions import requires
from api.auth.principal import Principal, limit_address
from api.auth.step_up import requires_step_up
from api.http.middleware import is_head
from api.http.problems import TO_ANYBODY, TO_MERCHANTS, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.returns.pages import DONE_PAGE, FORM_POLICY, form_page
from api.returns.schemas import ReturnSecret
from clearway.domain.permissions import Permission
from clearway.payments.returning import come_back, form_of, return_secrets_of

returns = Router(tags=["public"], dependencies=[Depends(limit_address)], any_query=True)
"""Apart from the other routers: a gateway may add parameters of its own to the URL."""
router = Router(tags=["payments"])

Reader = Annotated[Principal, requires(Permission.PAYMENTS_WRITE)]
"""A program that makes payments takes the customers back, too. With payments:read alone nobody can forge a return."""


@returns.get(
    "/payments/{payment_id}/return",
    status_code=HTTPStatus.SEE_OTHER,
    response_class=Response,
    responses=declare(*TO_ANYBODY, "payment_not_found"),
    summary="Return from the gateway's page",
)
async def return_customer(payment_id: str, request: Request, services: ServicesDep, token: str = "") -> Response:
    """Ask the gateway at once, wait up to 2.5 seconds for the payment to move on, and redirect to its `return_url`.

    The gateway gets this URL with a token that cannot be guessed. The redirect carries `payment_id`, `status`,
    `timestamp` and `signature`. Without a `return_url`, the customer sees a page that says thank you.
    """
    back = await come_back(services, payment_id, token, ask=not is_head(request))
    if back.url is None:
        return HTMLResponse(DONE_PAGE)
    return RedirectResponse(back.url, HTTPStatus.SEE_OTHER)


@returns.get(
    "/payments/{payment_id}/page",
    response_class=Response,
    responses=declare(*TO_ANYBODY, "payment_not_found"),
    summary="Go to the gateway's page by a form",
)
async def show_page(payment_id: str, services: ServicesDep, token: str = "") -> Response:
    """Post a form to the gateway, in the customer's browser, for gateways whose page is reached in this way.

    It is the `next_action.url` of such a payment. When nothing is left to do, the customer is redirected as after a
    return.
    """
    form = await form_of(services, payment_id, token)
    if form is not None:
        return HTMLResponse(form_page(form), headers={"content-security-policy": FORM_POLICY})
    back = await come_back(services, payment_id, token, ask=False)
    return HTMLResponse(DONE_PAGE) if back.url is None else RedirectResponse(back.url, HTTPStatus.SEE_OTHER)


@router.get(
    "/return_secret",
    dependencies=[requires_step_up],
    responses=declare(*TO_MERCHANTS, "step_up_required"),
    summary="Read the return secret",
)
async def get_return_secret(principal: Reader, services: ServicesDep) -> ReturnSecret:
    """Return the secret that signs the parameters of `return_url`. Keep it on your server.

    While Clearway's own keys are rotated there is a `next_secret`: accept signatures made with either.
    """
    secret, *following = return_secrets_of(services.settings, principal.merchant_id)
    return ReturnSecret(secret=secret, next_secret=following[0] if following else None)
