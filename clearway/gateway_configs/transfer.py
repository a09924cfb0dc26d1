"""Export and import of all gateways of a merchant, with their credentials, encrypted with a passphrase.

The content is a JSON object: `version` 1, `mode` of the merchant, and `gateways`, each with kind, name, enabled,
priority, settings, allowed_networks, alerts, limits, methods, and credentials in plain text. It exists in memory only,
and leaves encrypted.

An import is one transaction. A gateway of the same kind and name is replaced, others are added, and nothing is deleted.
So an import may be repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.passphrase import PassphraseError, open_sealed, seal
from clearway.db import across_merchants, audit, gateways
from clearway.db.gateways import NewGateway
from clearway.domain.actor import Actor
from clearway.domain.errors import ConflictError, UnprocessableError
from clearway.domain.ids import GATEWAY, new_id
from clearway.domain.merchant import Mode
from clearway.domain.payment import PaymentMethod
from clearway.gateway_configs import commands
from clearway.gateway_configs.commands import GatewayRequest, Saved
from clearway.gateway_configs.shape import check_methods, examine, fill
from clearway.gateways.connections import GatewayBrokenError
from clearway.services import Services

CONTENT: Final = "gateways"
VERSION: Final = 1


async def export(services: Services, actor: Actor, mode: Mode, passphrase: str) -> dict[str, Any]:
    """Return the encrypted file of all gateways. Raises ConflictError when the credentials of one can't be read."""
    async with services.engine.begin() as connection:
        rows = await gateways.list_all(connection, actor.merchant_id)
        exported = [_exported(services, row, mode) for row in rows]
        named = {"gateways": [row.id for row in rows]}
        await audit.record(connection, actor, "gateways.export", actor.merchant_id, named)
    content = orjson.dumps({"version": VERSION, "mode": mode.value, "gateways": exported})
    return await asyncio.to_thread(seal, content, passphrase, CONTENT)


async def import_(
    services: Services, actor: Actor, mode: Mode, file: dict[str, Any], passphrase: str
) -> Sequence[Saved]:
    """Save the gateways of a file, all or none, without calling them. Raises UnprocessableError and ConflictError."""
    try:
        content = await asyncio.to_thread(open_sealed, file, passphrase, CONTENT)
    except PassphraseError as error:
        raise UnprocessableError("gateway_import_invalid", f"Nothing was imported. {error}") from None
    asked = _asked(content, mode)
    filled = [await examine(fill(services.settings, mode, one.kind, one.credentials, one.settings)) for one in asked]
    for one, form in zip(asked, filled, strict=True):
        check_methods(form, one.methods)
    async with services.engine.begin() as connection:
        there = {(row.kind, row.name): row for row in await gateways.list_all(connection, actor.merchant_id)}
        added = sum((one.kind, one.name) not in there for one in asked)
        if not await gateways.has_room(connection, actor.merchant_id, added):
            raise commands.too_many()
        saved = []
        for one, form in zip(asked, filled, strict=True):
            before = there.pop((one.kind, one.name), None)
            gateway_id = new_id(GATEWAY) if before is None else str(before.id)
            new = commands.new_row(services, actor.merchant_id, gateway_id, one, form)
            row = await _put(connection, actor, before, new)
            saved.append(Saved(row, tuple(form.warnings(mode))))
    for each in saved:
        services.gateways.forget(across_merchants.gateway_config_of(each.row, mode))
        await commands.follow_checks(services, each.row)
    return saved


def _exported(services: Services, row: Row[Any], mode: Mode) -> dict[str, Any]:
    config = across_merchants.gateway_config_of(row, mode)
    try:
        credentials = services.gateways.open_credentials(config)
    except GatewayBrokenError:
        detail = f"The credentials of gateway {row.id} can't be read, so nothing was exported. Enter them again first."
        raise ConflictError("gateway_changed", detail) from None
    return {
        "kind": row.kind,
        "name": row.name,
        "enabled": row.enabled,
        "priority": row.priority,
        "settings": row.settings,
        "allowed_networks": row.allowed_networks,
        "alerts": row.alerts,
        "limits": row.limits,
        "methods": row.methods,
        "credentials": credentials,
    }


def _asked(content: bytes, mode: Mode) -> list[GatewayRequest]:
    """Read the content. Its authentication tag proves that an export wrote it."""
    read: Mapping[str, Any] = orjson.loads(content)
    if read.get("version") != VERSION:
        detail = "Nothing was imported. The file is of another version of Clearway."
        raise UnprocessableError("gateway_import_invalid", detail)
    if read["mode"] != mode.value:
        detail = (
            f"Nothing was imported. The file has the gateways of a {read['mode']} merchant, and this is a {mode.value} "
            "merchant. Connect its gateways by hand."
        )
        raise UnprocessableError("gateway_import_invalid", detail)
    return [_request(one) for one in read["gateways"]]


def _request(one: Mapping[str, Any]) -> GatewayRequest:
    """Read one gateway. A file that was written before methods could be chosen has none."""
    methods = one.get("methods")
    chosen = None if methods is None else tuple(map(PaymentMethod, methods))
    networks = tuple(one["allowed_networks"])
    return GatewayRequest(**{**one, "allowed_networks": networks, "methods": chosen}, test=False)


async def _put(connection: AsyncConnection, actor: Actor, before: Row[Any] | None, new: NewGateway) -> Row[Any]:
    gateway_id = new.id
    if before is None:
        row = await gateways.add(connection, new)
        detail = {"kind": row.kind, "after": commands.shown(row), "imported": True}
        await audit.record(connection, actor, "gateway.create", gateway_id, detail)
        return row
    values = {name: value for name, value in asdict(new).items() if name not in {"id", "merchant_id", "kind", "name"}}
    values["allowed_networks"] = list(new.allowed_networks)
    row = await gateways.change(connection, actor.merchant_id, gateway_id, values, datetime.now(UTC))
    detail = {"before": commands.shown(before), "after": commands.shown(row), "imported": True}
    await audit.record(connection, actor, "gateway.update", gateway_id, detail)
    return row
