"""The parts of a running service, as its routes reach them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from clearway.simulator.engine import Engine
from clearway.simulator.faults import FaultSwitches
from clearway.simulator.store import Store


@dataclass(frozen=True, slots=True)
class Service:
    """What the lifespan opened."""

    store: Store
    engine: Engine
    switches: FaultSwitches
    clocks: tuple[asyncio.Task[None], ...]

    @property
    def works(self) -> bool:
        """Whether the background tasks still run."""
        return not any(clock.done() for clock in self.clocks)


def _service(request: Request) -> Service:
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


Running = Annotated[Service, Depends(_service)]
