"""Connecting to Temporal: one way for every process, with one way to write values down in histories."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, TLSConfig
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
)

from clearway.settings import Settings


class JSONConverter(PydanticJSONPlainPayloadConverter):
    """JSON made by pydantic, so that people can read payloads in the Temporal UI.

    The SDK makes its converters anew for every task of every workflow, and what they learnt of our types is lost with
    them: a sixth of what a worker did (ADR 0007). Here each type is learnt once in a process.
    """

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """Read a value of this type; without one, whatever JSON says."""
        return _adapter(Any if type_hint is None else type_hint).validate_json(payload.data)


@cache
def _adapter(type_hint: Any) -> TypeAdapter[Any]:
    """There are as many as types in the signatures of workflows and activities."""
    return TypeAdapter(type_hint)


_CONVERTERS: Final = tuple(
    JSONConverter() if isinstance(each, JSONPlainPayloadConverter) else each
    for each in DefaultPayloadConverter.default_encoding_payload_converters
)


class PayloadConverter(CompositePayloadConverter):
    """The SDK's own converters, with ours for JSON."""

    def __init__(self) -> None:
        super().__init__(*_CONVERTERS)


DATA_CONVERTER: Final = DataConverter(payload_converter_class=PayloadConverter)
"""For every client, worker and replayer: histories are written and read with it."""


def _tls(settings: Settings) -> bool | TLSConfig:
    """Return whom to trust and what to show; the files are read for each client, so that new ones count."""
    if not settings.temporal_tls:
        return False
    ca, certificate, key = settings.temporal_tls_ca, settings.temporal_tls_cert, settings.temporal_tls_key
    return TLSConfig(
        server_root_ca_cert=ca.read_bytes() if ca else None,
        domain=settings.temporal_tls_server_name,
        client_cert=certificate.read_bytes() if certificate else None,
        client_private_key=key.read_bytes() if key else None,
    )


async def connect(settings: Settings, **options: Any) -> Client:
    """Return a client of the configured server, namespace and credentials.

    options: further arguments of `temporalio.client.Client.connect`.
    """
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        tls=_tls(settings),
        api_key=settings.temporal_api_key.get_secret_value() if settings.temporal_api_key else None,
        data_converter=DATA_CONVERTER,
        **options,
    )
