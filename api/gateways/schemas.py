"""Gateway configurations in requests and answers. Credentials are write-only: answers show their last characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, SecretStr, StringConstraints
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError
from sqlalchemy import Row

from api.gateways.capabilities import GatewayCapabilities, capabilities_resource
from api.http.fields import Body, Network, PlainText
from clearway.db.across_merchants import gateway_config_of
from clearway.domain.gateway import DEFAULT_PRIORITY, PRIORITY_MAX, webhook_path
from clearway.domain.gateway_event import Disposition
from clearway.domain.gateway_health import ALERT_CALLS_DEFAULT, ALERT_WINDOW_MINUTES_DEFAULT, HealthStatus
from clearway.domain.gateway_limits import CONCURRENT_MAX, REQUESTS_PER_S_MAX
from clearway.domain.limits import (
    GATEWAY_CREDENTIAL_LENGTH_MAX,
    GATEWAY_FIELDS_MAX,
    GATEWAY_NAME_LENGTH_MAX,
    GATEWAY_NETWORKS_MAX,
)
from clearway.domain.merchant import Mode
from clearway.domain.payment import PaymentMethod
from clearway.domain.resources import Moment, Resource
from clearway.gateway_configs.checklist import Item
from clearway.gateway_configs.commands import GatewayChange, GatewayRequest
from clearway.gateways.catalogue import CATALOGUE
from clearway.gateways.checking import Report
from clearway.gateways.declared import capabilities_of

KINDS = tuple(sorted(kind.value for kind in CATALOGUE))
FIELD_FORM = r"^[a-z][a-z0-9_]{0,63}$"
NO_OTHER_FIELDS: JsonDict = {"additionalProperties": False}
"""A name that is not of the form is refused, and pydantic leaves that out of the document."""


def _kind(text: str) -> str:
    if text not in KINDS:
        raise PydanticCustomError("gateway_kind_unknown", f"There is no such kind. Use one of {', '.join(KINDS)}")
    return text


FieldName = Annotated[str, StringConstraints(pattern=FIELD_FORM)]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=GATEWAY_CREDENTIAL_LENGTH_MAX)]
GatewayName = Annotated[
    PlainText,
    StringConstraints(min_length=1, max_length=GATEWAY_NAME_LENGTH_MAX),
    Field(description="Your own name for it, shown in lists.", examples=["Stripe, Europe"]),
]
Priority = Annotated[
    int,
    Field(
        strict=True,
        ge=1,
        le=PRIORITY_MAX,
        description="The lowest number goes first; of equals, the one created first.",
    ),
]
Networks = Annotated[
    list[Network],
    Field(
        max_length=GATEWAY_NETWORKS_MAX,
        description="Where its webhooks may come from: networks in CIDR form. Empty: from anywhere.",
        examples=[["203.0.113.0/24"]],
    ),
]
Methods = Annotated[
    list[PaymentMethod],
    Field(
        min_length=1,
        max_length=len(PaymentMethod),
        description="The payment methods that new payments may use it for; null: all that it takes.",
        examples=[["card"]],
    ),
]
Settings = Annotated[
    dict[FieldName, Any],
    Field(
        max_length=GATEWAY_FIELDS_MAX,
        json_schema_extra=NO_OTHER_FIELDS,
        description="Settings of the kind that are not secret.",
    ),
]
Test = Annotated[
    bool, Field(strict=True, description="Test the credentials before they are saved. `false` saves it without asking.")
]


class AlertSettings(Body):
    """Thresholds for a gateway's figures. When one is passed, you get `gateway.degraded`."""

    latency_p95_ms: Annotated[
        int | None,
        Field(strict=True, ge=1, le=600_000, description="Maximum p95 latency of calls, in milliseconds."),
    ] = None
    technical_error_percent: Annotated[
        float | None,
        Field(strict=True, ge=0, le=100, description="Maximum share of calls with a technical error, in percent."),
    ] = None
    success_percent: Annotated[
        float | None,
        Field(strict=True, ge=0, le=100, description="Minimum share of decided payments that succeed, in percent."),
    ] = None
    calls_min: Annotated[
        int,
        Field(
            strict=True,
            ge=1,
            le=1_000_000,
            description="With fewer calls or decided payments, thresholds are not checked.",
        ),
    ] = ALERT_CALLS_DEFAULT
    window_minutes: Annotated[
        int, Field(strict=True, ge=5, le=1_440, description="Period of the figures, in minutes before now.")
    ] = ALERT_WINDOW_MINUTES_DEFAULT

    def kept(self) -> dict[str, Any]:
        """Return what is stored."""
        return self.model_dump(exclude_none=True)


