"""Mails that anybody can ask for by an address: to register, for a forgotten password, for another address.

The answer must not show by text or time whether the address has a user. So the request itself is stored before the
answer, by one statement whoever asks. What follows depends on the address: it is done after the answer, by the same
process, or by housekeeping when that process died.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from temporalio.client import Client

from clearway.crypto.encryption import Cipher, DecryptionError
from clearway.db import audit
from clearway.db.users import mail_requests as rows
from clearway.db.users import users
from clearway.domain.ids import MAIL, new_id
from clearway.domain.user import TokenPurpose
from clearway.mail import letters, outbox
from clearway.mail.letters import Letter
from clearway.services import Services
from clearway.users import one_time_tokens, throttling
from clearway.users.keys import Keys
from clearway.users.visitor import Visitor

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MailRequest:
    """Somebody asks for a mail to an address. user_id: who is signed in. data: what the link is for."""

    purpose: TokenPurpose
    email: str
    request_id: str
    address: str
    user_id: str | None = None
    data: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Addressed:
    """A letter, and the user with whom its record is deleted."""

    letter: Letter
    user_id: str | None


def asked(
    purpose: TokenPurpose,
    visitor: Visitor,
    email: str,
    *,
    user_id: str | None = None,
    data: Mapping[str, str] | None = None,
) -> MailRequest:
    """Return the request of a visitor."""
    return MailRequest(purpose, email, visitor.request_id, visitor.address, user_id, dict(data or {}))


async def store(services: Services, request: MailRequest) -> str:
    """Store a request, before it is answered. Return its id, for `serve`."""
    request_id = new_id(MAIL)
    sealed = services.cipher.encrypt(json.dumps(asdict(request)), rows.request_context(request_id))
    async with services.reader.connect() as connection:
        await rows.add(connection, request_id, sealed)
    return request_id


async def serve(engine: AsyncEngine, temporal: Client, keys: Keys, request_id: str) -> None:
    """Record the mail that follows from a request, if any, and start it. The second time nothing is done."""
    async with engine.begin() as connection:
        sealed = await rows.take(connection, request_id)
        if sealed is None:
            return
        request = _opened(keys.cipher, request_id, sealed)
        if request is None or not await throttling.may_mail(connection, keys.peppers, request.email):
            return
        addressed = await WRITTEN[request.purpose](connection, keys, request)
        if addressed is None:
            return
        await outbox.record(connection, keys.cipher, addressed.letter, user_id=addressed.user_id, mail_id=request_id)
    await outbox.start(temporal, request_id)


def _opened(cipher: Cipher, request_id: str, sealed: str) -> MailRequest | None:
    try:
        stored = json.loads(cipher.decrypt(sealed, rows.request_context(request_id)))
    except DecryptionError:
        log.exception("mail_request_unreadable", request_id=request_id, next="it is dropped: its key is gone")
        return None
    return MailRequest(**stored | {"purpose": TokenPurpose(stored["purpose"])})


async def _to_register(connection: AsyncConnection, keys: Keys, request: MailRequest) -> _Addressed:
    user = await users.find_by_email(connection, request.email)
    if user is not None:
        return _already_registered(keys, user.email, user.id)
    link = await one_time_tokens.make(connection, keys, TokenPurpose.REGISTER, None, request.data)
    return _Addressed(letters.verify_address(request.email, link=link.url, expires_at=link.expires_at), None)


async def _to_reset_password(connection: AsyncConnection, keys: Keys, request: MailRequest) -> _Addressed | None:
    user = await users.find_by_email(connection, request.email)
    if user is None or user.disabled_at is not None:
        return None
    link = await one_time_tokens.make(connection, keys, TokenPurpose.RESET_PASSWORD, user.id)
    await _audit(connection, keys, request, "user.ask_password_reset", user.id)
    letter = letters.reset_password(
        user.email, link=link.url, expires_at=link.expires_at, network_address=request.address
    )
    return _Addressed(letter, user.id)


async def _to_change_email(connection: AsyncConnection, keys: Keys, request: MailRequest) -> _Addressed | None:
    """The old address counts until the link is used."""
    user = await users.find(connection, request.user_id or "")
    if user is None or user.disabled_at is not None:
        return None
    await _audit(connection, keys, request, "user.ask_email_change", user.id)
    taken = await users.find_by_email(connection, request.email)
    if taken is not None:
        return _already_registered(keys, taken.email, taken.id)
    data = {"email": request.email}
    link = await one_time_tokens.make(connection, keys, TokenPurpose.CHANGE_EMAIL, user.id, data)
    return _Addressed(letters.confirm_new_address(request.email, link=link.url, expires_at=link.expires_at), user.id)


WRITTEN: Final[Mapping[TokenPurpose, Callable[[AsyncConnection, Keys, MailRequest], Awaitable[_Addressed | None]]]] = {
    TokenPurpose.REGISTER: _to_register,
    TokenPurpose.RESET_PASSWORD: _to_reset_password,
    TokenPurpose.CHANGE_EMAIL: _to_change_email,
}


def _already_registered(keys: Keys, email: str, user_id: str) -> _Addressed:
    page = keys.settings.dashboard_url.rstrip("/")
    letter = letters.already_registered(email, login_link=f"{page}/login", reset_link=f"{page}/forgot")
    return _Addressed(letter, user_id)


async def _audit(connection: AsyncConnection, keys: Keys, request: MailRequest, action: str, user_id: str) -> None:
    visitor = Visitor(request.request_id, request.address, request.address, "")
    await audit.record(connection, visitor.actor(keys.cipher, user_id), action, user_id)
