"""Gateway configurations by their id alone: for workers, and for gateway events."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Row, bindparam, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.mapping import Mapped
from clearway.db.tables import gateway_configs, gateway_health, merchants, payments, reconciliations
from clearway.domain.gateway import GatewayConfig
from clearway.domain.gateway_health import HealthStatus
from clearway.domain.merchant import Mode
from clearway.domain.payment import PaymentMethod
from clearway.domain.reconciliation import RunStatus

_CONFIG: Final = Mapped(GatewayConfig, gateway_configs, without=("allowed_networks", "methods"))
_CONFIGS: Final = (
    select(gateway_configs, merchants.c.mode)
    .join(merchants, merchants.c.id == gateway_configs.c.merchant_id)
    .where(gateway_configs.c.deleted_at.is_(None))
)
FIND_GATEWAY: Final = _CONFIGS.where(gateway_configs.c.id == bindparam("gateway_id"))
FIND_GATEWAYS: Final = _CONFIGS.where(gateway_configs.c.merchant_id == bindparam("of_merchant")).order_by(
    gateway_configs.c.priority, gateway_configs.c.id
)


def gateway_config_of(row: Row[Any], mode: Mode) -> GatewayConfig:
    """Read a row of `gateway_configs` of a merchant with this mode."""
    methods = None if row.methods is None else frozenset(map(PaymentMethod, row.methods))
    return _CONFIG.read(row, mode=mode, allowed_networks=tuple(row.allowed_networks), methods=methods)


async def find_gateway(connection: AsyncConnection, gateway_id: str) -> GatewayConfig | None:
    """Return a configuration of any merchant; None if there is none or it is deleted."""
    row = (await connection.execute(FIND_GATEWAY, {"gateway_id": gateway_id})).one_or_none()
    return gateway_config_of(row, Mode(row.mode)) if row else None


async def gateways_of(connection: AsyncConnection, merchant_id: str) -> tuple[GatewayConfig, ...]:
    """Return all configurations of a merchant, in the order in which they are tried."""
    rows = await connection.execute(FIND_GATEWAYS, {"of_merchant": merchant_id})
    return tuple(gateway_config_of(row, Mode(row.mode)) for row in rows)


async def every_gateway(connection: AsyncConnection) -> tuple[GatewayConfig, ...]:
    """Return the configurations of all merchants: for comparing the database with the gateways."""
    rows = await connection.execute(_CONFIGS.order_by(gateway_configs.c.id))
    return tuple(gateway_config_of(row, Mode(row.mode)) for row in rows)


async def count_ailing_gateways(connection: AsyncConnection) -> dict[str, int]:
    """Return how many enabled gateways of all merchants are unhealthy, and how many are degraded."""
    state = gateway_health.c
    query = (
        select(
            func.count().filter(state.status == HealthStatus.UNHEALTHY.value).label("unhealthy"),
            func.count().filter(state.degraded_since.is_not(None)).label("degraded"),
        )
        .join(gateway_configs, gateway_configs.c.id == state.gateway_id)
        .where(gateway_configs.c.enabled)
    )
    row = (await connection.execute(query)).one()
    return {"unhealthy": row.unhealthy, "degraded": row.degraded}


async def gateways_in_use(connection: AsyncConnection, after: str, limit: int) -> list[GatewayConfig]:
    """Return configurations of all merchants that have had a payment, by id, after the id `after`."""
    has_payment = exists().where(payments.c.gateway_id == gateway_configs.c.id)
    query = _CONFIGS.where(gateway_configs.c.id > after, has_payment).order_by(gateway_configs.c.id).limit(limit)
    return [gateway_config_of(row, Mode(row.mode)) for row in await connection.execute(query)]


async def running_reconciliations(connection: AsyncConnection) -> list[Row[Any]]:
    """Return the reconciliations of all merchants that are under way."""
    query = select(reconciliations.c.id, reconciliations.c.merchant_id, reconciliations.c.updated_at).where(
        reconciliations.c.status == RunStatus.RUNNING.value
    )
    return [*(await connection.execute(query))]
