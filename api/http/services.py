"""What every request may use: the clients of one process, made once by the lifespan and injected from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.http.admission import Admission
from api.http.limits import RateLimits
from clearway.services import Services


@dataclass(frozen=True)
class ApiServices(Services):
    """The connections of one API process, with the limits of its requests."""

    rate_limits: RateLimits
    admission: Admission


async def services_of(request: Request) -> ApiServices:
    """Return the services of the app that serves this request."""
    services: ApiServices = request.app.state.services
    return services


ServicesDep = Annotated[ApiServices, Depends(services_of)]
