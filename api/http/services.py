"""What every request may use: the clients of one process, made once by the lifespan and injected from here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from fastapi import Depends, Request

from api.auth.guard import LoginGuard
from api.auth.operators import Looks
from api.auth.used_keys import UsedKeys
from api.http.admission import Admission
from api.http.background import Background
from api.http.limits import RateLimits
from clearway.accounts.keys import Keyring
from clearway.live.listeners import Listeners
from clearway.services import Services


@dataclass(frozen=True)
class ApiServices(Services):
    """The connections of one API process, with the limits of its requests."""

    rate_limits: RateLimits
    admission: Admission

    @cached_property
    def guard(self) -> LoginGuard:
        """Refuses known wrong credentials without a database query."""
        return LoginGuard(self.rate_limits)

    @cached_property
    def operator_looks(self) -> Looks:
        """The recent reads by operators."""
        return Looks()

    @cached_property
    def used_keys(self) -> UsedKeys:
        """Records when API keys were last used."""
        return UsedKeys(self.reader)

    @cached_property
    def listeners(self) -> Listeners:
        """The listeners of the event stream in this process."""
        return Listeners()

    @cached_property
    def background(self) -> Background:
        """Tasks that answers do not wait for."""
        return Background()

    @cached_property
    def keyring(self) -> Keyring:
        """Hashes and encrypts the secrets of API keys."""
        return Keyring.from_settings(self.settings)


async def services_of(request: Request) -> ApiServices:
    """Return the services of the app that serves this request."""
    services: ApiServices = request.app.state.services
    return services


ServicesDep = Annotated[ApiServices, Depends(services_of)]
