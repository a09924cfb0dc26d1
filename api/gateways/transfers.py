"""The export and import of gateways in requests and answers: a sealed file, which only its passphrase opens."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from api.gateways.schemas import GatewaySaved
from api.http.fields import Body
from clearway.crypto.passphrase import FORMAT, PASSPHRASE_LENGTH_MAX, PASSPHRASE_LENGTH_MIN, SCRYPT
from clearway.gateway_configs.transfer import CONTENT

BASE64_FORM = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
SALT_FORM = r"^[A-Za-z0-9+/]{22}==$"
NONCE_FORM = r"^[A-Za-z0-9+/]{16}$"
TAG_LENGTH = 24
"""Of an authentication tag in base64: the shortest ciphertext."""

Passphrase = Annotated[
    SecretStr,
    Field(
        min_length=PASSPHRASE_LENGTH_MIN,
        max_length=PASSPHRASE_LENGTH_MAX,
        description="At least 12 characters. Clearway does not store it, and a file cannot be opened without it.",
    ),
]


class KeyDerivation(BaseModel):
    """How the encryption key is derived from the passphrase."""

    model_config = ConfigDict(extra="forbid")

    name: Literal["scrypt"]
    n: Annotated[int, Field(strict=True, json_schema_extra={"const": SCRYPT["n"]})]
    r: Annotated[int, Field(strict=True, json_schema_extra={"const": SCRYPT["r"]})]
    p: Annotated[int, Field(strict=True, json_schema_extra={"const": SCRYPT["p"]})]
    salt: Annotated[str, Field(max_length=64, description="base64", json_schema_extra={"pattern": SALT_FORM})]


class SealedFile(BaseModel):
    """Gateways with their credentials, encrypted with a passphrase. docs/gateways.md describes the format."""

    model_config = ConfigDict(extra="forbid")

    # What is not so is refused by `open_sealed`, which says more than a form can.
    format: Annotated[str, Field(max_length=64, json_schema_extra={"const": FORMAT})]
    kind: Annotated[str, Field(max_length=64, json_schema_extra={"const": CONTENT})]
    kdf: KeyDerivation
    nonce: Annotated[str, Field(max_length=64, description="base64", json_schema_extra={"pattern": NONCE_FORM})]
    ciphertext: Annotated[
        str, Field(description="base64", json_schema_extra={"pattern": BASE64_FORM, "minLength": TAG_LENGTH})
    ]


class GatewayExport(Body):
    """How to encrypt an export."""

    passphrase: Passphrase


class GatewayImport(Body):
    """An exported file and its passphrase."""

    passphrase: Passphrase
    file: SealedFile


class GatewaysImported(BaseModel):
    """The gateways of a file, as they were saved."""

    data: list[GatewaySaved]
