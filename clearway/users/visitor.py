"""Where a request of a person comes from. Addresses leave this module sealed."""

from __future__ import annotations

from dataclasses import dataclass, field

from clearway.crypto.encryption import Cipher
from clearway.db.audit import address_context
from clearway.db.users import sessions
from clearway.domain.actor import ANONYMOUS, MEMBER, Actor
from clearway.domain.user import device_of


@dataclass(frozen=True, slots=True)
class Visitor:
    """The request's id, network address and program. network: what limits count the address as.

    cookie: of the session that the browser has already, if any.
    """

    request_id: str
    address: str
    network: str
    user_agent: str
    cookie: str | None = field(default=None, repr=False)

    @property
    def device(self) -> str:
        """The short name of the browser or program."""
        return device_of(self.user_agent)

    def actor(self, cipher: Cipher, user_id: str, merchant_id: str | None = None) -> Actor:
        """Return the user as the actor of this request."""
        sealed = cipher.encrypt(self.address, address_context(self.request_id))
        return Actor(f"{MEMBER}{user_id}", merchant_id, self.request_id, sealed)

    def unknown(self, cipher: Cipher) -> Actor:
        """Return the actor of this request before anybody has proved who they are."""
        sealed = cipher.encrypt(self.address, address_context(self.request_id))
        return Actor(ANONYMOUS, None, self.request_id, sealed)

    def sealed_for(self, cipher: Cipher, session_id: str) -> str:
        """Return the address, sealed for the row of a session."""
        return cipher.encrypt(self.address, sessions.address_context(session_id))
