"""The gateways that a merchant's payment can be sent to, with their capabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Final

from clearway.domain.gateway import GatewayConfig
from clearway.domain.routing import BreakerSays, Candidate
from clearway.gateways.catalogue import CATALOGUE
from clearway.gateways.declared import KEPT_MAX, Version, capabilities_of

_ALL_TOKENS: Final = tuple(prefix for kind in CATALOGUE.values() for prefix in kind.tokens)


def candidates_of(
    configs: Iterable[GatewayConfig], says: Callable[[str], BreakerSays] = lambda _: BreakerSays.PASS
) -> tuple[Candidate, ...]:
    """Return the merchant's gateways as candidates, in the same order. An unknown kind has no capabilities.

    says: the state of a gateway's breaker. Without it, all gateways count as working.
    """
    candidates = (_candidate(Version(config)) for config in configs if config.kind in CATALOGUE)
    return tuple(_with_breaker(candidate, says(candidate.id)) for candidate in candidates)


def _with_breaker(candidate: Candidate, breaker: BreakerSays) -> Candidate:
    return candidate if breaker is BreakerSays.PASS else replace(candidate, breaker=breaker)


@lru_cache(maxsize=KEPT_MAX)
def _candidate(version: Version) -> Candidate:
    config = version.config
    kind = CATALOGUE[config.kind]
    return Candidate(
        id=config.id,
        kind=config.kind.value,
        name=config.name,
        enabled=config.enabled,
        expresses=capabilities_of(config),
        chosen=config.methods,
        raw_cards=kind.raw_cards,
        foreign_tokens=tuple(prefix for prefix in _ALL_TOKENS if prefix not in kind.tokens),
    )
