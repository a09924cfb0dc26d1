"""The error table as the API shows it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import Row

from api.http.fields import Body, PlainText
from clearway.domain.gateway_error import Cause, Elsewhere
from clearway.gateways.contract import Executed
from clearway.gateways.errors import ErrorRow, UnifiedCode
from clearway.gateways.errors.overrides import REPLACED, Override

Short = Annotated[PlainText, StringConstraints(min_length=1, max_length=64)]
Text = Annotated[PlainText, StringConstraints(min_length=1, max_length=500)]

ElsewhereField = Annotated[
    Elsewhere,
    Field(description="Whether another gateway may be tried. `step_up`: only with the customer, who authenticates."),
]
CauseField = Annotated[Cause, Field(description="Who or what caused the error.")]
WaitField = Annotated[int | None, Field(description="Seconds to wait before the same is tried again, if known.")]
MerchantText = Annotated[str, Field(description="For you: what happened, what it means for the money, what to do.")]


class UnifiedError(BaseModel):
    """What an `error_code` means, whichever gateway it came from."""

    object: Literal["error_code"] = "error_code"
    code: str = Field(examples=["insufficient_funds"])
    cause: CauseField
    elsewhere: ElsewhereField
    wait_s: WaitField
    merchant_text: MerchantText
    customer_text: str = Field(description="What you may show to the customer. It never names theft or suspicion.")


class GatewayError(BaseModel):
    """What one error of one kind of gateway means."""

    object: Literal["gateway_error"] = "gateway_error"
    gateway: str = Field(examples=["stripe"])
    operation: str = Field(description="`any` holds for all operations.", examples=["authorise"])
    code: str = Field(description="The gateway's own code.", examples=["do_not_honor"])
    network_code: str | None = Field(description="The card network's code; null: any.")
    error_code: str | None = Field(
        description="The unified code. null: it does not say how the operation ended, so Clearway asks the gateway."
    )
    executed: Executed = Field(description="Whether the gateway may have acted.")
    sent_again: bool = Field(description="Whether Clearway sends the same request again, with the same key.")
    cause: CauseField
    elsewhere: ElsewhereField
    wait_s: WaitField
    merchant_text: MerchantText
    customer_text: str | None


class OverridePut(Body):
    """An override of a row of the error table. Fields that you leave out stay as in the table."""

    gateway: Annotated[Short, Field(description="The kind.", examples=["stripe"])]
    operation: Annotated[Short, Field(description="As the table names it; `any` is a row of its own.")]
    code: Annotated[Short, Field(examples=["do_not_honor"])]
    network_code: Short | None = None
    error_code: Annotated[Short | None, Field(description="Another unified code.")] = None
    elsewhere: Annotated[Elsewhere | None, Field(description="Whether another gateway may be tried.")] = None
    wait_s: Annotated[int | None, Field(strict=True, ge=0, le=30 * 24 * 3600)] = None
    merchant_text: Text | None = None
    customer_text: Text | None = None

    def override(self) -> Override:
        """Return it as the table takes it."""
        return Override(
            gateway=self.gateway,
            operation=self.operation,
            code=self.code,
            network_code=self.network_code or "",
            decline_code=self.error_code,
            elsewhere=self.elsewhere,
            wait_s=self.wait_s,
            merchant_text=self.merchant_text,
            customer_text=self.customer_text,
        )


class OverriddenError(GatewayError):
    """A row of the error table with your override."""

    id: str
    replaced: list[str] = Field(description="The fields that you set.")


class OverriddenErrors(BaseModel):
    """Your overrides."""

    object: Literal["list"] = "list"
    data: list[OverriddenError]


def error_override(stored: Row[Any], row: ErrorRow) -> OverriddenError:
    """Render a merchant's row."""
    shown = {"decline_code": "error_code"}
    replaced = [shown.get(name, name) for name in REPLACED if getattr(stored, name) is not None]
    return OverriddenError(**gateway_error(row).model_dump(), id=stored.id, replaced=replaced)


class UnifiedErrors(BaseModel):
    """All codes."""

    object: Literal["list"] = "list"
    data: list[UnifiedError]


class GatewayErrors(BaseModel):
    """All errors of a kind of gateway that Clearway knows."""

    object: Literal["list"] = "list"
    data: list[GatewayError]


def unified_error(row: UnifiedCode) -> UnifiedError:
    """Render what a unified code means."""
    return UnifiedError(
        code=row.decline_code,
        cause=row.cause,
        elsewhere=row.elsewhere,
        wait_s=row.wait_s,
        merchant_text=row.merchant_text,
        customer_text=row.customer_text,
    )


def gateway_error(row: ErrorRow) -> GatewayError:
    """Render a row of the table."""
    return GatewayError(
        gateway=row.gateway,
        operation=row.operation,
        code=row.code,
        network_code=row.network_code or None,
        error_code=row.decline_code,
        executed=row.executed,
        sent_again=row.again,
        cause=row.cause,
        elsewhere=row.elsewhere,
        wait_s=row.wait_s,
        merchant_text=row.merchant_text,
        customer_text=row.customer_text,
    )
