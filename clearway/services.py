"""The common arguments of application services: the connections of the process, and the id allocated for a request.

Application services are the functions in `clearway/payments`, `refunds`, `endpoints`, `deliveries`, `gateway_events`
and `accounts`. The API and the command line call the same ones. They do not depend on HTTP.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from clearway.breakers.board import BreakerBoard
from clearway.crypto.access_tokens import SignedTokens
from clearway.crypto.api_secrets import Peppers
from clearway.crypto.encryption import Cipher
from clearway.crypto.passwords import Passwords
from clearway.db.engine import each_for_itself
from clearway.domain.ids import new_id
from clearway.gateways.connections import GatewayConnections
from clearway.recovery.taking_up import Recovery
from clearway.routing.error_overrides import ErrorOverrides
from clearway.routing.programs import ActivePrograms
from clearway.routing.success_rates import SuccessRates
from clearway.settings import Settings


@dataclass(frozen=True)
class Services:
    """The connections of one process."""

    settings: Settings
    engine: AsyncEngine
    temporal: Client
    gateways: GatewayConnections

    @cached_property
    def reader(self) -> AsyncEngine:
        """The same pool in autocommit: a single look-up then costs one round trip instead of three."""
        return each_for_itself(self.engine)

    @cached_property
    def cipher(self) -> Cipher:
        """What seals and opens secrets and personal data."""
        return Cipher.from_settings(self.settings.secret_keys.get_secret_value())

    @cached_property
    def peppers(self) -> Peppers:
        """The keys of hashes."""
        return Peppers.from_settings(self.settings.api_key_peppers.get_secret_value())

    @cached_property
    def passwords(self) -> Passwords:
        """What hashes and compares the passwords of users."""
        return Passwords()

    @cached_property
    def signed_tokens(self) -> SignedTokens:
        """What signs and verifies access tokens and log-in challenges."""
        return SignedTokens.from_settings(self.settings.secret_keys.get_secret_value())

    @cached_property
    def programs(self) -> ActivePrograms:
        """The active routing rules of merchants."""
        return ActivePrograms(self.engine)

    @cached_property
    def success_rates(self) -> SuccessRates:
        """The success rates of merchants' gateways, for routing."""
        return SuccessRates(self.engine)

    @cached_property
    def error_overrides(self) -> ErrorOverrides:
        """Merchants' own rows over the error table."""
        return ErrorOverrides(self.engine)

    @cached_property
    def breakers(self) -> BreakerBoard:
        """What is known of gateways that fail."""
        return BreakerBoard(self.engine)

    @cached_property
    def recovery(self) -> Recovery:
        """Takes up a payment or refund whose workflow is gone."""
        return Recovery(self.engine, self.temporal, self.settings)


class Allocation:
    """The id allocated for one request, shared by all its repeats, also simultaneous ones.

    Only rows with this id say whether the work was done. Other look-ups (the order is taken, the endpoint is disabled)
    may show the effect of the same request. repeatable: the request has an Idempotency-Key. again: an earlier request
    allocated the id, so its workflow may remember more than a database that was restored to an earlier moment.
    """

    def __init__(
        self,
        resource_id: str,
        *,
        renew: Callable[[str], Awaitable[str]],
        repeatable: bool = True,
        again: bool = False,
    ) -> None:
        self.resource_id = resource_id
        self.repeatable = repeatable
        self.again = again
        self._renew = renew

    @classmethod
    def fresh(cls, prefix: str) -> Allocation:
        """Return an allocation for a request without an Idempotency-Key."""

        async def renew(_: str) -> str:
            return new_id(prefix)

        return cls(new_id(prefix), renew=renew, repeatable=False)

    async def renew(self) -> None:
        """Allocate another id. Only if the current one is used up: no row has it, and none ever will."""
        self.resource_id = await self._renew(self.resource_id)
        self.again = False
