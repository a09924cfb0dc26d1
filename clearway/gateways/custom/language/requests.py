"""What Clearway sends: one HTTP request, the page for the customer, and how requests are authenticated."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from clearway.gateways.custom.language.base import FIELDS_MAX, FieldName, Name, Part, Path, Template, Text
from clearway.gateways.custom.language.values import Value

Fields = Annotated[dict[FieldName, Value], Field(max_length=FIELDS_MAX)]
UrlPath = Annotated[Template, Field(pattern="^/")]


class Request(Part):
    """One request. address: a name of `addresses`. path: what is filled in is URL-encoded. At most one body."""

    address: Name = "api"
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    path: UrlPath
    query: Fields = Field(default_factory=dict)
    headers: Fields = Field(default_factory=dict)
    form: Fields | None = None
    json_body: Annotated[Fields | None, Field(alias="json")] = None

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if self.form is not None and self.json_body is not None:
            raise ValueError("a request has one body: `form` or `json`")
        if self.method == "GET" and (self.form is not None or self.json_body is not None):
            raise ValueError("a GET request has no body")
        return self


class Page(Part):
    """The page for the customer. from: the value of the start's answer that holds its URL; or address and path.

    With `form` the customer's browser posts these fields to it, else it is opened.
    """

    from_value: Annotated[Name | None, Field(alias="from")] = None
    address: Name = "api"
    path: UrlPath | None = None
    query: Fields = Field(default_factory=dict)
    form: Fields | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.from_value is None) == (self.path is None):
            raise ValueError("a page has `from` or `path`")
        return self


class NoAuthentication(Part):
    """The requests need nothing beside their own fields."""

    kind: Literal["none"] = "none"


class HeaderAuthentication(Part):
    """A header, such as an API key."""

    kind: Literal["header"]
    name: FieldName
    value: Value


class BasicAuthentication(Part):
    """HTTP Basic."""

    kind: Literal["basic"]
    username: Value
    password: Value


class BearerAuthentication(Part):
    """`Authorization: Bearer …`. scheme: another word in its place."""

    kind: Literal["bearer"]
    token: Value
    scheme: Text = "Bearer"


class OAuthAuthentication(Part):
    """OAuth 2 client credentials. The token is kept for most of its life; one that is refused is renewed once.

    client: in an Authorization header (`basic`) or among the form's fields (`form`).
    """

    kind: Literal["oauth_client_credentials"]
    address: Name = "api"
    path: UrlPath
    client_id: Value
    client_secret: Value
    client: Literal["basic", "form"] = "basic"
    fields: Fields = Field(default_factory=dict)
    token: Path = "access_token"  # noqa: S105 - where it stands
    life_s: Path = "expires_in"
    default_life_s: Annotated[int, Field(ge=1, le=86_400)] = 300
    scheme: Text = "Bearer"


Authentication = Annotated[
    NoAuthentication | HeaderAuthentication | BasicAuthentication | BearerAuthentication | OAuthAuthentication,
    Field(discriminator="kind"),
]
