"""The files that the Temporal server reads at its start: how it is laid out, and its dynamic configuration.

They are JSON, which is YAML too, written again at each start. Everything listens on loopback.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from clearway.dev.ports import HOST
from clearway.dev.temporal import DYNAMIC_CONFIG

DRIVER: Final = "postgres12_pgx"
"""The plug-in that can reach a Unix socket; `postgres12`, which is lib/pq, takes the address before the attribute."""
STORE: Final = "temporal"
VISIBILITY: Final = "temporal_visibility"
USER: Final = "postgres"
ENVIRONMENT: Final = "clearway"
"""The server reads `<environment>.yaml` of its configuration folder."""
SERVICES: Final = ("frontend", "history", "matching", "worker")
STORE_CONNECTIONS: Final = 20
VISIBILITY_CONNECTIONS: Final = 5
CONNECTIONS_MAX: Final = len(SERVICES) * (STORE_CONNECTIONS + VISIBILITY_CONNECTIONS)
"""Each service has pools of its own."""
FIXED_AT_CREATION: Final = "numHistoryShards"

SERVER_DYNAMIC_CONFIG: Final[Mapping[str, object]] = {
    **DYNAMIC_CONFIG,
    # Each of several shards has its own turn at the database; the dev server's one has to have many.
    "history.shardIOConcurrency": 4,
    # Our namespace is new to the server when it is first asked for.
    "system.namespaceCacheRefreshInterval": "1s",
}


@dataclass(frozen=True, kw_only=True)
class ServerLayout:
    """What differs from one server to the next. `rpc_ports` and `membership_ports` have one for each of SERVICES."""

    socket_dir: Path
    shards: int
    rpc_ports: Mapping[str, int]
    membership_ports: Mapping[str, int]


def write(folder: Path, layout: ServerLayout, dynamic_config: Mapping[str, object]) -> None:
    """Write both files into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    dynamic = folder / "dynamic.yaml"
    dynamic.write_text(json.dumps({key: [{"value": value}] for key, value in dynamic_config.items()}, indent=2))
    (folder / f"{ENVIRONMENT}.yaml").write_text(json.dumps(_static(layout, dynamic), indent=2))


def shards_of(folder: Path) -> int | None:
    """The number of shards that the server in this folder was created with, or None before its first start."""
    try:
        content = json.loads((folder / f"{ENVIRONMENT}.yaml").read_text())
    except FileNotFoundError:
        return None
    return int(content["persistence"][FIXED_AT_CREATION])


def _static(layout: ServerLayout, dynamic: Path) -> dict[str, Any]:
    return {
        "log": {"stdout": True, "level": "warn"},
        "persistence": {
            "defaultStore": "store",
            "visibilityStore": "visibility",
            FIXED_AT_CREATION: layout.shards,
            "datastores": {
                "store": {"sql": _database(layout, STORE, STORE_CONNECTIONS)},
                "visibility": {"sql": _database(layout, VISIBILITY, VISIBILITY_CONNECTIONS)},
            },
        },
        "global": {"membership": {"maxJoinDuration": "30s", "broadcastAddress": HOST}},
        "services": {name: {"rpc": _rpc(layout, name)} for name in SERVICES},
        "clusterMetadata": {
            "enableGlobalNamespace": False,
            "failoverVersionIncrement": 10,
            "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {
                "active": {
                    "enabled": True,
                    "initialFailoverVersion": 1,
                    "rpcName": "frontend",
                    "rpcAddress": f"{HOST}:{layout.rpc_ports['frontend']}",
                }
            },
        },
        "dcRedirectionPolicy": {"policy": "noop"},
        "archival": {"history": {"state": "disabled"}, "visibility": {"state": "disabled"}},
        "namespaceDefaults": {"archival": {"history": {"state": "disabled"}, "visibility": {"state": "disabled"}}},
        "dynamicConfigClient": {"filepath": str(dynamic), "pollInterval": "10s"},
    }


def _rpc(layout: ServerLayout, name: str) -> dict[str, Any]:
    return {
        "grpcPort": layout.rpc_ports[name],
        "membershipPort": layout.membership_ports[name],
        "bindOnLocalHost": True,
    }


def _database(layout: ServerLayout, name: str, connections: int) -> dict[str, Any]:
    """The attribute `host` wins over the address, which only carries the port."""
    return {
        "pluginName": DRIVER,
        "databaseName": name,
        "connectAddr": f"{HOST}:5432",
        "connectProtocol": "tcp",
        "connectAttributes": {"host": str(layout.socket_dir)},
        "user": USER,
        "maxConns": connections,
        "maxIdleConns": connections,
        "maxConnLifetime": "1h",
    }
