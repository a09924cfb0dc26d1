"""Connecting to Temporal: one way for every process."""

from __future__ import annotations

from typing import Any

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from clearway.settings import Settings


async def connect(settings: Settings, **options: Any) -> Client:
    """Return a client of the configured server, namespace and credentials.

    Payloads are JSON made by pydantic, so that people can read them in the Temporal UI. options: further arguments of
    `temporalio.client.Client.connect`.
    """
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        tls=settings.temporal_tls,
        api_key=settings.temporal_api_key.get_secret_value() if settings.temporal_api_key else None,
        data_converter=pydantic_data_converter,
        **options,
    )
