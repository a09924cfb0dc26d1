"""The gateways that a merchant's payment can be sent to, with their capabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Final

from clearway.domain.gateway import GatewayConfig
from clearway.domain.routing import BreakerSays, Candidate
from clearway.gateways.catalogue import CATALOGUE
from clearway.gateways.connections import capabilities_of

KEPT_MAX: Final = 5_000
_ALL_TOKENS: Final = tuple(prefix for kind in CATALOGUE.values() for prefix in kind.tokens)


class _Version:
    """A configuration, compared by id and version: a changed row has another version."""

    __slots__ = ("config",)

    def __init__(self, config: GatewayConfig) -> None:
        self.config = config

    def __hash__(self) -> int:
        return hash((self.config.id, self.config.version))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Version):
            return False
        return (self.config.id, self.config.version) == (other.config.id, other.config.version)


def candidates_of(
    configs: Iterable[GatewayConfig], says: Callable[[str], BreakerSays] = lambda _: BreakerSays.PASS
) -> tuple[Candidate, ...]:
    """Return the merchant's gateways as candidates, in the same order. An unknown kind has no capabilities.

    says: the state of a gateway's breaker. Without it, all gateways count as working.
    """
    candidates = (_candidate(_Version(config)) for config in configs if config.kind in CATALOGUE)
    return tuple(_with_breaker(candidate, says(candidate.id)) for candidate in candidates)


def _with_breaker(candidate: Candidate, breaker: BreakerSays) -> Candidate:
    return candidate if breaker is BreakerSays.PASS else replace(candidate, breaker=breaker)


@lru_cache(maxsize=KEPT_MAX)
def _candidate(version: _Version) -> Candidate:
    config = version.config
    kind = CATALOGUE[config.kind]
    return Candidate(
        id=config.id,
        kind=config.kind.value,
        name=config.name,
        enabled=config.enabled,
        expresses=capabilities_of(config),
        raw_cards=kind.raw_cards,
        foreign_tokens=tuple(prefix for prefix in _ALL_TOKENS if prefix not in kind.tokens),
    )
