"""Health checks of gateways, and mail about what they find."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from temporalio import activity
from temporalio.service import RPCError

from clearway.crypto.encryption import Cipher
from clearway.durable.deliveries import TemporalDeliveries
from clearway.durable.messages import HealthFound
from clearway.gateways.connections import GatewayConnections
from clearway.mail import outbox
from clearway.monitoring import alerts, health
from clearway.monitoring.health import Changed
from clearway.settings import Settings


class HealthActivities:
    """Checks of gateways, by the ids of configurations."""

    def __init__(
        self,
        engine: AsyncEngine,
        deliveries: TemporalDeliveries,
        gateways: GatewayConnections,
        settings: Settings,
        cipher: Cipher,
    ) -> None:
        self._engine = engine
        self._deliveries = deliveries
        self._gateways = gateways
        self._settings = settings
        self._cipher = cipher

    @activity.defn(name="check_gateway")
    async def check_gateway(self, gateway_id: str) -> HealthFound:
        """Ask the gateway whether it works, record the answer, and start the deliveries and mails of a change."""
        mails: list[str] = []

        async def alert(connection: AsyncConnection, changes: Sequence[Changed]) -> None:
            mails.extend(await alerts.record(connection, self._cipher, self._settings, changes))

        now = datetime.now(UTC)
        found = await health.check_gateway(self._engine, self._gateways, gateway_id, now, alert)
        if found is None:
            return HealthFound(skipped=True)
        try:
            await self._deliveries.start(found.due)
        except RPCError as error:  # the event is recorded, and housekeeping delivers it
            activity.logger.warning("the event of a health check is not sent at once: %s", error)
        await outbox.start(self._deliveries.client, *mails)
        changes = tuple(each.type.value for each in found.changes)
        return HealthFound(found.status.value, found.ok, changes)
