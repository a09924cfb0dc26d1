"""Every `code` the API answers with: its status, what it means, and how it stands in the OpenAPI document.

The list is the contract: a code is never renamed, and a route declares the ones it can answer with. The general shape
is RFC 9457; `api/http/errors.py` turns exceptions into it.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE: Final = "application/problem+json"
QUOTA_EXCEEDED_TYPE: Final = "https://iana.org/assignments/http-problem-types#quota-exceeded"


class FieldProblem(BaseModel):
    """One field of the request that is not valid."""

    field: str = Field(
        examples=["card.expiry_month"], description="A path into the body, or the name of a query parameter."
    )
    message: str = Field(examples=["Input should be less than or equal to 12"])


class Problem(BaseModel):
    """An error in the form of RFC 9457. Programs match `code`; people read `detail`."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="A URI that names the kind of problem.", examples=["urn:clearway:order_not_found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(description="What happened, what it means for the money, and what to do next.")
    code: str = Field(description="A stable name for the problem, for programs to match.", examples=["order_not_found"])
    request_id: str = Field(description="The id of the request. Give it when you ask for support.")
    errors: list[FieldProblem] | None = Field(default=None, description="The fields that are not valid, if any.")


CODES: Final[dict[str, tuple[int, str]]] = {
    "malformed_json": (400, "The body is not valid JSON, is nested too deeply or has a field twice. Nothing was done."),
    "header_repeated": (400, "A header was sent twice with different values. Nothing was done."),
    "idempotency_key_invalid": (400, "The Idempotency-Key is not 1 to 255 visible ASCII characters. Nothing was done."),
    "merchant_missing": (400, "Name the merchant in the header X-Clearway-Merchant. Nothing was done."),
    "cursor_invalid": (400, "The cursor is not a `next_cursor` of this list. Start again without a cursor."),
    "last_event_id_invalid": (400, "Last-Event-ID is not the id of a message. Leave it out to get new events only."),
    "credentials_missing": (401, "Send both X-Api-Key and X-Api-Secret. Nothing was done."),
    "credentials_malformed": (
        401,
        "The credentials do not have the form of Clearway's. Send `key_…` as X-Api-Key, `secret_…` as X-Api-Secret.",
    ),
    "credentials_invalid": (
        401,
        "The API key is unknown, revoked or expired, or the secret or password is wrong. Nothing was done.",
    ),
    "code_invalid": (401, "The code is wrong, expired or already used. Nothing was done. Enter the next one."),
    "totp_needed": (401, "A code of the authenticator app, or a recovery code, is needed too. Nothing was done."),
    "session_missing": (401, "This request needs a signed-in user. Nothing was done. Sign in."),
    "session_ended": (401, "The session has ended or is unknown. Nothing was done. Sign in again."),
    "signature_invalid": (401, "The webhook's signature is missing, wrong or too old. Nothing was changed."),
    "address_not_allowed": (403, "The API key may not be used from the client's address. Nothing was done."),
    "permission_missing": (403, "The API key or role does not have the permission that is needed. Nothing was done."),
    "origin_not_allowed": (403, "A browser's session is accepted from the dashboard's origin only. Nothing was done."),
    "registration_closed": (403, "People cannot register themselves here. Nothing was done. Ask for an invitation."),
    "step_up_required": (403, "Nothing was done. Send your password or a code to POST /users/me/step_up first."),
    "request_header_missing": (403, "Send X-Clearway-Request: 1 with each request of a session. Nothing was done."),
    "totp_required_by_account": (403, "The account requires a second factor. Nothing was done. Turn TOTP on."),
    "route_not_found": (404, "There is no route at this address. Check the path and its version."),
    "merchant_not_found": (404, "You have no merchant with this id."),
    "session_not_found": (404, "You have no open session with this id."),
    "saved_view_not_found": (404, "You have no view with this id."),
    "order_not_found": (404, "You have no order with this id."),
    "reconciliation_not_found": (404, "You have no reconciliation with this id."),
    "reconciliation_item_not_found": (404, "You have no reconciliation item with this id."),
    "customer_not_found": (404, "None of your payments names this customer."),
    "payment_not_found": (404, "You have no payment with this id."),
    "refund_not_found": (404, "You have no refund with this id."),
    "logged_request_not_found": (404, "The log has no request with this id, or it is too old."),
    "event_not_found": (404, "You have no event with this id."),
    "gateway_not_found": (404, "You have no gateway with this id."),
    "error_row_not_found": (404, "The error table has no such row. Nothing was saved."),
    "error_override_not_found": (404, "You have no error override with this id."),
    "password_refused": (422, "The password is too short or easy to guess; `detail` says which. Nothing was changed."),
    "token_invalid": (422, "The link is wrong, expired or already used. Nothing was changed. Request a new one."),
    "totp_enabled": (409, "TOTP is on already. Nothing was changed."),
    "totp_not_begun": (409, "There is no new TOTP secret to confirm. Nothing was changed."),
    "totp_not_enabled": (409, "TOTP is off. Nothing was changed."),
    "password_too_short": (409, "The password is too short to be the only factor. Nothing was changed."),
    "account_not_found": (404, "You are not a member of an account with this id."),
    "too_many_attempts": (429, "Too many attempts. Nothing was done. Wait `Retry-After` seconds."),
    "user_exists": (409, "There is a user with this e-mail address already. Nothing was created."),
    "error_override_invalid": (422, "The fields of the override contradict each other. Nothing was saved."),
    "gateway_kind_not_found": (404, "There is no kind of gateway with this name."),
    "gateway_event_not_found": (404, "Your gateways have sent no event with this id."),
    "api_key_not_found": (404, "You have no API key with this id."),
    "webhook_endpoint_not_found": (404, "You have no webhook endpoint with this id."),
    "webhook_recovery_not_found": (404, "You have no recovery with this id of this endpoint."),
    "webhook_not_found": (404, "You have no webhook delivery with this id."),
    "method_not_allowed": (
        405,
        "This address does not support the HTTP method; `Allow` lists those it does. Nothing was done.",
    ),
    "no_gateway": (409, "No gateway can take the payment; `detail` says why. Nothing was charged."),
    "gateway_cannot": (422, "The gateway that you named cannot take the payment. Nothing was charged. Leave it out."),
    "routing_version_not_found": (404, "You have no version of your routing rules with this number."),
    "routing_decision_not_found": (404, "No routing decision is stored with this payment."),
    "routing_version_limit": (409, "You have the maximum number of versions of routing rules. Nothing was saved."),
    "routing_nothing_before": (409, "There is no earlier active version to return to. Nothing was changed."),
    "routing_refuses": (
        409,
        "By this version some recent payments would find no gateway. Nothing was changed. Send `force` to activate it.",
    ),
    "routing_program_invalid": (
        422,
        "The routing rules name gateways that are not yours. Nothing was saved.",
    ),
    "gateway_disabled": (409, "The gateway that you named is disabled. Nothing was charged. Enable it, or name none."),
    "gateway_event_incomplete": (409, "Only the beginning of the gateway event is kept. It was not processed again."),
    "gateway_limit": (409, "You have the maximum number of gateways. Delete one first. Nothing was saved."),
    "gateway_changed": (409, "Another request changed the gateway at the same time. Nothing was saved. Try again."),
    "gateway_in_use": (409, "Payments or refunds are open on the gateway; `detail` names them. It was not deleted."),
    "order_has_payment": (
        409,
        "The order has a payment in progress or a successful one. Nothing was charged. Read that payment.",
    ),
    "order_closed": (409, "The order was cancelled or has expired. Nothing was charged. Create another order."),
    "order_not_cancellable": (
        409,
        "It is paid or expired, or its payment cannot be cancelled; `detail` says which. Nothing was changed.",
    ),
    "not_resolvable": (
        409,
        "It is not in needs_review, or its state does not allow the decision. Nothing was changed.",
    ),
    "reconciliation_running": (409, "A reconciliation of this gateway is running. Nothing was started. Wait for it."),
    "reconciliation_item_closed": (409, "The item is closed already. Nothing was changed."),
    "not_forgettable": (
        409,
        "The payment has not ended, so its personal data are still needed. Nothing was removed. Try again when it has.",
    ),
    "capture_not_supported": (
        422,
        "The payment's gateway cannot capture a part, or only once; `detail` says which. Nothing was captured.",
    ),
    "refund_not_supported": (
        422,
        "The payment's gateway takes no refunds, or none of a part; `detail` says which. Nothing was refunded.",
    ),
    "not_capturable": (409, "The payment's status or amount does not allow this capture. Nothing was captured."),
    "not_cancellable": (409, "The payment's status does not allow a cancellation. Nothing was changed."),
    "not_retryable": (409, "The payment is not retrying. Nothing was charged by this request."),
    "retry_method_differs": (422, "A retry must use the payment's own method. Nothing was charged."),
    "amount_not_refundable": (409, "The amount is more than what is left to refund. Nothing was refunded."),
    "saved_view_limit": (409, "You have the maximum number of views. Delete one first. Nothing was saved."),
    "saved_view_exists": (409, "You have a view of this list with this name. Nothing was saved. Choose another name."),
    "api_key_limit": (409, "You have the maximum number of API keys. Revoke one first. Nothing was created."),
    "api_key_closed": (
        409,
        "The API key is revoked or expired, or its secret can no longer be shown. Use another key.",
    ),
    "webhook_endpoint_limit": (
        409,
        "You have the maximum number of webhook endpoints. Delete one first. Nothing was registered.",
    ),
    "webhook_endpoint_closed": (409, "The endpoint is disabled or deleted. Nothing was sent. Enable it first."),
    "fault_invalid": (422, "The simulator does not have this fault for this operation. Nothing was changed."),
    "test_mode_only": (409, "This works in test mode only. Nothing was done. Use the test merchant."),
    "webhook_recovery_running": (
        409,
        "Another recovery of this endpoint is running. Nothing was started. Wait for its end.",
    ),
    "webhook_retry_limit": (409, "The delivery has reached the maximum number of attempts. Nothing was sent."),
    "body_too_large": (413, "The body is larger than 64 KiB. Nothing was done."),
    "unsupported_media_type": (415, "The body must be application/json and not compressed. Nothing was done."),
    "person_needed": (409, "This request needs a signed-in user, not an API key. Nothing was done. Sign in."),
    "export_too_large": (422, "The list has more rows than an XLSX file may have. Nothing was written. Use CSV."),
    "validation_error": (422, "A field or parameter is not valid; see `errors`. Nothing was done."),
    "live_key_needed": (
        403,
        "A test key cannot change what also applies to the live merchant. Nothing was changed. Sign in.",
    ),
    "operator_only": (403, "Only operators of the installation may do this. Nothing was done."),
    "operator_totp_required": (403, "Operators need a second factor. Nothing was done. Turn TOTP on."),
    "job_not_found": (404, "The installation has no job with this id. `GET /operator/jobs` lists them."),
    "review_not_found": (404, "There is no review with this id."),
    "review_closed": (409, "The review is closed already. Nothing was changed."),
    "mail_not_resendable": (409, "The mail did not fail, or its link has expired. Nothing was sent."),
    "role_above_own": (403, "The role has permissions that you do not have. Nothing was changed. Ask an owner."),
    "member_not_found": (404, "The account has no member with this id."),
    "invitation_not_found": (404, "The account has no invitation with this id."),
    "last_owner": (409, "The account has no other owner. Nothing was changed. Make somebody else an owner first."),
    "member_exists": (409, "The person is a member already. Nothing was sent. Change the role instead."),
    "invitation_open": (409, "The address has an open invitation. Nothing was sent. Send that one again."),
    "invitation_limit": (409, "The account has the maximum number of open invitations. Revoke one first."),
    "invitation_closed": (409, "The invitation is accepted or revoked. Nothing was changed."),
    "invitation_for_another": (409, "The invitation is for another e-mail address. Sign in with that address."),
    "invitation_invalid": (422, "The link is wrong, used, revoked or expired. Ask to be invited again."),
    "settings_invalid": (
        422,
        "Colours have too little contrast, or an origin is not secure; `detail` says which. Nothing was changed.",
    ),
    "webhook_url_refused": (422, "Webhooks cannot be sent to this URL; `detail` says why. Nothing was changed."),
    "dry_run_invalid": (422, "The steps cannot be read, or the gateway has no dry run. Nothing was sent."),
    "gateway_import_invalid": (422, "The file cannot be opened or is for another mode. Nothing was imported."),
    "gateway_config_invalid": (422, "The gateway's credentials or settings are not valid. Nothing was saved."),
    "gateway_test_failed": (422, "The gateway refused the credentials or did not answer. Nothing was saved."),
    "fx_quote_not_found": (404, "You have no quote with this id. Nothing was charged."),
    "fx_quote_expired": (409, "The quote has expired. Nothing was charged. Ask for another."),
    "fx_quote_used": (409, "Another payment has used the quote. Nothing was charged. Ask for another."),
    "fx_quote_invalid": (422, "The quote is for another order. Nothing was charged."),
    "fx_rates_stale": (409, "The exchange rates are too old for live payments. Nothing was quoted."),
    "fx_pair_invalid": (422, "The order cannot be paid in this currency; `detail` says why. Nothing was quoted."),
    "customer_not_named": (422, "Send either `email` or `id`, so that one customer is named."),
    "statistics_period_invalid": (
        422,
        "The period is empty, too long, or has too many payments. Ask for a shorter one.",
    ),
    "performance_period_invalid": (
        422,
        "The period is empty, too long, or has too many payments. Ask for a shorter one.",
    ),
    "reconciliation_period_invalid": (
        422,
        "The period is empty, too long, or ends in the future. Nothing was started.",
    ),
    "settlement_file_invalid": (422, "The file cannot be read; `detail` names the row. Nothing was imported."),
    "recovery_period_invalid": (422, "The period of the recovery is empty or begins too early. Nothing was started."),
    "idempotency_key_reused": (
        422,
        "The Idempotency-Key was used with another request. Nothing was done. Use a new key.",
    ),
    "card_number_refused": (422, "A field that is stored holds a card number. Nothing was stored. Remove the number."),
    "raw_card_refused": (
        422,
        "Card numbers are accepted from test merchants only. Nothing was stored. Send a token instead.",
    ),
    "card_refused": (422, "The gateway refused the card; `code` is the decline code. Nothing was charged."),
    "rate_limited": (429, "Too many requests. Nothing was done. Repeat the request after `Retry-After` seconds."),
    "internal_error": (
        500,
        "The server failed, and the request may have been carried out. Repeat it with the same Idempotency-Key.",
    ),
    "request_contended": (
        503,
        "Several requests with this Idempotency-Key ran at once. Repeat the request with the same key.",
    ),
    "statistics_too_slow": (
        503,
        "The query took too long. Payments are not affected. Ask for a shorter period, or try again.",
    ),
    "too_many_listeners": (
        503,
        "Too many event streams are open. No event is lost: poll `GET /events`, or try again later.",
    ),
    "database_unavailable": (
        503,
        "The database does not answer. Repeat the request with the same Idempotency-Key.",
    ),
    "overloaded": (
        503,
        "The server is overloaded. Nothing was started. Repeat the request after `Retry-After` seconds.",
    ),
    "simulator_unavailable": (503, "The simulator does not answer. Nothing was done. Repeat the request."),
    "temporal_unavailable": (
        503,
        "The workflow service did not answer in time. Repeat the request with the same Idempotency-Key.",
    ),
    "gateway_unavailable": (503, "The gateway could not be reached. Nothing was charged. Try again."),
    "gateway_outcome_unknown": (
        504,
        "The gateway has not confirmed the outcome. Do not repeat with another key; read the payment.",
    ),
}
"""Code: (status, what it means)."""

