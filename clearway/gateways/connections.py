"""Connectors of gateway configurations: built from the row, and kept until the row changes.

A process asks by the id of a configuration. The row is read again after `FRESH_S`, so a change reaches every process
within that time. A new version of the row makes a new connector; the old one is closed when its calls must have ended.
While the database is away, the last connector stays in use.

Owns connectors and nothing else: it chooses none (`clearway.payments.routing` does), and rows come from a function.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
import structlog
from pydantic import ValidationError

from clearway.crypto.encryption import Cipher, DecryptionError
from clearway.domain.gateway import GatewayConfig, credentials_context
from clearway.gateways.catalogue import CATALOGUE
from clearway.gateways.contract import Gateway
from clearway.gateways.kinds import Ingredients
from clearway.settings import Settings

FRESH_S: Final = 5.0
"""How long a row is used without reading it again."""
KEPT_MAX: Final = 500
"""How many configurations a process keeps connectors of; those used longest ago are closed first."""
GRACE_S: Final = 30.0
"""Beyond the deadline of a gateway call: after both, no call of a replaced connector can be running."""

FindConfig = Callable[[str], Awaitable[GatewayConfig | None]]
FindConfigs = Callable[[str], Awaitable[tuple[GatewayConfig, ...]]]

log = structlog.get_logger(__name__)


class GatewayUnusableError(Exception):
    """The configuration is missing, or no connector can be built from it. Nothing was sent through it."""


class GatewayMissingError(GatewayUnusableError):
    """No configuration has this id, or it is deleted."""


class GatewayBrokenError(GatewayUnusableError):
    """The configuration exists, but its credentials or settings cannot be used."""


@dataclass(frozen=True)
class Connection:
    """A configuration and its connector."""

    config: GatewayConfig
    gateway: Gateway


@dataclass
class _Kept:
    connection: Connection
    read_at: float


class GatewayConnections:
    """The connectors of one process. find: reads a row; find_all: the rows of a merchant, in the order of priority."""

    def __init__(self, settings: Settings, find: FindConfig, find_all: FindConfigs) -> None:
        self._settings = settings
        self._cipher = Cipher.from_settings(settings.secret_keys.get_secret_value())
        self._find = find
        self._find_all = find_all
        self._tls = ssl.create_default_context()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._reading: dict[str, asyncio.Task[Connection]] = {}
        self._of_merchant: OrderedDict[str, tuple[float, tuple[GatewayConfig, ...]]] = OrderedDict()
        self._retired: list[tuple[float, Gateway]] = []

    async def get(self, config_id: str) -> Connection:
        """Return the connection of a configuration, enabled or not. Raises GatewayUnusableError."""
        kept = self._kept.get(config_id)
        if kept is not None and time.monotonic() - kept.read_at < FRESH_S:
            self._kept.move_to_end(config_id)
            return kept.connection
        reading = self._reading.get(config_id)
        if reading is None:
            reading = self._reading[config_id] = asyncio.create_task(self._read(config_id))
            reading.add_done_callback(lambda _: self._reading.pop(config_id, None))
        # Many callers may wait for one read: a cancelled caller must not cancel it for the others.
        return await asyncio.shield(reading)

    async def read_config(self, config_id: str) -> GatewayConfig:
        """Return a configuration as its row is now, also one that no connector can be built from.

        Raises GatewayMissingError.
        """
        config = await self._find(config_id)
        if config is None:
            raise GatewayMissingError(f"there is no gateway {config_id}, or it is deleted")
        return config

    async def of_merchant(self, merchant_id: str, *, fresh: bool = False) -> tuple[GatewayConfig, ...]:
        """Return the configurations of a merchant, in the order of priority. fresh: read them now."""
        now = time.monotonic()
        known = self._of_merchant.get(merchant_id)
        if known is not None and not fresh and now - known[0] < FRESH_S:
            return known[1]
        found = await self._find_all(merchant_id)
        self._of_merchant[merchant_id] = (now, found)
        self._of_merchant.move_to_end(merchant_id)
        if len(self._of_merchant) > KEPT_MAX:
            self._of_merchant.popitem(last=False)
        return found

    def forget(self, config: GatewayConfig) -> None:
        """Read a configuration again at its next use: this process has just changed it."""
        kept = self._kept.get(config.id)
        if kept is not None:
            kept.read_at = float("-inf")
        self._of_merchant.pop(config.merchant_id, None)

    def build(self, config: GatewayConfig, credentials: Mapping[str, Any]) -> Gateway:
        """Return a new connector, which the caller closes. Raises GatewayBrokenError."""
        kind = CATALOGUE.get(config.kind)
        if kind is None:
            raise GatewayBrokenError(f"this version has no gateways of the kind {config.kind.value!r}")
        try:
            entered = kind.credentials.model_validate(credentials)
            settings = kind.settings.model_validate(config.settings)
            return kind.build(Ingredients(config, entered, settings, self._settings, self._tls))
        except (ValidationError, ValueError) as error:
            # The message of either may repeat a credential, so only its kind is passed on.
            raise GatewayBrokenError(
                f"the credentials or settings of {config.id} cannot be used: {type(error).__name__}"
            ) from None

    def open_credentials(self, config: GatewayConfig) -> dict[str, Any]:
        """Return the credentials in plain text. Raises GatewayBrokenError."""
        if config.sealed_credentials is None:
            return {}
        try:
            text = self._cipher.decrypt(config.sealed_credentials, credentials_context(config.id))
        except DecryptionError as error:
            raise GatewayBrokenError(str(error)) from None
        opened: dict[str, Any] = orjson.loads(text)
        return opened

    async def aclose(self) -> None:
        """Close every connector."""
        for gateway in [kept.connection.gateway for kept in self._kept.values()] + [each[1] for each in self._retired]:
            await gateway.aclose()
        self._kept.clear()
        self._retired.clear()

    async def _read(self, config_id: str) -> Connection:
        await self._close_retired()
        kept = self._kept.get(config_id)
        try:
            config = await self._find(config_id)
        except Exception as error:
            if kept is None:
                raise
            log.warning("gateway_config_not_read", gateway_id=config_id, error=type(error).__name__)
            return kept.connection
        if config is None:
            self._retire(self._kept.pop(config_id, None))
            raise GatewayMissingError(f"there is no gateway {config_id}, or it is deleted")
        if kept is None or kept.connection.config.version != config.version:
            connection = Connection(config, self.build(config, self.open_credentials(config)))
            self._retire(kept)
        else:
            connection = Connection(config, kept.connection.gateway)
        self._kept[config_id] = _Kept(connection, time.monotonic())
        self._kept.move_to_end(config_id)
        if len(self._kept) > KEPT_MAX:
            self._retire(self._kept.popitem(last=False)[1])
        return connection

    def _retire(self, kept: _Kept | None) -> None:
        if kept is not None:
            ends_at = time.monotonic() + self._settings.gateway_timeout_s + GRACE_S
            self._retired.append((ends_at, kept.connection.gateway))

    async def _close_retired(self) -> None:
        now = time.monotonic()
        due = [gateway for ends_at, gateway in self._retired if ends_at <= now]
        self._retired = [each for each in self._retired if each[0] > now]
        for gateway in due:
            with contextlib.suppress(Exception):
                await gateway.aclose()