class LimitSettings(Body):
    """Limits of requests to the gateway. Requests above a limit wait; they do not fail. `null`: no limit."""

    requests_per_s: Annotated[
        float | None,
        Field(
            strict=True,
            ge=0.1,
            le=REQUESTS_PER_S_MAX,
            description="Requests a second, spread evenly, of all your payments.",
        ),
    ] = None
    concurrent: Annotated[
        int | None, Field(strict=True, ge=1, le=CONCURRENT_MAX, description="Requests at the same time.")
    ] = None

    def kept(self) -> dict[str, Any]:
        """Return what is stored."""
        return self.model_dump(exclude_none=True)


class GatewayCreate(Body):
    """A gateway to be connected. docs/gateways.md says what each kind asks for."""

    kind: Annotated[PlainText, AfterValidator(_kind), Field(json_schema_extra={"enum": list(KINDS)})]
    name: GatewayName | None = None
    credentials: Annotated[
        dict[FieldName, Secret],
        Field(
            max_length=GATEWAY_FIELDS_MAX,
            json_schema_extra=NO_OTHER_FIELDS,
            description="Secrets that the kind asks for. They are never shown again.",
        ),
    ] = Field(default_factory=dict)
    settings: Settings = Field(default_factory=dict)
    enabled: Annotated[bool, Field(strict=True)] = True
    priority: Priority = DEFAULT_PRIORITY
    allowed_networks: Networks = Field(default_factory=list)
    alerts: AlertSettings | None = None
    limits: LimitSettings | None = None
    methods: Methods | None = None
    test: Test = True

    def asked(self) -> GatewayRequest:
        """Return the command for the application service."""
        return GatewayRequest(
            kind=self.kind,
            name=self.name,
            credentials={name: secret.get_secret_value() for name, secret in self.credentials.items()},
            settings=self.settings,
            enabled=self.enabled,
            priority=self.priority,
            allowed_networks=tuple(self.allowed_networks),
            alerts=self.alerts.kept() if self.alerts else {},
            limits=self.limits.kept() if self.limits else {},
            methods=None if self.methods is None else tuple(self.methods),
            test=self.test,
        )


class GatewayPatch(Body):
    """What to change; what is left out stays as it is."""

    name: GatewayName | None = None
    credentials: Annotated[
        dict[FieldName, Secret | None],
        Field(
            max_length=GATEWAY_FIELDS_MAX,
            json_schema_extra=NO_OTHER_FIELDS,
            description="The credentials to replace; null removes one. Others stay.",
        ),
    ] = Field(default_factory=dict)
    settings: Annotated[
        dict[FieldName, Any],
        Field(
            max_length=GATEWAY_FIELDS_MAX,
            json_schema_extra=NO_OTHER_FIELDS,
            description="The settings to replace; null removes one. Others stay.",
        ),
    ] = Field(default_factory=dict)
    enabled: Annotated[bool | None, Field(strict=True, description="Whether new payments may use it.")] = None
    priority: Priority | None = None
    allowed_networks: Networks | None = None
    alerts: Annotated[
        AlertSettings | None, Field(description="All thresholds; those that you leave out are removed.")
    ] = None
    limits: Annotated[LimitSettings | None, Field(description="All limits; those that you leave out are removed.")] = (
        None
    )
    methods: Annotated[Methods | None, Field(description="All methods to use it for; null: all that it takes.")] = None
    test: Test = True

    def asked(self) -> GatewayChange:
        """Return the command for the application service."""
        return GatewayChange(
            name=self.name,
            enabled=self.enabled,
            credentials={
                name: None if secret is None else secret.get_secret_value() for name, secret in self.credentials.items()
            },
            settings=self.settings,
            priority=self.priority,
            allowed_networks=None if self.allowed_networks is None else tuple(self.allowed_networks),
            alerts=None if self.alerts is None else self.alerts.kept(),
            limits=None if self.limits is None else self.limits.kept(),
            methods=None if self.methods is None else tuple(self.methods),
            replaces_methods="methods" in self.model_fields_set,
            test=self.test,
        )


