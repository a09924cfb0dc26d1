"""Registration: an address is proved first, then its owner chooses a password and has an account.

Nobody has a password before the address is theirs. The answer to a registration is the same whether or not the address
has a user; the mail differs, and only the address's owner reads it.
"""

from __future__ import annotations

from dataclasses import dataclass

from clearway.db import audit, merchants
from clearway.db.merchants import NewAccount
from clearway.domain.errors import ForbiddenError
from clearway.domain.roles import Role
from clearway.domain.user import TokenPurpose
from clearway.services import Services
from clearway.setting_values import Registration
from clearway.users import creation, one_time_tokens, password_rules, signing_in
from clearway.users.creation import NewPerson
from clearway.users.signing_in import BrowserSession
from clearway.users.visitor import Visitor


@dataclass(frozen=True, slots=True)
class Applicant:
    """Somebody who registers. account_name: of the business, which customers see."""

    email: str
    name: str
    account_name: str


def refuse_unless_open(services: Services) -> None:
    """Refuse where people cannot register themselves. Raises ForbiddenError."""
    match services.settings.registration:
        case Registration.OPEN:
            return
        case Registration.INVITATION:
            detail = "Registration is by invitation. Nothing was done. Ask an owner or an admin of the account for one."
        case Registration.CLOSED:
            detail = "Registration is closed. Nothing was done. Ask the operator of this installation."
    raise ForbiddenError("registration_closed", detail)


async def verify(services: Services, visitor: Visitor, token: str, password: str) -> BrowserSession:
    """Create the user with their account, of which they are the owner, and sign them in.

    Raises UnprocessableError for the token or the password, and ConflictError when the address has a user meanwhile.
    """
    refuse_unless_open(services)
    password_hash = await services.passwords.hash(password)
    async with services.engine.begin() as connection:
        used = await one_time_tokens.use(connection, services, TokenPurpose.REGISTER, token)
        applicant = Applicant(**used.data)
        password_rules.check(password, (applicant.email, applicant.name, applicant.account_name), has_totp=False)
        new = NewPerson(applicant.email, applicant.name)
        user_id = await creation.add(connection, None, new, password_hash)
        actor = visitor.actor(services.cipher, user_id)
        account = NewAccount(applicant.account_name)
        await merchants.add_account(connection, account)
        await audit.record(connection, actor, "account.create", account.id)
        await creation.join(connection, actor, account.id, user_id, Role.OWNER)
        return await signing_in.begin_session(connection, services, visitor, user_id)
