"""Changing gateway configurations: each change and its line in the audit log are one transaction.

Credentials are sealed here, and leave only masked. A request with an Idempotency-Key uses the id allocated for the key,
so a repeat after a crash finds the result.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import across_merchants, audit, gateways
from clearway.db.gateways import NewGateway
from clearway.domain.actor import Actor
from clearway.domain.errors import ConflictError, UnprocessableError
from clearway.domain.gateway import DEFAULT_PRIORITY, GatewayConfig, GatewayKind
from clearway.domain.ids import GATEWAY, is_id
from clearway.domain.limits import GATEWAYS_PER_MERCHANT_MAX
from clearway.domain.merchant import Mode
from clearway.domain.payment import PaymentMethod
from clearway.gateway_configs import coverage, trial
from clearway.gateway_configs.finding import find, gateway_not_found
from clearway.gateway_configs.shape import Filled, check_methods, examine, fill, kind_of
from clearway.monitoring import schedules
from clearway.services import Services

SHOWN: Final = ("name", "enabled", "priority", "settings", "allowed_networks", "methods", "alerts", "limits")
"""The fields of a configuration in the audit log, beside its masked credentials."""


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """A configuration to be created. credentials: plain text. test: call the gateway before it is saved.

    methods: those that new payments may use; None: all that the kind takes.
    """

    kind: str
    name: str | None = None
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = True
    priority: int = DEFAULT_PRIORITY
    allowed_networks: tuple[str, ...] = ()
    alerts: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    methods: tuple[PaymentMethod, ...] | None = None
    test: bool = True


@dataclass(frozen=True, slots=True)
class GatewayChange:
    """What to change; None: no change. In credentials and settings, only named fields change; None removes one.

    methods: replaced only with `replaces_methods`, because None is a value: all that the kind takes.
    """

    name: str | None = None
    enabled: bool | None = None
    credentials: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)
    priority: int | None = None
    allowed_networks: tuple[str, ...] | None = None
    alerts: Mapping[str, Any] | None = None
    limits: Mapping[str, Any] | None = None
    methods: tuple[PaymentMethod, ...] | None = None
    replaces_methods: bool = False
    test: bool = True


@dataclass(frozen=True, slots=True)
class Saved:
    """A row of `gateway_configs`, and warnings about it."""

    row: Row[Any]
    warnings: tuple[str, ...]


async def create(services: Services, actor: Actor, mode: Mode, gateway_id: str, asked: GatewayRequest) -> Saved:
    """Save a configuration under this id, or return the one that this request saved before.

    Raises UnprocessableError for one that cannot be used, and ConflictError when there are too many.
    """
    filled = await examine(fill(services.settings, mode, asked.kind, asked.credentials, asked.settings))
    check_methods(filled, asked.methods)
    await _try_out(services, _config(gateway_id, actor.merchant_id, mode, asked), filled, wanted=asked.test)
    async with services.engine.begin() as connection:
        has_room = await gateways.has_room(connection, actor.merchant_id)
        row = await gateways.repeated(connection, actor.merchant_id, gateway_id)
        if row is None:
            if not has_room:
                raise too_many()
            row = await gateways.add(connection, new_row(services, actor.merchant_id, gateway_id, asked, filled))
            await audit.record(connection, actor, "gateway.create", gateway_id, {"kind": row.kind, "after": shown(row)})
    services.gateways.forget(across_merchants.gateway_config_of(row, mode))
    await follow_checks(services, row)
    return Saved(row, (*filled.warnings(mode), *await coverage.warnings(services, actor.merchant_id)))


async def change(services: Services, actor: Actor, mode: Mode, gateway_id: str, asked: GatewayChange) -> Saved:
    """Change a configuration. Running calls finish with the old one."""
    before = await find(services, actor.merchant_id, gateway_id)
    config = across_merchants.gateway_config_of(before, mode)
    opened = services.gateways.open_credentials(config)
    entered = _merged(before.settings, asked.settings)
    filled = fill(services.settings, mode, before.kind, _merged(opened, asked.credentials), entered)
    if asked.credentials or asked.settings:
        await examine(filled)
    if asked.settings or asked.replaces_methods:
        check_methods(filled, asked.methods if asked.replaces_methods else before.methods)
    is_tried = asked.test and bool(asked.credentials or asked.settings)
    await _try_out(services, config, filled, wanted=is_tried)
    values = _values(services, gateway_id, asked, filled)
    async with services.engine.begin() as connection:
        row = await _lock_own(connection, actor.merchant_id, gateway_id)
        if row.version != before.version:
            detail = f"Gateway {gateway_id} was changed by another request. Nothing was saved. Read it and try again."
            raise ConflictError("gateway_changed", detail)
        if values:
            row = await gateways.change(connection, actor.merchant_id, gateway_id, values, datetime.now(UTC))
            detail_of_audit = _difference(before, row, asked.credentials)
            await audit.record(connection, actor, "gateway.update", gateway_id, detail_of_audit)
    services.gateways.forget(config)
    if row.enabled is not before.enabled:
        await follow_checks(services, row)
    return Saved(row, (*filled.warnings(mode), *await coverage.warnings(services, actor.merchant_id)))


async def switch(services: Services, actor: Actor, mode: Mode, gateway_id: str, *, on: bool) -> Row[Any]:
    """Enable or disable a configuration. New payments do not use a disabled one; payments on it continue."""
    async with services.engine.begin() as connection:
        row = await _lock_own(connection, actor.merchant_id, gateway_id)
        if row.enabled is not on:
            row = await gateways.change(connection, actor.merchant_id, gateway_id, {"enabled": on}, datetime.now(UTC))
            await audit.record(connection, actor, f"gateway.{'enable' if on else 'disable'}", gateway_id)
    services.gateways.forget(across_merchants.gateway_config_of(row, mode))
    await follow_checks(services, row)
    return row


async def delete(services: Services, actor: Actor, mode: Mode, gateway_id: str) -> None:
    """Delete a configuration and its credentials irreversibly. Raises ConflictError while payments are open on it."""
    async with services.engine.begin() as connection:
        row = await _lock_own(connection, actor.merchant_id, gateway_id)
        open_rows = await gateways.open_on(connection, actor.merchant_id, gateway_id)
        if open_rows.count:
            raise _in_use(gateway_id, open_rows)
        now = datetime.now(UTC)
        nothing = {"deleted_at": now, "enabled": False, "sealed_credentials": None, "masked": {}}
        await gateways.change(connection, actor.merchant_id, gateway_id, nothing, now)
        await audit.record(connection, actor, "gateway.delete", gateway_id, {"kind": row.kind, "before": shown(row)})
    services.gateways.forget(across_merchants.gateway_config_of(row, mode))
    await schedules.follow(services.temporal, gateway_id, services.settings.gateway_check_every_s, enabled=None)


async def follow_checks(services: Services, row: Row[Any]) -> None:
    """Start or pause the health checks of a configuration that was saved."""
    every_s = services.settings.gateway_check_every_s
    await schedules.follow(services.temporal, row.id, every_s, enabled=row.enabled)


def shown(row: Row[Any]) -> dict[str, Any]:
    """Return the parts of a configuration without secrets, for the audit log."""
    return {name: getattr(row, name) for name in SHOWN} | {"credentials": row.masked}


async def _try_out(services: Services, config: GatewayConfig, filled: Filled, *, wanted: bool) -> None:
    if not wanted:
        return
    report = await trial.try_out(services.gateways, config, filled)
    if not report.ok:
        detail = (
            f"The gateway was not saved: its test failed. {report.message} Send `test: false` to save it all the same."
        )
        raise UnprocessableError("gateway_test_failed", detail)


async def _lock_own(connection: AsyncConnection, merchant_id: str, gateway_id: str) -> Row[Any]:
    row = await gateways.lock(connection, merchant_id, gateway_id) if is_id(GATEWAY, gateway_id) else None
    if row is None:
        raise gateway_not_found(gateway_id)
    return row


def _config(gateway_id: str, merchant_id: str, mode: Mode, asked: GatewayRequest) -> GatewayConfig:
    return GatewayConfig(
        id=gateway_id,
        merchant_id=merchant_id,
        mode=mode,
        kind=GatewayKind(asked.kind),
        name=asked.name or asked.kind,
        enabled=asked.enabled,
        priority=asked.priority,
        settings=asked.settings,
        allowed_networks=asked.allowed_networks,
        version=1,
    )


def new_row(services: Services, merchant_id: str, gateway_id: str, asked: GatewayRequest, filled: Filled) -> NewGateway:
    """Return the row of a new configuration, with its credentials encrypted."""
    return NewGateway(
        id=gateway_id,
        merchant_id=merchant_id,
        kind=asked.kind,
        name=asked.name or kind_of(asked.kind).title,
        enabled=asked.enabled,
        priority=asked.priority,
        sealed_credentials=filled.sealed(services.cipher, gateway_id),
        masked=filled.masked(),
        settings=filled.settings.values(),
        allowed_networks=asked.allowed_networks,
        alerts=asked.alerts,
        limits=asked.limits,
        methods=_stored(asked.methods),
    )


def _stored(methods: Collection[PaymentMethod] | None) -> list[str] | None:
    """Return methods as the row has them: each once, in the order in which they are always shown."""
    return None if methods is None else [each.value for each in PaymentMethod if each in methods]


def _merged(before: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**before, **asked}.items() if value is not None}


def _values(services: Services, gateway_id: str, asked: GatewayChange, filled: Filled) -> dict[str, Any]:
    """Return the columns to set."""
    given = {"name": asked.name, "enabled": asked.enabled, "priority": asked.priority}
    values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if asked.allowed_networks is not None:
        values["allowed_networks"] = list(asked.allowed_networks)
    if asked.alerts is not None:
        values["alerts"] = dict(asked.alerts)
    if asked.limits is not None:
        values["limits"] = dict(asked.limits)
    if asked.replaces_methods:
        values["methods"] = _stored(asked.methods)
    if asked.settings:
        values["settings"] = filled.settings.values()
    if asked.credentials:
        values |= {
            "sealed_credentials": filled.sealed(services.cipher, gateway_id),
            "masked": filled.masked(),
        }
    return values


def _difference(before: Row[Any], after: Row[Any], credentials: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changed fields before and after. A credential that was sent counts as changed."""
    was, now = shown(before), shown(after)
    names = [name for name in was if was[name] != now[name] or (name == "credentials" and credentials)]
    return {"before": {name: was[name] for name in names}, "after": {name: now[name] for name in names}}


def _in_use(gateway_id: str, open_rows: gateways.InUse) -> ConflictError:
    more = open_rows.count - len(open_rows.some)
    named = ", ".join(open_rows.some) + (f" and {more} more" if more else "")
    detail = (
        f"Gateway {gateway_id} was not deleted: {open_rows.count} payments and refunds are open on it ({named}). "
        "Disable it, wait until they have ended, and delete it then."
    )
    return ConflictError("gateway_in_use", detail)


def too_many() -> ConflictError:
    """Return the error for too many gateways."""
    detail = f"You have {GATEWAYS_PER_MERCHANT_MAX} gateways, the maximum. Delete one first; nothing was saved."
    return ConflictError("gateway_limit", detail)
