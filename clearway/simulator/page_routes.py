"""The customer's pages: show a page that waits for them, and handle its buttons."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from clearway.simulator import pages
from clearway.simulator.engine import PaymentUnknownError
from clearway.simulator.records import Operation, Payment, Status
from clearway.simulator.scenarios import Challenge
from clearway.simulator.service import Running, Service
from clearway.simulator.wire import page_path

router = APIRouter()

Page = Literal["3ds", "upi", "bank"]
Button = Literal["complete", "fail", "cancel"]


@router.get("/", response_class=HTMLResponse)
async def show_index() -> Response:
    """Show what is served here: the simulator's own API, and the stand-ins."""
    return HTMLResponse(pages.index_page(), headers=pages.HEADERS)


@router.get("/{page}/{reference}", response_class=HTMLResponse)
async def show_page(page: Page, reference: str, service: Running) -> Response:
    """Show the page of a payment that waits for its customer; or a result page with the way back."""
    payment, operation = _visited(service, page, reference)
    if operation.status is not Status.REQUIRES_ACTION:
        return _done(payment, operation)
    return HTMLResponse(pages.challenge_page(payment), headers=pages.HEADERS)


@router.post("/{page}/{reference}/{button}", response_class=HTMLResponse)
async def press_button(page: Page, reference: str, button: Button, service: Running) -> Response:
    """Take the customer's answer and send them back to the shop."""
    payment, operation = _visited(service, page, reference)
    if not service.engine.answer_page(reference, button):
        return _done(payment, operation)
    if payment.return_url and payment.scenario.challenge is not Challenge.INTENT:  # a UPI app sends nobody back
        return RedirectResponse(payment.return_url, 303, pages.HEADERS)
    text = pages.result_page("Thank you", "Your answer is recorded. You can close this page.")
    return HTMLResponse(text, headers=pages.HEADERS)


def _visited(service: Service, page: str, reference: str) -> tuple[Payment, Operation]:
    payment, operation = service.engine.payment_with_operation(reference)
    if page_path(payment) != f"/{page}/{reference}":
        raise PaymentUnknownError
    return payment, operation


def _done(payment: Payment, operation: Operation) -> Response:
    return HTMLResponse(pages.done_page(payment, operation), headers=pages.HEADERS)
