"""`python -m clearway.simulator`: run the service until it is stopped."""

from __future__ import annotations

import logging
import sys

import structlog
import uvicorn

from clearway.listening import require_private
from clearway.settings import SettingsError
from clearway.simulator.app import create_app
from clearway.simulator.settings import SimulatorSettings
from clearway.simulator.store import StateInUseError, Store


def main() -> None:
    """Read the settings from the environment and serve. Raises SettingsError."""
    settings = SimulatorSettings()
    require_private(settings.simulator_host, "SIMULATOR_HOST", settings)
    try:
        Store(settings.simulator_state).close()
    except StateInUseError as error:
        sys.exit(f"simulator: {error}")
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(name)s %(message)s")
    # httpx logs every URL it calls: here always the merchant's webhook address.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level)))
    uvicorn.run(
        create_app(settings),
        host=settings.simulator_host,
        port=settings.simulator_port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    try:
        main()
    except SettingsError as refusal:
        sys.exit(f"simulator: {refusal}")
