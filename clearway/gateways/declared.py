"""What a gateway configuration declares: its capabilities and polling intervals, computed once for each version.

Every payment asks for these, and to read the settings of a custom gateway is to read its whole document.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from pydantic import ValidationError

from clearway.domain.gateway import GatewayConfig
from clearway.gateways.catalogue import CATALOGUE
from clearway.gateways.contract import Capabilities
from clearway.gateways.forms import GatewaySettings
from clearway.gateways.kinds import Kind

KEPT_MAX: Final = 5_000
NOTHING: Final = Capabilities(frozenset())
"""The capabilities of a configuration that this version cannot use."""


class Version:
    """A configuration as its row says, compared by id and version: a changed row has another version."""

    __slots__ = ("config",)

    def __init__(self, config: GatewayConfig) -> None:
        self.config = config

    def __hash__(self) -> int:
        return hash((self.config.id, self.config.version))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Version):
            return False
        return (self.config.id, self.config.version) == (other.config.id, other.config.version)


def capabilities_of(config: GatewayConfig) -> Capabilities:
    """Return a gateway's capabilities, by its kind and settings. config: as its row says."""
    return _capabilities(Version(config))


def capabilities_of_kind(kind: Kind) -> Capabilities | None:
    """Return what a gateway of a kind can express before its settings are entered; None: they decide all of it."""
    try:
        return kind.capabilities(kind.settings.model_validate({}))
    except ValidationError:
        return kind.before_settings


def polling_of(config: GatewayConfig) -> tuple[float, ...] | None:
    """Return a gateway's own polling intervals in seconds; None: those of the installation. config: as its row says."""
    return _polling(Version(config))


@lru_cache(maxsize=KEPT_MAX)
def _capabilities(version: Version) -> Capabilities:
    kind, settings = CATALOGUE.get(version.config.kind), _settings_of(version.config)
    return NOTHING if kind is None or settings is None else kind.capabilities(settings)


@lru_cache(maxsize=KEPT_MAX)
def _polling(version: Version) -> tuple[float, ...] | None:
    kind = CATALOGUE.get(version.config.kind)
    if kind is None or kind.polling is None:
        return None
    settings = _settings_of(version.config)
    return None if settings is None else kind.polling(settings)


def _settings_of(config: GatewayConfig) -> GatewaySettings | None:
    """Return the settings in the form of their kind; None when the kind is unknown, or its form has changed."""
    kind = CATALOGUE.get(config.kind)
    try:
        return kind.settings.model_validate(config.settings) if kind else None
    except ValidationError:
        return None
