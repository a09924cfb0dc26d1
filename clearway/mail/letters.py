"""What each mail says: one function a mail. Text of others goes through `one_line`, links through `_link`.

A letter is data: a subject, paragraphs, facts and one link. `rendering` makes text and HTML of it when it is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from clearway.domain.mail import LINK_FORM, LINK_LENGTH_MAX, Template, is_address, masked_address, one_line

ACCOUNT_NAME_MAX: Final = 60
NOT_YOU: Final = "If this was not you, change your password now, and end the sessions that you do not know."
ENDED: Final = "So we ended this log-in for everybody who uses it."
NOT_ASKED: Final = "If you did not ask for this, you can ignore this mail: nothing changes."
TEXT_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Action:
    """The link of a mail."""

    label: str
    link: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to one address. facts: names and values, shown as a list. useless_after: the link has no effect then."""

    template: Template
    to: str = field(repr=False)
    subject: str
    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()
    action: Action | None = None
    closing: tuple[str, ...] = ()
    useless_after: datetime | None = None

    def __post_init__(self) -> None:
        if not is_address(self.to):
            raise ValueError("no mail can be sent to this address")


def verify_address(to: str, *, link: str, expires_at: datetime) -> Letter:
    """Ask the owner of an address to confirm that it is theirs."""
    return Letter(
        Template.VERIFY_ADDRESS,
        to,
        "Confirm your e-mail address",
        ("Somebody, probably you, registered at Clearway with this address. Confirm it to log in.",),
        action=_action("Confirm this address", link),
        closing=(_until(expires_at), NOT_ASKED),
        useless_after=expires_at,
    )


def already_registered(to: str, *, login_link: str, reset_link: str) -> Letter:
    """Answer a registration with an address that has an account: the page says the same as for a new one."""
    return Letter(
        Template.ALREADY_REGISTERED,
        to,
        "You already have an account",
        ("Somebody, probably you, tried to register at Clearway with this address, which has an account already.",),
        (("Forgotten password", _link(reset_link)),),
        _action("Log in", login_link),
        (NOT_ASKED,),
    )


def reset_password(to: str, *, link: str, expires_at: datetime, network_address: str) -> Letter:
    """Let the owner of an account choose another password."""
    return Letter(
        Template.RESET_PASSWORD,
        to,
        "Choose a new password",
        ("Somebody asked for a new password for your account.",),
        _where(network_address),
        _action("Choose a new password", link),
        (_until(expires_at), NOT_ASKED),
        expires_at,
    )


def password_changed(to: str, *, at: datetime, network_address: str) -> Letter:
    """Report another password to its owner."""
    facts = (("When", _moment(at)), *_where(network_address))
    text = "The password of your account was changed."
    return Letter(Template.PASSWORD_CHANGED, to, "Your password was changed", (text,), facts, closing=(NOT_YOU,))


def confirm_new_address(to: str, *, link: str, expires_at: datetime) -> Letter:
    """Ask the owner of a new address to confirm it. Until then the account keeps the old one."""
    return Letter(
        Template.CONFIRM_NEW_ADDRESS,
        to,
        "Confirm your new e-mail address",
        ("An account at Clearway is to have this e-mail address. It keeps the old one until you confirm.",),
        action=_action("Confirm this address", link),
        closing=(_until(expires_at), NOT_ASKED),
        useless_after=expires_at,
    )


def address_changed(to: str, *, at: datetime, new_address: str) -> Letter:
    """Report a changed address to the old one."""
    return Letter(
        Template.ADDRESS_CHANGED,
        to,
        "Your e-mail address was changed",
        ("Your account has another e-mail address now. This one no longer gets mail about it.",),
        (("When", _moment(at)), ("New address", masked_address(one_line(new_address, 254)))),
        closing=("If this was not you, ask the owner of your team or the operator of this installation at once.",),
    )


def new_login(to: str, *, at: datetime, device: str, network_address: str, sessions_link: str) -> Letter:
    """Report a log-in from a device that was not seen before."""
    return Letter(
        Template.NEW_LOGIN,
        to,
        "New log-in to your account",
        ("Your account was used from a device that we have not seen before.",),
        (("When", _moment(at)), ("Device", one_line(device)), *_where(network_address)),
        _action("Look at your sessions", sessions_link),
        (NOT_YOU,),
    )


def refresh_token_reused(to: str, *, at: datetime, device: str, sessions_link: str) -> Letter:
    """Report a refresh token that was used twice: a copy of it may be in other hands."""
    return Letter(
        Template.REFRESH_TOKEN_REUSED,
        to,
        "A log-in was ended because its token may be stolen",
        ("A refresh token of your account was used a second time. Somebody may have a copy.", ENDED),
        (("When", _moment(at)), ("Device", one_line(device))),
        _action("Look at your sessions", sessions_link),
        ("Log in again there. If it happens again, look for a program that shares the token.",),
    )


def totp_changed(to: str, *, at: datetime, enabled: bool, network_address: str) -> Letter:
    """Report that codes from an authenticator app are required, or no longer are."""
    now = "now asks for a code of your authenticator app" if enabled else "no longer asks for a code"
    subject = "Two-step log-in is on" if enabled else "Two-step log-in is off"
    facts = (("When", _moment(at)), *_where(network_address))
    return Letter(Template.TOTP_CHANGED, to, subject, (f"The log-in {now}.",), facts, closing=(NOT_YOU,))


