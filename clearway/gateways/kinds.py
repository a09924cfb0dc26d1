"""A kind of gateway in the catalogue, and the parts of a connector."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from clearway.domain.gateway import GatewayConfig, GatewayKind
from clearway.domain.merchant import Mode
from clearway.domain.payment import PaymentMethod
from clearway.egress import EgressPolicy
from clearway.egress.exchanges import GuardedExchanges
from clearway.gateways.browser import BrowserSide, without_script
from clearway.gateways.contract import Capabilities, Gateway
from clearway.gateways.dry_runs import DryStep
from clearway.gateways.forms import Credentials, GatewaySettings
from clearway.settings import Settings


@dataclass(frozen=True)
class Ingredients:
    """The parts of a connector. credentials, settings: in the forms of the kind. tls: shared by all connectors."""

    config: GatewayConfig
    credentials: Any = field(repr=False)
    settings: Any
    installation: Settings = field(repr=False)
    tls: ssl.SSLContext

    def guarded(self, tls: ssl.SSLContext | None = None) -> GuardedExchanges:
        """Return a transport to an address that the merchant chose: guarded as their webhook URLs are.

        tls: one that shows a client certificate, in place of the shared one.
        """
        policy = EgressPolicy() if self.config.mode is Mode.LIVE else EgressPolicy.from_settings(self.installation)
        return GuardedExchanges(policy, tls or self.tls)


@runtime_checkable
class Checkable(Protocol):
    """A connector that can try its credentials without moving money."""

    async def check(self) -> str | None:
        """Return what is wrong and what to do, for the merchant; None if nothing is.

        It raises GatewayUnavailableError when the gateway does not answer.
        """


def no_mode(_: Any) -> Mode | None:
    """Return None: the credentials do not show whether they are live."""
    return None


async def no_problems(_credentials: Any, _settings: Any) -> Sequence[str]:
    """Return no problems: the forms say all that can be wrong."""
    return ()


def no_warnings(_credentials: Any, _settings: Any) -> tuple[str, ...]:
    """Return no warnings."""
    return ()


@dataclass(frozen=True)
class Kind:
    """One kind of gateway.

    title: its name for people. modes: the merchants that may connect it. build: makes the connector, opens nothing.
    capabilities: what a gateway with these settings can express. before_settings: of a kind that needs settings, what
    is known before they are entered; empty currencies: the settings name them. None: nothing is known.
    problems: what is wrong beyond the forms, found without a call; nothing is saved then.
    polling: by settings, the waits before each status poll in seconds; None: those of the installation.
    dry_run: by credentials, settings, the address of callbacks and steps, shows what would be sent, and sends nothing.
    mode_of: whether the credentials are live or test ones, if they show it. warnings: what is unusual and still
    allowed, such as a missing webhook secret. browser: what a page needs for a method, by the settings alone.
    tokens: how its card tokens begin, so that none is sent to a gateway of another kind. raw_cards: it exchanges raw
    test cards for tokens.
    """

    name: GatewayKind
    title: str
    credentials: type[Credentials]
    settings: type[GatewaySettings]
    build: Callable[[Ingredients], Gateway]
    capabilities: Callable[[Any], Capabilities]
    before_settings: Capabilities | None = None
    modes: frozenset[Mode] = frozenset(Mode)
    mode_of: Callable[[Any], Mode | None] = no_mode
    warnings: Callable[[Any, Any], tuple[str, ...]] = no_warnings
    problems: Callable[[Any, Any], Awaitable[Sequence[str]]] = no_problems
    polling: Callable[[Any], tuple[float, ...] | None] | None = None
    dry_run: Callable[[Any, Any, str, Mapping[str, Any]], Awaitable[Sequence[DryStep]]] | None = None
    browser: Callable[[Any, PaymentMethod], BrowserSide] = without_script
    tokens: tuple[str, ...] = ()
    raw_cards: bool = False