class GatewayResource(Resource):
    """A gateway that you have connected."""

    id: str
    object: Literal["gateway"] = "gateway"
    kind: str
    mode: Annotated[Mode, Field(description="Of your merchant: a gateway takes payments of this mode only.")]
    name: str
    enabled: Annotated[
        bool, Field(description="Whether new payments may use it. Payments that used it continue in any case.")
    ]
    priority: int
    credentials: Annotated[
        dict[str, str], Field(description="The last four characters of each. Short ones show nothing.")
    ]
    settings: dict[str, Any]
    allowed_networks: list[str]
    webhook_url: Annotated[str, Field(description="Enter this address at the gateway, for its webhooks.")]
    alerts: AlertSettings
    limits: LimitSettings
    methods: Annotated[
        list[PaymentMethod] | None,
        Field(description="The payment methods that new payments may use it for; null: all that it takes."),
    ]
    capabilities: Annotated[
        GatewayCapabilities,
        Field(description="What it can do, by its kind and settings. `methods` may leave some out."),
    ]
    health: Annotated[HealthStatus, Field(description="What the last checks say; `GET …/health` says more.")]
    version: Annotated[int, Field(description="Increases with each change.")]
    created_at: Moment
    updated_at: Moment


class GatewaySaved(GatewayResource):
    """A saved gateway, with warnings."""

    warnings: Annotated[list[str], Field(description="Possible mistakes that did not prevent saving. Empty: none.")]


class GatewayTest(Resource):
    """The result of a gateway test. No money was moved."""

    object: Literal["gateway_test"] = "gateway_test"
    ok: bool
    message: Annotated[str, Field(description="What is wrong and what to do about it, or that all is well.")]
    latency_ms: Annotated[int | None, Field(description="How long the gateway took; null: it was not reached.")]
    warnings: list[str]


class ChecklistItem(BaseModel):
    """One item of the checklist."""

    name: Annotated[str, Field(description="A stable name, for programs.")]
    what: Annotated[str, Field(description="The requirement, as a statement.")]
    done: bool
    how: Annotated[str | None, Field(description="What to do; null when it is done.")]


class Checklist(BaseModel):
    """The requirements for live payments, and which of them are met now."""

    ready: Annotated[bool, Field(description="Whether all items are done.")]
    data: list[ChecklistItem]


class GatewayEventTaken(BaseModel):
    """The event is stored."""

    status: Annotated[
        Disposition,
        Field(description="What was done with the event. `ignored`: it is valid, and Clearway does not use its kind."),
    ]


def gateway_resource(
    row: Row[Any], mode: Mode, public_url: str, health: HealthStatus = HealthStatus.UNKNOWN
) -> GatewayResource:
    """Render a configuration. mode: of its merchant."""
    return GatewayResource(**_shown(row, mode, public_url), health=health)


def gateway_saved(
    row: Row[Any], mode: Mode, warnings: Iterable[str], public_url: str, health: HealthStatus = HealthStatus.UNKNOWN
) -> GatewaySaved:
    """Render a configuration that was just saved. mode: of its merchant."""
    return GatewaySaved(**_shown(row, mode, public_url), health=health, warnings=list(warnings))


def gateway_test(report: Report, warnings: list[str]) -> GatewayTest:
    """Render a test."""
    return GatewayTest(ok=report.ok, message=report.message, latency_ms=report.latency_ms, warnings=warnings)


def checklist_of(items: Sequence[Item]) -> Checklist:
    """Render the checklist."""
    shown = [ChecklistItem(name=each.name, what=each.what, done=each.done, how=each.how_now) for each in items]
    return Checklist(ready=all(each.done for each in items), data=shown)


def _shown(row: Row[Any], mode: Mode, public_url: str) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "mode": mode,
        "name": row.name,
        "enabled": row.enabled,
        "priority": row.priority,
        "credentials": row.masked,
        "settings": row.settings,
        "allowed_networks": row.allowed_networks,
        "alerts": AlertSettings.model_validate(row.alerts),
        "limits": LimitSettings.model_validate(row.limits),
        "methods": row.methods,
        "capabilities": capabilities_resource(capabilities_of(gateway_config_of(row, mode))),
        "webhook_url": public_url.rstrip("/") + webhook_path(row.id),
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