def totp_reset(to: str, *, at: datetime) -> Letter:
    """Report that the operator of the installation turned codes off, for somebody who had lost theirs."""
    text = "The operator of this installation turned off the codes of your account. The log-in asks for none now."
    again = "Log in, and turn codes on again for your new device. If you did not ask for this, write to the operator."
    facts = (("When", _moment(at)),)
    return Letter(Template.TOTP_CHANGED, to, "Two-step log-in is off", (text,), facts, closing=(again,))


def recovery_code_used(to: str, *, at: datetime, codes_left: int) -> Letter:
    """Report a log-in with a recovery code."""
    facts = (("When", _moment(at)), ("Codes left", str(codes_left)))
    text = "Somebody logged in to your account with one of its recovery codes."
    return Letter(Template.RECOVERY_CODE_USED, to, "A recovery code was used", (text,), facts, closing=(NOT_YOU,))


def recovery_codes_replaced(to: str, *, at: datetime) -> Letter:
    """Report that the recovery codes before are no longer valid."""
    text = "Your account has new recovery codes. Those before are no longer valid."
    facts = (("When", _moment(at)),)
    return Letter(
        Template.RECOVERY_CODES_REPLACED, to, "Your recovery codes were replaced", (text,), facts, closing=(NOT_YOU,)
    )


def invitation(to: str, *, account_name: str, inviter: str, role: str, link: str, expires_at: datetime) -> Letter:
    """Invite somebody to the team of an account."""
    account = one_line(account_name, ACCOUNT_NAME_MAX)
    return Letter(
        Template.INVITATION,
        to,
        f"Invitation to {account} at Clearway",
        ("You are invited to a team at Clearway.",),
        (("Team", account), ("Invited by", one_line(inviter)), ("Role", one_line(role))),
        _action("Look at the invitation", link),
        (_until(expires_at), "If you do not know the team, ignore this mail: nothing happens."),
        expires_at,
    )


def membership_changed(to: str, *, account_name: str, role: str | None) -> Letter:
    """Report another role in a team. role None: the membership has ended."""
    account = one_line(account_name, ACCOUNT_NAME_MAX)
    subject = f"You left the team of {account}" if role is None else f"Your role at {account} was changed"
    facts = (("Team", account), ("Role", "none" if role is None else one_line(role)))
    text = "What you may do at Clearway has changed."
    return Letter(Template.MEMBERSHIP_CHANGED, to, subject, (text,), facts)


def account_deleted(to: str, *, at: datetime) -> Letter:
    """Confirm that a user's account is deleted."""
    text = "Your account was deleted, with its sessions, tokens and memberships."
    return Letter(Template.ACCOUNT_DELETED, to, "Your account was deleted", (text,), (("When", _moment(at)),))


def notices(to: str, *, account_name: str, lines: Sequence[tuple[str, str]], link: str) -> Letter:
    """Report what happened at a merchant, several things in one mail. lines: what, and how often or to which."""
    account = one_line(account_name, ACCOUNT_NAME_MAX)
    first = one_line(lines[0][0])
    subject = f"{account}: {first}" + (f", and {len(lines) - 1} more" if len(lines) > 1 else "")
    return Letter(
        Template.NOTICES,
        to,
        subject,
        (f"This happened at {account}:",),
        tuple((one_line(what), one_line(detail, TEXT_MAX)) for what, detail in lines),
        _action("Open the dashboard", link),
        ("You choose which notices you get under Settings, Notices.",),
    )


def gateway_alert(to: str, *, gateway: str, gateway_id: str, merchant_id: str, what: str, text: str) -> Letter:
    """Report to the operators that the health of a gateway changed."""
    name = one_line(gateway)
    return Letter(
        Template.GATEWAY_ALERT,
        to,
        f"[Clearway] Gateway {name} {what}",
        (f"The gateway {name} {what}.", one_line(text, TEXT_MAX)),
        (("Gateway", gateway_id), ("Merchant", merchant_id)),
        closing=(
            f"Look at it: clearway gateways health {gateway_id}",
            'What to do: docs/operations.md, "A gateway is unhealthy".',
        ),
    )


def trial(to: str) -> Letter:
    """Show an operator that mail arrives."""
    text = "This mail was sent by `clearway mail test`. The mail server took it, and you read it: mail works."
    return Letter(Template.TRIAL, to, "Mail from Clearway works", (text,))


def _action(label: str, link: str) -> Action:
    return Action(label, _link(link))


def _link(link: str) -> str:
    """Refuse what is no web address: links are made by Clearway, so this is an error in a program."""
    if len(link) > LINK_LENGTH_MAX or not LINK_FORM.fullmatch(link):
        raise ValueError("a link in a mail begins with http:// or https:// and has no blanks or quotes")
    return link


def _where(network_address: str) -> tuple[tuple[str, str], ...]:
    return (("From", one_line(network_address)),)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%d %B %Y, %H:%M} UTC"


def _until(moment: datetime) -> str:
    return f"The link can be used once, until {_moment(moment)}."
