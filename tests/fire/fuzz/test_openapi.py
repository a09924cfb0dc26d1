"""The API and its document agree on every request and answer.

A request that the document allows may still be refused, for reasons that JSON Schema cannot express. Each such reason
stands in `REFUSED_ON_PURPOSE`, by the code and, for a validation error, by every field it complains of.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case

from clearway.dev.stack import Stack
from tests.fire.fuzz.conftest import EXAMPLES, KEY, Budget
from tests.fire.fuzz.contract import Finding, Report, follow
from tests.fire.fuzz.document import known_document, payment_document

pytestmark = pytest.mark.timeout(3_600)

ACCEPTANCE: Final = "positive_data_acceptance"
TOO_LARGE: Final = ("negative_data_rejection", "body_too_large")
"""A refusal all the same, with a status that schemathesis does not expect."""
PAYMENT_CHAINS: Final = 10
"""Chains about one payment, for each example of a single call."""
REACHED: Final = {
    "POST /api/v1/payments": 201,
    "POST /api/v1/payments/{payment_id}/capture": 200,
    "POST /api/v1/payments/{payment_id}/cancel": 200,
    "POST /api/v1/payments/{payment_id}/refunds": 201,
}
"""What chains from an order must have come to, or they prove nothing."""
RESTLESS: Final = frozenset({"pending", "processing", "retrying"})
REST_S: Final = 20.0
NEVER_AT_REST: Final = "pending@razorpay"
"""The simulator never decides a payment by this VPA: a wait for it only ends with REST_S."""


@dataclass(frozen=True)
class Refusal:
    """A request the document allows and the API refuses. fault: what a validation error says of the field.

    operations: where the refusal is allowed. Empty: everywhere.
    """

    code: str
    reason: str
    fault: str = ""
    operations: tuple[str, ...] = ()


SAVE_RULES: Final = ("POST /api/v1/routing/versions",)
SAVE_GATEWAY: Final = ("POST /api/v1/gateways", "PATCH /api/v1/gateways/{gateway_id}")

IMPORT: Final = ("POST /api/v1/reconciliations/imports",)
PERIODS: Final = (
    *("POST /api/v1/reconciliations", "POST /api/v1/reconciliations/imports"),
    *("GET /api/v1/gateways/performance", "GET /api/v1/gateways/{gateway_id}/performance"),
)
STATISTICS: Final = ("GET /api/v1/statistics/overview", "GET /api/v1/statistics/series")
RETRY: Final = ("POST /api/v1/payments/{payment_id}/retry",)
EXPORTS: Final = tuple(f"GET /api/v1/exports/{name}" for name in ("payments", "refunds", "orders"))

SET: Final = ("PATCH /api/v1/settings",)
VIEWS: Final = ("POST /api/v1/saved_views", "PATCH /api/v1/saved_views/{view_id}")
REFUSED_ON_PURPOSE: Final = (
    Refusal("live_key_needed", "the key of the run is a test key, which changes nothing of the account"),
    Refusal("fault_invalid", "only the simulator knows which faults it has", operations=("POST /api/v1/test/faults",)),
    Refusal(
        "validation_error", "some outcome has a weight", r"mix: .*at least one outcome.*", ("POST /api/v1/test/data",)
    ),
    Refusal(
        "validation_error",
        "the data of a test event have the form of its type",
        r"data(\..*)?: .*",
        ("POST /api/v1/webhook_endpoints/{endpoint_id}/test",),
    ),
    Refusal(
        "refund_not_supported",
        "only Clearway knows which payments were made up as test data",
        operations=("POST /api/v1/payments/{payment_id}/refunds",),
    ),
    Refusal("validation_error", "ECMA's white space lacks U+0085", r"email: This must be an e-mail address, .*"),
    Refusal("token_invalid", "only the mail has the link to confirm an address or to set a password"),
    Refusal("invitation_invalid", "only the mail has the link of an invitation"),
    Refusal("settings_invalid", "colours must read together", operations=SET),
    Refusal("validation_error", "an image is more than its pattern", r"branding\.logo: The logo .*", SET),
    Refusal("validation_error", "a port has a range", r"checkout\.allowed_origins\.\d+: The port .*", SET),
    Refusal("validation_error", "zones have names", r"time_zone: This is not a time zone, .*", SET),
    Refusal("validation_error", "a name is more than blanks", r"(account_)?name: Write a name", (*SET, *VIEWS)),
    Refusal("validation_error", "pages are safe", r"checkout\.\w+_url: (The|This) .*", SET),
    Refusal("validation_error", "currencies are known", r"security\.refund_step_up\..*: This is not an ISO .*", SET),
    Refusal("cursor_invalid", "a cursor is one that the list gave; only the list knows which"),
    Refusal("idempotency_key_invalid", "a key is visible ASCII; HTTP lets other bytes through"),
    Refusal("idempotency_key_reused", "the document's example of a key is sent with several bodies"),
    Refusal("webhook_url_refused", "which addresses are safe to send to is no matter of spelling"),
    Refusal("recovery_period_invalid", "a period has its beginning before its end, and not long ago"),
    Refusal("card_refused", "a card number has a check digit and an expiry date that is not past"),
    Refusal("card_number_refused", "no text may hold a card number, wherever it stands"),
    Refusal(
        "validation_error",
        "method and instrument belong together",
        r"(vpa|card|token|bank|wallet): (Leave this out; a payment by \w+ does not use it"
        r"|Send [\w ]+(; a payment by \w+ needs it)?)"
        r"|card_reference: Leave this out; a payment by \w+ has no card",
    ),
    Refusal("validation_error", "money is never written as 1.0", r"[\w.]+: Input should be a valid integer"),
    Refusal("validation_error", "what cannot be stored", r".+: Remove (control characters;|the NUL character) .*"),
    Refusal("validation_error", "there are only so many currencies", r"currency: This is not an ISO 4217 currency .*"),
    Refusal("validation_error", "a URL is more than its pattern", r"return_url: (The|This) .*"),
    Refusal(
        "validation_error", "a network is more than its length", r"allowed_networks\.\d+: This is not a network .*"
    ),
    Refusal("validation_error", "a key must be usable for a while", r"expires_at: This time is in the past: .*"),
    Refusal("validation_error", "an order ends soon", r"expires_at: Use a time from .*", ("POST /api/v1/orders",)),
    Refusal(
        "validation_error", "a search of blanks looks for nothing", r"(search|customer): Write what to look for, .*"
    ),
    Refusal(
        "validation_error",
        "a period has its beginning before its end",
        r"(body: )?.*`since` must be before `until`",
        ("POST /api/v1/gateway_events/replay",),
    ),
    Refusal("routing_program_invalid", "only the merchant's own gateways can be named", operations=SAVE_RULES),
    Refusal("validation_error", "parts make a whole", r"program\..+: The percentages sum to .*", SAVE_RULES),
    Refusal("validation_error", "names are distinct", r"program: Two rules are called .*", SAVE_RULES),
    Refusal("validation_error", "a tree has a depth", r"program\.rules\.\d+: Statements are nested .*", SAVE_RULES),
    Refusal("validation_error", "a statement says something", r"program\..+: Add a condition, .*", SAVE_RULES),
    Refusal("validation_error", "a window has a length", r"program\..+: `from` and `to` are the same\. .*", SAVE_RULES),
    Refusal("validation_error", "zones have names", r"program\..+: There is no such time zone\. .*", SAVE_RULES),
    Refusal(
        "validation_error",
        "there are only so many currencies; pydantic does not count unknown ones",
        r"program\..+: This is not an ISO 4217 .*|program\..+\.currency\.value: This must be at least 1 long",
        SAVE_RULES,
    ),
    Refusal("validation_error", "a period is whole, and not in the future", r".*", PERIODS),
    Refusal("validation_error", "an instrument belongs to the method of its payment", r".*", RETRY),
    Refusal("settlement_file_invalid", "a file has the columns that the map names", operations=IMPORT),
    Refusal("reconciliation_period_invalid", "a period has its beginning before its end", operations=PERIODS),
    Refusal("performance_period_invalid", "a period has its beginning before its end", operations=PERIODS),
    Refusal("statistics_period_invalid", "a period has its beginning before its end", operations=STATISTICS),
    Refusal("validation_error", "zones have names", r"time_zone: This is not a time zone .*", STATISTICS),
    Refusal("validation_error", "zones have names", r"time_zone: This is not a time zone .*", EXPORTS),
    Refusal("customer_not_named", "one of two parameters is sent", operations=("GET /api/v1/customers",)),
    Refusal("retry_method_differs", "a payment keeps its method", operations=RETRY),
    Refusal(
        "fx_pair_invalid",
        "a quote is for a currency other than the order's",
        operations=("POST /api/v1/fx/quotes",),
    ),
    Refusal("gateway_cannot", "not every gateway takes every payment", operations=RETRY),
    Refusal("gateway_config_invalid", "each kind of gateway asks for its own fields", operations=SAVE_GATEWAY),
    Refusal(
        "dry_run_invalid",
        "steps have the form of a document's examples, and only a custom gateway has a dry run",
        operations=("POST /api/v1/gateways/{gateway_id}/dry_run",),
    ),
    Refusal(
        "gateway_import_invalid",
        "a file is opened with the passphrase that sealed it",
        operations=("POST /api/v1/gateways/import",),
    ),
)


TOLD_OTHERWISE: Final = {
    (
        "use_after_free",
        "GET /api/v1/webhook_endpoints/{endpoint_id}/recoveries/{recovery_id}",
    ): "what was sent to an endpoint can be read after the endpoint is deleted",
    ("allow_header_conformance", "POST /api/v1/payments/public"): "GET there reads a payment with the id `public`",
    ("unsupported_method", "GET /api/v1/gateways/kinds"): "PATCH and DELETE there are of a gateway with the id `kinds`",
}


def is_on_purpose(finding: Finding) -> bool:
    """Tell whether a refusal of an allowed request has its reason in the list, with every fault it names."""
    if (finding.check, finding.operation) in TOLD_OTHERWISE:
        return True
    if (finding.check, finding.code) == TOO_LARGE:
        return True
    if finding.check != ACCEPTANCE:
        return False
    known = [
        refusal
        for refusal in REFUSED_ON_PURPOSE
        if refusal.code == finding.code and (not refusal.operations or finding.operation in refusal.operations)
    ]
    if finding.code != "validation_error":
        return bool(known)
    named = finding.faults
    return bool(named) and all(any(re.fullmatch(one.fault, fault, re.DOTALL) for one in known) for fault in named)


def test_the_api_answers_as_its_document_says(report: Report, fuzz_budget: Budget) -> None:
    """No 5xx, no undocumented status, no answer off its schema, nothing accepted or refused against the document."""
    unexplained = [finding for finding in report.findings if not is_on_purpose(finding)]
    counts = Counter(f"{finding.check} at {finding.operation}" for finding in unexplained)
    assert not unexplained, "\n".join([str(fuzz_budget), str(counts), *map(str, unexplained[:10])])


def test_the_whole_document_was_tried(report: Report) -> None:
    """No part of the run was given up, and every operation was asked."""
    assert not report.errors
    asked = {operation for _, operation, _ in report.answers}
    paths = known_document()["paths"]
    assert asked == {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


async def test_chains_lead_from_an_order_to_its_refund(
    fuzz_stack: Stack, fuzz_budget: Budget, untouched_key: dict[str, str]
) -> None:
    """Random chains about one payment pay, capture, cancel and give back, and each answer is as the document says."""
    chains = (fuzz_budget.examples or EXAMPLES) * PAYMENT_CHAINS
    budget = {"chains": chains, "seed": fuzz_budget.seed, "wanted": REACHED, "after_call": rest}
    found = await asyncio.to_thread(follow, payment_document(), fuzz_stack.api_url, untouched_key, **budget)
    assert not found.errors
    unexplained = [finding for finding in found.findings if not is_on_purpose(finding)]
    assert not unexplained, "\n".join([str(fuzz_budget), *map(str, unexplained[:10])])
    assert not found.missing(REACHED), (found.missing(REACHED), found.chains, found.answers)


def rest(_context: object, case: Case[Any], answer: Response) -> None:
    """Wait until a payment that was just made has come to rest: before that it can only be refused."""
    if (case.operation.label, answer.status_code) != ("POST /api/v1/payments", 201):
        return
    if case.body.get("vpa") == NEVER_AT_REST:
        return
    url, deadline = f"{answer.request.url}/{answer.json()['id']}", time.monotonic() + REST_S
    key = {name: answer.request.headers[name] for name in KEY}
    with httpx.Client(headers=key, trust_env=False) as client:
        while client.get(url).json()["status"] in RESTLESS and time.monotonic() < deadline:
            time.sleep(0.02)
