"""What was generated with a key, sent once more by people of every role: the table of roles says what they may.

Of each operation, that is one request that was accepted and one that was refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import pytest
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from clearway.dev.stack import Stack
from clearway.domain.event_examples import BODY as EXAMPLE_BODY
from clearway.domain.permissions import Permission
from clearway.domain.roles import Role
from tests.fire.fuzz.conftest import BUDGET, KEY, plain_stack
from tests.fire.fuzz.contract import ACCEPTED, Report, Sample, sample
from tests.fire.fuzz.document import DOCUMENT, known_document
from tests.fire.roles.members import ID, NOBODY, OWNER_ELSEWHERE, Answer, Member

pytestmark = pytest.mark.timeout(1_800)

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
UNREAD: Final = frozenset({"malformed_json", "body_too_large", "unsupported_media_type"})
"""Refusals of a request that cannot be read, before it matters who sent it."""
ACROSS_MERCHANTS: Final = "/api/v1/operator/"
OUTSIDE: Final = frozenset({"session_ended", "session_missing", "credentials_missing", "merchant_not_found"})
"""What a member is never answered."""
ACCEPTED_MIN: Final = 0.5
"""Of the operations that accepted the key, the share that must accept an owner, or the run proves little."""


@dataclass
class Received:
    """What one member was answered."""

    member: Member
    complaints: list[str] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)
    ids: dict[str, str] = field(default_factory=dict)
    """Of the member's merchant, with where they were: what no other merchant's member may be answered."""


@pytest.fixture(scope="module")
async def roles_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Run a stack of its own: owners change what other fuzzers need."""
    async with plain_stack(tmp_path_factory.mktemp("roles")) as stack:
        yield stack


@pytest.fixture(scope="module")
async def report(roles_stack: Stack) -> Report:
    """Send the requests with a key that may do everything."""
    return await asyncio.to_thread(sample, known_document(), roles_stack.api_url, KEY, seed=BUDGET.seed)


@pytest.fixture(scope="module")
async def received(roles_stack: Stack, report: Report) -> dict[str, Received]:
    """Let everybody send every sample; all of them at once."""
    operations = operations_of_people()
    chosen = [(operations[label], sent) for (label, _), sent in report.samples.items() if label in operations]
    async with httpx.AsyncClient(base_url=roles_stack.api_url, timeout=60, trust_env=False) as http:
        members = [*Member.every(roles_stack), await Member.elsewhere(roles_stack)]
        found = await asyncio.gather(*(_send_all(http, member, chosen) for member in members))
    return {each.member.name: each for each in found}


def test_every_operation_of_people_was_sampled(report: Report) -> None:
    """No operation is left out: each has a request that a person can send again."""
    assert set(operations_of_people()) <= {label for label, _ in report.samples}


def test_every_role_may_what_its_table_says(received: dict[str, Received]) -> None:
    """Each answer fits the document. A missing permission is a 403 that names it, and no other answer is."""
    complaints = [one for each in received.values() for one in each.complaints]
    assert not complaints, "\n".join([str(len(complaints)), *complaints[:20]])


def test_an_owner_is_accepted_where_the_key_was(received: dict[str, Received], report: Report) -> None:
    """Most requests do what they ask for, so that the refusals of other roles are about their role."""
    of_key = {label for label, accepted in report.samples if accepted} & set(operations_of_people())
    of_owner = received[Role.OWNER].accepted & of_key
    assert len(of_owner) >= ACCEPTED_MIN * len(of_key), of_key - of_owner
    assert not received[NOBODY].accepted


def test_nobody_is_answered_with_what_is_of_another_merchant(received: dict[str, Received]) -> None:
    """No id that members of one account were answered is ever in an answer to the owner of another account.

    All sent the same requests. Only the ids of published examples are the same for everybody.
    """
    theirs = received[OWNER_ELSEWHERE].ids
    ours = {one for name, each in received.items() if name != OWNER_ELSEWHERE for one in each.ids}
    assert ours
    assert theirs
    published = set(ID.findall(DOCUMENT.read_text()))
    shared = {one: theirs[one] for one in ours & theirs.keys() - published if not one.endswith(EXAMPLE_BODY)}
    assert not shared


def operations_of_people() -> dict[str, dict[str, Any]]:
    """Return every operation that takes an access token, by method and path."""
    return {
        f"{method.upper()} {path}": operation
        for path, item in known_document()["paths"].items()
        for method, operation in item.items()
        if {"AccessToken": []} in operation.get("security", ())
    }


async def _send_all(http: httpx.AsyncClient, member: Member, chosen: list[tuple[dict[str, Any], Sample]]) -> Received:
    received = Received(member)
    await member.arrive(http)
    for operation, sent in chosen:
        label, answer = sent.case.operation.label, await member.send(http, sent)
        if not fits(operation, label, answer, member):
            received.complaints.append(f"{member.name} at {label}: {answer.status} {answer.response.text[:300]}")
        try:
            sent.case.validate_response(answer.response, checks=CHECKS)
        except FailureGroup as group:
            received.complaints += [f"{member.name} at {label}: {each}" for each in group.exceptions]
        if answer.status in ACCEPTED:
            received.accepted.add(label)
        if ACROSS_MERCHANTS not in label:
            received.ids |= dict.fromkeys(answer.ids, label)
    return received


def fits(operation: dict[str, Any], label: str, answer: Answer, member: Member) -> bool:
    """Return whether an answer is one that somebody with these permissions may get."""
    if answer.code in UNREAD:
        return True
    if member.name == NOBODY:
        return answer.status == 401
    needed = operation.get("x-permission")
    if needed is None:
        is_refused = answer.code == "operator_only"
        return answer.code != "permission_missing" and is_refused == (
            ACROSS_MERCHANTS in label and not member.is_operator
        )
    if Permission(needed) in member.allowed:
        return answer.code not in OUTSIDE | {"permission_missing"}
    is_named = f"'{needed}'" in answer.problem.get("detail", "")
    return (answer.status, answer.code, is_named) == (403, "permission_missing", True)
