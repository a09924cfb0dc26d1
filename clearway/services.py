"""What every application service is given: the connections of the process, who acts, and the id to work under.

Application services are the functions in `clearway/payments`, `refunds`, `endpoints`, `deliveries`, `gateway_events`
and `accounts`. The API, the command line and other products call the same ones. They know nothing of HTTP.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from clearway.crypto.encryption import Cipher
from clearway.db.engine import each_for_itself
from clearway.domain.ids import new_id
from clearway.gateways.connections import GatewayConnections
from clearway.gateways.registry import GatewayRegistry
from clearway.recovery.taking_up import Recovery
from clearway.settings import Settings


@dataclass(frozen=True)
class Services:
    """The connections of one process."""

    settings: Settings
    engine: AsyncEngine
    temporal: Client
    gateways: GatewayRegistry
    connections: GatewayConnections

    @cached_property
    def reader(self) -> AsyncEngine:
        """The same pool in autocommit: a single look-up then costs one round trip in place of three."""
        return each_for_itself(self.engine)

    @cached_property
    def cipher(self) -> Cipher:
        """What seals and opens secrets and personal data."""
        return Cipher.from_settings(self.settings.secret_keys.get_secret_value())

    @cached_property
    def recovery(self) -> Recovery:
        """Takes up a payment or refund whose workflow is gone."""
        return Recovery(self.engine, self.temporal, self.settings)


class Allocation:
    """The id under which one request does its work, however often it is repeated, and by how many at once.

    Only what is recorded under the id says whether the work was done. What a look-up says of other things (the order is
    taken, the endpoint is disabled) may be the work's own effect. repeatable: the request has an Idempotency-Key.
    """

    def __init__(self, resource_id: str, *, renew: Callable[[str], Awaitable[str]], repeatable: bool = True) -> None:
        self.resource_id = resource_id
        self.repeatable = repeatable
        self._renew = renew

    @classmethod
    def fresh(cls, prefix: str) -> Allocation:
        """Return an allocation for a request that is never repeated."""

        async def renew(_: str) -> str:
            return new_id(prefix)

        return cls(new_id(prefix), renew=renew, repeatable=False)

    async def renew(self) -> None:
        """Take another id. Only when the present one is spent: nothing is recorded under it, nor ever will be."""
        self.resource_id = await self._renew(self.resource_id)
