"""API keys in requests, and the permissions they may have.

The answers are `ApiKeyResource` and `ApiKeyWithSecret` of `clearway.domain.resources`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from pydantic_core import PydanticCustomError

from api.http.fields import Body, Network, PlainText, Time
from clearway.accounts.keys import KeyRequest
from clearway.domain.api_key import Grant
from clearway.domain.limits import API_KEY_NAME_LENGTH_MAX, API_KEY_NETWORKS_MAX, API_KEY_OVERLAP_S_MAX
from clearway.domain.permissions import EVERYTHING, MEANING, Permission

ACCEPTED: Final = (EVERYTHING, *(permission.value for permission in Permission))
MEANINGS: Final = "\n".join(f"- `{permission.value}`: {meaning}" for permission, meaning in MEANING.items())


def _accepted(text: str) -> str:
    if text not in ACCEPTED:
        message = f"Unknown permission. Use one of {', '.join(ACCEPTED)}"
        raise PydanticCustomError("permission_unknown", message)
    return text


def _check_expiry(moment: datetime | None) -> datetime | None:
    if moment is not None and moment <= datetime.now(UTC):
        raise PydanticCustomError("time_past", "This time is in the past: the key could never be used")
    return moment


def _all() -> list[str]:
    return [EVERYTHING]


Permissions = Annotated[
    list[Annotated[PlainText, AfterValidator(_accepted), Field(json_schema_extra={"enum": [*ACCEPTED]})]],
    Field(
        min_length=1,
        max_length=len(ACCEPTED),
        description=f"What the key may do. `*` means all current and future permissions.\n\n{MEANINGS}",
        examples=[["payments:read", "refunds:write"]],
    ),
]
Networks = Annotated[
    list[Network],
    Field(
        max_length=API_KEY_NETWORKS_MAX,
        description="Networks in CIDR form from which the key may be used. Empty: any address.",
        examples=[["203.0.113.0/24"]],
    ),
]


class ApiKeyCreate(Body):
    """A key to create. It cannot exceed the key that creates it."""

    name: Annotated[
        PlainText,
        StringConstraints(min_length=1, max_length=API_KEY_NAME_LENGTH_MAX),
        Field(description="What it is for, shown in lists.", examples=["Accounting"]),
    ]
    permissions: Permissions = Field(default_factory=_all)
    allowed_networks: Networks = Field(default_factory=list)
    expires_at: Annotated[
        Time | None, AfterValidator(_check_expiry), Field(description="RFC 3339. null: the key does not expire.")
    ] = None

    def asked(self) -> KeyRequest:
        """Return the command for the application service."""
        everything = EVERYTHING in self.permissions
        permissions = None if everything else tuple(sorted(set(self.permissions)))
        return KeyRequest(self.name, Grant(permissions, tuple(self.allowed_networks), self.expires_at))


class KeyRotation(Body):
    """How to change the secret of a key."""

    overlap_s: Annotated[
        int | None,
        Field(
            strict=True,
            ge=0,
            le=API_KEY_OVERLAP_S_MAX,
            description="Seconds during which the old secret is valid. 0 ends it at once; null uses the default.",
        ),
    ] = None


class PermissionResource(BaseModel):
    """One permission of the table."""

    permission: Permission
    description: str
    held: Annotated[bool, Field(description="Whether the caller has it, and so may give it to a new key.")]


class PermissionList(BaseModel):
    """All permissions."""

    everything: Annotated[bool, Field(description="Whether the caller may make a key with `*`.")]
    data: list[PermissionResource]
