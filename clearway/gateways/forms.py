"""The credentials and settings of each kind of gateway, as pydantic models.

Every field of credentials is a secret. Every field of settings may be shown. An unknown field is refused, because it
may be misspelt.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, SecretStr

from clearway.domain.limits import GATEWAY_CREDENTIAL_LENGTH_MAX
from clearway.domain.text import UNSTORABLE
from clearway.domain.time_zones import time_zones

URL_FIELD: Final[dict[str, JsonValue]] = {"url": True}
"""`json_schema_extra` of a setting that holds a URL which the connector calls: it is checked as webhook URLs are."""


class Credentials(BaseModel):
    """Base of the credentials of a kind: secrets only."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def values(self) -> dict[str, str]:
        """Return the given values in plain text. Encrypt or mask them at once."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value.get_secret_value() for name, value in given.items() if value is not None}


class ExpectedFeeForm(BaseModel):
    """What the gateway should keep of a charge: reconciliation shows fees that differ."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    percent: Decimal = Field(ge=0, le=100, description="Such as `2.9`.")
    fixed: int = Field(default=0, ge=0, le=1_000_000, description="Minor units of the currency that settles.")
    tolerance: int = Field(default=1, ge=0, le=1_000_000, description="Minor units for each charge.")


def _known_zone(value: str) -> str:
    if value not in time_zones():
        raise ValueError("this is not a time zone such as Asia/Yerevan")
    return value


class GatewaySettings(BaseModel):
    """Base of the settings of a kind: nothing secret."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    time_zone: Annotated[str, Field(max_length=64), AfterValidator(_known_zone)] | None = Field(
        default=None, description="The time zone of the days that the gateway's statements have. Default: UTC."
    )
    expected_fee: ExpectedFeeForm | None = Field(
        default=None,
        description='What a charge costs: `{"percent": 2.9, "fixed": 30}`. Reconciliation shows fees that differ.',
    )

    def values(self) -> dict[str, Any]:
        """Return the given values, as JSON."""
        return self.model_dump(mode="json", exclude_unset=True)

    def urls(self) -> dict[str, str]:
        """Return the URLs that the connector will call, by the names of their fields."""
        return {
            name: str(getattr(self, name))
            for name, field in type(self).model_fields.items()
            if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("url") is True
            if getattr(self, name) is not None
        }


Secret = Annotated[SecretStr, Field(min_length=1, max_length=GATEWAY_CREDENTIAL_LENGTH_MAX)]


def stand_in(title: str, path: str) -> Any:
    """Return the field of a URL that stands in for the gateway's own API. path: of the simulator's stand-in."""
    return Field(
        default=None,
        max_length=2_048,
        description=f"Where the API is, if it is not {title}'s: for the simulator, its URL and `{path}`.",
        json_schema_extra=URL_FIELD,
    )


def is_plain(secret: str) -> bool:
    """Return whether a secret can be stored and sent as it is: pasted ones may hold control characters.

    A key or certificate in PEM, which is sent nowhere, may end with a line break.
    """
    trimmed = secret == secret.strip() or secret.startswith("-----BEGIN ")
    return trimmed and UNSTORABLE.search(secret) is None