ALWAYS: Final = ("internal_error", "database_unavailable")
TO_MERCHANTS: Final = (
    "header_repeated",
    "merchant_missing",
    "credentials_missing",
    "credentials_malformed",
    "credentials_invalid",
    "session_ended",
    "origin_not_allowed",
    "request_header_missing",
    "totp_required_by_account",
    "operator_totp_required",
    "merchant_not_found",
    "address_not_allowed",
    "permission_missing",
    "validation_error",
    "rate_limited",
)
TO_PEOPLE: Final = (
    "header_repeated",
    "credentials_malformed",
    "session_missing",
    "session_ended",
    "origin_not_allowed",
    "request_header_missing",
    "validation_error",
    "rate_limited",
)
TO_ANYBODY: Final = ("header_repeated", "validation_error", "rate_limited")
WITH_BODY: Final = ("malformed_json", "body_too_large", "unsupported_media_type")
ONCE: Final = ("idempotency_key_invalid", "idempotency_key_reused", "request_contended")
"""Of every call that takes an Idempotency-Key."""


def problem(
    code: str, detail: str, *, status: int, title: str, request_id: str, errors: list[FieldProblem] | None = None
) -> dict[str, Any]:
    """Return the JSON form of a problem."""
    kind = QUOTA_EXCEEDED_TYPE if code == "rate_limited" else f"urn:clearway:{code}"
    body = Problem(
        type=kind, title=title, status=status, detail=detail, code=code, request_id=request_id, errors=errors
    )
    return body.model_dump(mode="json", exclude_none=True)


def declare(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI `responses` of a route that can answer with these codes, and with those any route can."""
    by_status: dict[int, list[str]] = {}
    for code in (*codes, *ALWAYS):
        by_status.setdefault(CODES[code][0], []).append(code)
    return {status: _response(status, list(dict.fromkeys(named))) for status, named in sorted(by_status.items())}


def examples() -> dict[str, dict[str, Any]]:
    """Return an example of every problem, for the components of the OpenAPI document."""
    return {
        code: {
            "summary": meaning,
            "value": problem(
                code,
                meaning,
                status=status,
                title=HTTPStatus(status).phrase,
                request_id="req_01m7yv46ss6km74zc9tm5bynqd",
            ),
        }
        for code, (status, meaning) in CODES.items()
    }


def _response(status: int, codes: list[str]) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": " ".join(f"`{code}`: {CODES[code][1]}" for code in codes),
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
            }
        },
    }
    if status == HTTPStatus.TOO_MANY_REQUESTS or "overloaded" in codes:
        response["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return response
