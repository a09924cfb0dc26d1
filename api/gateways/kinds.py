"""`/gateways/kinds`: the kinds that can be connected, and what each asks for. A form can be made of it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.gateways.capabilities import GatewayCapabilities, capabilities_resource
from api.http.problems import TO_MERCHANTS, declare
from api.http.routing import Router
from clearway.domain.permissions import Permission
from clearway.gateways.catalogue import CATALOGUE
from clearway.gateways.declared import capabilities_of_kind
from clearway.gateways.forms import GatewaySettings
from clearway.gateways.kinds import Kind

router = Router(prefix="/gateways", tags=["gateways"])

Reader = Annotated[Principal, requires(Permission.GATEWAYS_READ)]


class FieldType(StrEnum):
    """How the value of a field is entered."""

    TEXT = "text"
    FLAG = "flag"
    NUMBER = "number"
    CHOICE = "choice"
    JSON = "json"


class KindField(BaseModel):
    """A field of a kind's credentials or settings."""

    name: str
    description: str | None
    required: bool
    type: FieldType
    choices: Annotated[list[str], Field(description="Of a `choice`: the values.")]
    default: Any


class GatewayKindResource(BaseModel):
    """A kind of gateway that you can connect in your mode."""

    kind: str
    title: str
    credentials: Annotated[list[KindField], Field(description="Secrets: they are never shown again.")]
    settings: list[KindField]
    capabilities: Annotated[
        GatewayCapabilities | None,
        Field(description="What such a gateway can do with the usual settings; null: its settings decide all of it."),
    ]


class GatewayKinds(BaseModel):
    """The kinds of gateways."""

    object: Literal["list"] = "list"
    data: list[GatewayKindResource]


@router.get("/kinds", responses=declare(*TO_MERCHANTS), summary="List the kinds of gateways")
async def list_gateway_kinds(principal: Reader) -> GatewayKinds:
    """List the kinds that you can connect, each with the fields that it asks for."""
    return GatewayKinds(data=[_resource(kind) for kind in CATALOGUE.values() if principal.mode in kind.modes])


def _resource(kind: Kind) -> GatewayKindResource:
    found = capabilities_of_kind(kind)
    return GatewayKindResource(
        kind=kind.name.value,
        title=kind.title,
        credentials=list(_fields(kind.credentials)),
        settings=list(_fields(kind.settings)),
        capabilities=None if found is None else capabilities_resource(found),
    )


def _fields(form: type[BaseModel]) -> Iterator[KindField]:
    """Yield the fields as a form shows them: those of the kind first, then those that every kind has."""
    schema = form.model_json_schema()
    described_by_name: dict[str, dict[str, Any]] = schema.get("properties", {})
    for name in sorted(described_by_name, key=lambda each: each in GatewaySettings.model_fields):
        described = described_by_name[name]
        value = _resolved(described, schema.get("$defs", {}))
        yield KindField(
            name=name,
            description=described.get("description"),
            required=name in schema.get("required", ()),
            type=_type_of(value),
            choices=[str(each) for each in value.get("enum", ())],
            default=described.get("default"),
        )


def _resolved(described: dict[str, Any], defined: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a value that is not null."""
    options = [each for each in described.get("anyOf", ()) if each.get("type") != "null"]
    value: dict[str, Any] = options[0] if len(options) == 1 else described
    named = value.get("$ref", "").rpartition("/")[2]
    return defined.get(named, value) if named else value


def _type_of(value: dict[str, Any]) -> FieldType:
    if "enum" in value:
        return FieldType.CHOICE
    plain = {
        "string": FieldType.TEXT,
        "boolean": FieldType.FLAG,
        "integer": FieldType.NUMBER,
        "number": FieldType.NUMBER,
    }
    return plain.get(value.get("type", ""), FieldType.JSON)
