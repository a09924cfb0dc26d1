"""Connect to Temporal: every process uses the same client and the same payload converter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final, get_type_hints

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

    The SDK makes new converters for every workflow task, and loses the type adapters they built: a sixth of a worker's
    time (ADR 0007). Here each adapter is built once in a process.
    """

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """Read a value of this type; without a type, plain JSON."""
        return _adapter(Any if type_hint is None else type_hint).validate_json(payload.data)


def build_adapters(functions: Iterable[Callable[..., Any]]) -> None:
    """Build the adapters of what workflows and activities take and return.

    On a busy machine, building one takes longer than a workflow task may, and the task would fail as a deadlock.
    """
    for function in functions:
        for type_hint in get_type_hints(function).values():
            _adapter(type_hint)


@cache
def _adapter(type_hint: Any) -> TypeAdapter[Any]:
    """One for each type in the signatures of workflows and activities."""
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
    """Return the trusted CAs and the client certificate. Each client reads the files again, so renewed files count."""
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
