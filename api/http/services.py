"""What every request may use: the clients of one process, made once by the lifespan and injected from here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from api.http.limits import RateLimits
from clearway.db.engine import each_for_itself
from clearway.gateways.registry import GatewayRegistry
from clearway.settings import Settings


@dataclass(frozen=True)
class Services:
    """The connections of one API process."""

    settings: Settings
    engine: AsyncEngine
    temporal: Client
    gateways: GatewayRegistry
    rate_limits: RateLimits

    @cached_property
    def reader(self) -> AsyncEngine:
        """The same pool without transactions: a single look-up then costs one round trip in place of three."""
        return each_for_itself(self.engine)


async def services_of(request: Request) -> Services:
    """Return the services of the app that serves this request."""
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(services_of)]
