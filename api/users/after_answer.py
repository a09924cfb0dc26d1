"""What is done after an answer, because its time must not show whether an address has a user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from api.http.services import ApiServices
from api.users.schemas import Accepted
from clearway.domain.errors import AuthenticationError
from clearway.users import failed_sign_ins, mail_requests
from clearway.users.mail_requests import MailRequest
from clearway.users.visitor import Visitor


async def accept(services: ApiServices, request: MailRequest) -> Accepted:
    """Store the request, in the same time for any address. The rest depends on the address and follows the answer."""
    request_id = await mail_requests.store(services, request)
    services.background.start(mail_requests.serve(services.engine, services.temporal, services, request_id))
    return Accepted()


@contextmanager
def failures_noted(services: ApiServices, visitor: Visitor, email: str) -> Iterator[None]:
    """Have a refused sign-in recorded in the audit log."""
    try:
        yield
    except AuthenticationError as error:
        if error.code == "credentials_invalid":
            services.background.start(failed_sign_ins.note(services, visitor, email))
        raise
