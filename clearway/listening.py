"""Decides on which addresses a program may listen. It binds nothing.

A development environment has published secrets: anyone who reaches its API may sign webhooks and spend as its test
merchant. So it listens on the loopback interface, unless the operator says otherwise.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Protocol

from clearway.setting_values import Environment
from clearway.settings import SettingsError


class Exposure(Protocol):
    """The settings that decide, which the simulator has too."""

    @property
    def clearway_env(self) -> Environment:
        """Where this program runs."""

    @property
    def allow_network_in_development(self) -> bool:
        """Whether the operator lifts the refusal."""


def require_private(host: str, variable: str, settings: Exposure) -> None:
    """Raise SettingsError when a program with published secrets would be reached over the network.

    variable: the setting that names the host.
    """
    environment = settings.clearway_env
    if environment is Environment.PRODUCTION or settings.allow_network_in_development or _is_loopback(host):
        return
    message = (
        f"{variable}={host} can be reached over the network, and CLEARWAY_ENV={environment} accepts secrets that are "
        "published. Listen on 127.0.0.1, or set CLEARWAY_ENV=production with secrets of your own. "
        "Where nobody else can reach this network, set ALLOW_NETWORK_IN_DEVELOPMENT=true."
    )
    raise SettingsError(message)


def _is_loopback(host: str) -> bool:
    """Tell whether every address of this host is this machine's own. An empty host means every interface."""
    try:
        found = socket.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        return True  # nobody can listen there, and the server says so itself
    return all(ip_address(str(address[0]).partition("%")[0]).is_loopback for *_, address in found)
