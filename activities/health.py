"""Health checks of gateways, and mail about what they find."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.service import RPCError

from clearway.durable.deliveries import TemporalDeliveries
from clearway.durable.messages import HealthFound, HealthMail
from clearway.gateways.connections import GatewayConnections
from clearway.monitoring import health, mail
from clearway.settings import Settings


class HealthActivities:
    """Checks of gateways, by the ids of configurations."""

    def __init__(
        self, engine: AsyncEngine, deliveries: TemporalDeliveries, gateways: GatewayConnections, settings: Settings
    ) -> None:
        self._engine = engine
        self._deliveries = deliveries
        self._gateways = gateways
        self._settings = settings

    @activity.defn(name="check_gateway")
    async def check_gateway(self, gateway_id: str) -> HealthFound:
        """Ask the gateway whether it works, record the answer, and start the deliveries of a change."""
        found = await health.check_gateway(self._engine, self._gateways, gateway_id, datetime.now(UTC))
        if found is None:
            return HealthFound(skipped=True)
        try:
            await self._deliveries.start(found.due)
        except RPCError as error:  # the event is recorded, and housekeeping delivers it
            activity.logger.warning("the event of a health check is not sent at once: %s", error)
        changes = tuple(each.type.value for each in found.changes)
        mails = tuple(mail.mail_of(each) for each in found.changes) if self._settings.smtp_host else ()
        return HealthFound(found.status.value, found.ok, changes, mails)

    @activity.defn(name="send_health_mail")
    async def send_mail(self, written: HealthMail) -> None:
        """Send a mail to the operators. It may arrive twice after a crash."""
        await mail.send(self._settings, written)
