"""What people send to sign in, and how a person and their sessions are shown."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, Field, SecretStr, StringConstraints, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import Row

from api.http.fields import Body, Email, PlainText
from clearway.domain.merchant import Mode
from clearway.domain.permissions import Permission
from clearway.domain.resources import Moment, Resource
from clearway.domain.roles import OPERATOR, Role, permissions_of_role
from clearway.domain.user import NAME_LENGTH_MAX, SessionKind
from clearway.setting_values import Registration
from clearway.users.password_rules import LENGTH_MAX
from clearway.users.totp import SecondFactor

CODE_FORM: Final = r"^[0-9]{6}$"

PersonName = Annotated[PlainText, StringConstraints(min_length=1, max_length=NAME_LENGTH_MAX, strip_whitespace=True)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=LENGTH_MAX, examples=["correct horse battery staple"])]


Code = Annotated[
    PlainText,
    StringConstraints(pattern=CODE_FORM),
    Field(json_schema_extra={"pattern": CODE_FORM}, examples=["123456"]),
]


class SignIn(Body):
    """An e-mail address and a password."""

    email: Email = Field(examples=["owner@example.test"])
    password: Password


class MemberMerchant(Resource):
    """A merchant of an account, with what the person may do for it."""

    id: str = Field(description="Send it as `X-Clearway-Merchant`.", examples=["mer_01jd3xq2w8v5n7k4t6y9c1b0za"])
    mode: Mode
    name: str
    permissions: list[Permission]


class Membership(Resource):
    """An account to which the person belongs."""

    account_id: str
    account_name: str
    role: Role
    totp_required: bool = Field(description="Whether members need a second factor to act for its merchants.")
    merchants: list[MemberMerchant]


class CurrentSession(Resource):
    """The session in which the request was made."""

    id: str
    kind: SessionKind
    stepped_up_until: Moment | None = Field(description="Until then, acts that need a step-up are allowed.")
    expires_at: Moment
    idle_expires_at: Moment | None = Field(description="When it ends unless it is used; null: only at `expires_at`.")


class Me(Resource):
    """The person who is signed in."""

    id: str
    email: str
    name: str
    is_operator: bool = Field(description="Whether they run the installation.")
    totp_enabled: bool
    recovery_codes_left: int
    created_at: Moment
    session: CurrentSession
    memberships: list[Membership]


class SignedInAnswer(Resource):
    """The cookie is set, and the person is signed in."""

    status: Literal["signed_in"] = "signed_in"
    me: Me


class SessionResource(Resource):
    """A session that has not ended."""

    id: str
    kind: SessionKind
    device: str = Field(examples=["Firefox on Linux"])
    address: str | None = Field(description="The network address of the last use.")
    created_at: Moment
    last_used_at: Moment = Field(description="Accurate to the minute.")
    expires_at: Moment
    is_current: bool


class Sessions(BaseModel):
    """The person's sessions."""

    data: list[SessionResource]


class SecondFactorFields(Body):
    """A code of the authenticator app, or a recovery code."""

    code: Code | None = None
    recovery_code: SecretStr | None = Field(default=None, min_length=1, max_length=64)

    def second_factor(self) -> SecondFactor | None:
        """Return what was entered; None: nothing."""
        if self.code is None and self.recovery_code is None:
            return None
        recovery = None if self.recovery_code is None else self.recovery_code.get_secret_value()
        return SecondFactor(self.code, recovery)


class ChallengeAnswer(SecondFactorFields):
    """The challenge of the sign-in, with the second factor."""

    challenge: str = Field(min_length=1, max_length=2_000)


class TotpRequired(Resource):
    """The password is right; the second factor is needed too, within five minutes."""

    status: Literal["totp_required"] = "totp_required"
    challenge: str


class StepUp(Body):
    """The password again, or a code of the authenticator app."""

    password: Password | None = None
    code: Code | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.password is None) is (self.code is None):
            raise PydanticCustomError("one_of", "Send either password or code")
        return self


class EmailAddress(Body):
    """An e-mail address."""

    email: Email


class Register(EmailAddress):
    """Somebody who wants an account."""

    name: PersonName
    account_name: PersonName = Field(description="The name of the business, which customers see.")


class LinkToken(Body):
    """The `token` of a link in a mail."""

    token: SecretStr = Field(min_length=1, max_length=200)


class NewPassword(LinkToken):
    """The `token` of a link in a mail, and the password to set."""

    password: Password


class OtherPassword(Body):
    """The password to set."""

    password: Password


class Profile(Body):
    """What others see."""

    name: PersonName


class TotpCode(Body):
    """A code of the authenticator app."""

    code: Code


class TotpSecret(Resource):
    """A new secret: as text, and as the URI of a QR code. It is shown only now."""

    secret: str
    uri: str


class RecoveryCodes(BaseModel):
    """Each replaces a TOTP code once. They are shown only now."""

    recovery_codes: list[str]


class Accepted(Resource):
    """The request was accepted. The next step comes by mail."""


class PasswordLimits(Resource):
    """How long a password is, in characters."""

    length_min: int
    length_min_with_totp: int
    length_max: int


class AuthSettings(Resource):
    """What a page needs to know before somebody signs in."""

    registration: Registration
    password: PasswordLimits


class SteppedUp(Resource):
    """The step-up is valid."""

    valid_until: Moment


def me_resource(
    user: Row[Any], session: CurrentSession, merchants: Iterable[Row[Any]], codes_left: int, *, as_operator: bool
) -> Me:
    """Render a person. merchants: rows of `users.memberships_of`. as_operator: whether they may act as one."""
    beside = OPERATOR if as_operator else frozenset()
    return Me(
        id=user.id,
        email=user.email,
        name=user.name,
        is_operator=user.is_operator,
        totp_enabled=user.totp_enabled_at is not None,
        recovery_codes_left=codes_left,
        created_at=user.created_at,
        session=session,
        memberships=[_membership(list(rows), beside) for _, rows in groupby(merchants, key=lambda row: row.account_id)],
    )


def session_resource(row: Row[Any], address: str | None, current_id: str) -> SessionResource:
    """Render a session."""
    return SessionResource(
        id=row.id,
        kind=SessionKind(row.kind),
        device=row.device,
        address=address,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        is_current=row.id == current_id,
    )


def _membership(rows: list[Row[Any]], beside: frozenset[Permission]) -> Membership:
    first = rows[0]
    role = Role(first.role)
    return Membership(
        account_id=first.account_id,
        account_name=first.account_name,
        role=role,
        totp_required=first.totp_required,
        merchants=[
            MemberMerchant(
                id=row.merchant_id,
                mode=Mode(row.mode),
                name=row.merchant_name,
                permissions=sorted(permissions_of_role(role, Mode(row.mode)) | beside),
            )
            for row in rows
        ],
    )
