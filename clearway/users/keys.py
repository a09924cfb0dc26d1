"""What hashes and seals, for code that runs in the API and in workers."""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

from clearway.crypto.api_secrets import Peppers
from clearway.crypto.encryption import Cipher
from clearway.settings import Settings


class Keys(Protocol):
    """The settings and the keys that they name. `Services` has them."""

    @property
    def settings(self) -> Settings:
        """The settings of the process."""

    @property
    def cipher(self) -> Cipher:
        """What seals and opens secrets and personal data."""

    @property
    def peppers(self) -> Peppers:
        """The keys of hashes."""


class KeysOfSettings:
    """The keys where there are no `Services`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def cipher(self) -> Cipher:
        """What seals and opens secrets and personal data."""
        return Cipher.from_settings(self.settings.secret_keys.get_secret_value())

    @cached_property
    def peppers(self) -> Peppers:
        """The keys of hashes."""
        return Peppers.from_settings(self.settings.api_key_peppers.get_secret_value())
