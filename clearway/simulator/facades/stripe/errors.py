"""Stripe's errors: the body of each, and the mapping of the engine's failures to them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from clearway.simulator.failures import MESSAGES

INVALID_REQUEST: Final = "invalid_request_error"


class StripeError(Exception):
    """An answer that is an error. `more` are further fields of the error object, such as the PaymentIntent."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = INVALID_REQUEST,  # noqa: A002 - the name of the field
        code: str | None = None,
        param: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"message": message, "type": type} | _given(code=code, param=param, **more)
        if code:
            self.error["doc_url"] = doc_url(code)

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the body of the answer."""
        log = f"https://dashboard.stripe.com/test/workbench/logs?object={request_id}"
        return {"error": self.error | {"request_log_url": log}}


def doc_url(code: str) -> str:
    """Return where Stripe explains an error code."""
    return "https://docs.stripe.com/error-codes#" + code.replace("_", "-")


def missing(kind: str, object_id: str, param: str = "intent", status: int = 404) -> StripeError:
    """Return the error about an object that this account does not have."""
    return StripeError(status, f"No such {kind}: '{object_id}'", code="resource_missing", param=param)


@dataclass(frozen=True, slots=True)
class Failure:
    """Stripe's error for a failed payment. charged: there is a failed charge."""

    code: str
    decline_code: str | None = None
    advice_code: str | None = None
    network_code: str | None = None
    charged: bool = True
    blocked: bool = False

    def error(self, message: str) -> dict[str, Any]:
        """Return the error object's fields."""
        return {
            "type": "card_error",
            "code": self.code,
            "message": message,
            "doc_url": doc_url(self.code),
        } | _given(decline_code=self.decline_code, advice_code=self.advice_code, network_decline_code=self.network_code)


def _declined(decline_code: str, advice_code: str, network_code: str) -> Failure:
    return Failure("card_declined", decline_code, advice_code, network_code)


_AUTHENTICATION: Final = Failure("payment_intent_authentication_failure", charged=False)
FAILURES: Final = {
    "generic_decline": _declined("generic_decline", "try_again_later", "05"),
    "insufficient_funds": _declined("insufficient_funds", "try_again_later", "51"),
    "lost_card": _declined("lost_card", "do_not_try_again", "41"),
    "stolen_card": _declined("stolen_card", "do_not_try_again", "43"),
    "card_velocity_exceeded": _declined("card_velocity_exceeded", "try_again_later", "65"),
    "expired_card": Failure("expired_card", "expired_card", "confirm_card_data", "54"),
    "incorrect_cvc": Failure("incorrect_cvc", "incorrect_cvc", "confirm_card_data", "82"),
    "processing_error": Failure("processing_error", "processing_error", "try_again_later"),
    "highest_risk_level": Failure("card_declined", "fraudulent", "do_not_try_again", blocked=True),
    "authentication_unavailable": _declined("authentication_required", "try_again_later", "1A"),
    "authentication_failed": _AUTHENTICATION,
    "customer_cancelled": _AUTHENTICATION,
    "customer_timeout": Failure("payment_intent_payment_attempt_expired", charged=False),
}
"""The engine's failures in Stripe's words. What is not here is a generic decline."""
MESSAGES_OF_CODES: Final = {
    "payment_intent_authentication_failure": (
        "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new"
        " PaymentMethod to attempt to fulfill this PaymentIntent again."
    ),
}


def failure_of(engine_failure: str) -> Failure:
    """Return Stripe's error for a failed payment."""
    return FAILURES.get(engine_failure, FAILURES["generic_decline"])


def message_of(engine_failure: str) -> str:
    """Return Stripe's message for a failure."""
    code = failure_of(engine_failure).code
    return MESSAGES_OF_CODES.get(code) or MESSAGES.get(engine_failure, "Your card was declined.")


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
