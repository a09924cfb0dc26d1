"""Which gateways there are, by name. Holds connectors; chooses none of them (routing does) and calls none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from clearway.gateways.contract import Gateway
from clearway.gateways.simulator.client import SimulatorGateway
from clearway.settings import Settings

SIMULATOR: Final = SimulatorGateway.name
"""The gateway of test merchants."""


class GatewayUnknownError(KeyError):
    """No gateway has this name: the configuration and the stored payments disagree."""


class GatewayRegistry(Mapping[str, Gateway]):
    """The connectors of one process, each with its connections."""

    def __init__(self, gateways: list[Gateway]) -> None:
        self._gateways = {gateway.name: gateway for gateway in gateways}
        assert len(self._gateways) == len(gateways), "two gateways have the same name"

    def __getitem__(self, name: str) -> Gateway:
        try:
            return self._gateways[name]
        except KeyError:
            known = ", ".join(sorted(self._gateways))
            raise GatewayUnknownError(f"no gateway is called {name!r}; there are: {known}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._gateways)

    def __len__(self) -> int:
        return len(self._gateways)

    async def aclose(self) -> None:
        """Close every connector."""
        for gateway in self._gateways.values():
            await gateway.aclose()


def build_registry(settings: Settings) -> GatewayRegistry:
    """Build every connector the settings describe."""
    return GatewayRegistry([SimulatorGateway.from_settings(settings)])
