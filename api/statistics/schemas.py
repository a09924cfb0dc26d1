"""The shapes of figures. docs/statistics.md defines each of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from sqlalchemy import Row

from clearway.db import statistics
from clearway.db.statistics import SUMMED_MAX, Interval, SeriesBy
from clearway.domain.gateway_health import HealthStatus
from clearway.domain.resources import Minor, Moment
from clearway.statistics.reading import GatewayFigures, Line, Overview, PeriodFigures, Series, SeriesRequest
from clearway.statistics.tally import Tally

Rate = Annotated[
    float | None,
    Field(description="succeeded / (succeeded + failed + expired), from 0 to 1. null: nothing is decided."),
]
Created = Annotated[int, Field(description="Payments created in the period, in any status.")]
Succeeded = Annotated[int, Field(description="`success` or `authorized`.")]
Open = Annotated[int, Field(description="Not decided yet: they may still succeed or fail.")]


class VolumeFigure(BaseModel):
    """What was captured in one currency. Currencies are never added."""

    currency: str
    amount: Minor
    payments: Annotated[int, Field(description="The payments that succeeded.")]


class FailureFigure(BaseModel):
    """Payments that failed for one reason."""

    code: Annotated[str, Field(description="The unified error code, as in `payment.error_code`.")]
    payments: int


class RefundFigure(BaseModel):
    """Refunds in one currency that were created in the period, and are processed or on the way."""

    currency: str
    amount: Minor
    refunds: int


class WebhookFigures(BaseModel):
    """Webhook deliveries that were created in the period."""

    deliveries: int
    delivered: int
    pending: Annotated[int, Field(description="Waiting for their first or next delivery attempt.")]
    failed: Annotated[int, Field(description="Every attempt of the schedule failed.")]
    complete: Annotated[
        bool, Field(description=f"false: {SUMMED_MAX:,} or more of one type and status, so the counts may be more.")
    ]


class PeriodResource(BaseModel):
    """The figures of one period."""

    since: Moment
    until: Moment
    created: Created
    succeeded: Succeeded
    failed: int
    expired: int
    cancelled: int
    open: Open
    in_review: int
    success_rate: Rate
    complete: Annotated[
        bool,
        Field(
            description=(
                f"false: {SUMMED_MAX:,} or more payments. These are the figures of the newest so many: counts and "
                "volume may be more."
            )
        ),
    ]
    volume: list[VolumeFigure]
    failures: Annotated[list[FailureFigure], Field(description="By reason, the most frequent first.")]
    refunds: list[RefundFigure]
    refunds_complete: Annotated[
        bool, Field(description=f"false: {SUMMED_MAX:,} or more refunds, of which these are the newest so many.")
    ]
    webhooks: WebhookFigures


class TodaysGateway(BaseModel):
    """A gateway, with the payments of today that are with it now or ended there."""

    gateway_id: str
    kind: str
    name: str
    enabled: bool
    health: HealthStatus
    payments: int
    success_rate: Rate


class NowResource(BaseModel):
    """What needs attention now, of any age. A count stops at `counted_max`, which means: so many, or more."""

    payments_open: int
    payments_in_review: int
    refunds_in_review: int
    endpoints_disabled: int
    counted_max: int
    gateways: Annotated[list[TodaysGateway], Field(description="In the order in which they are tried.")]


class OverviewResource(BaseModel):
    """Today beside yesterday and the same day last week: each from midnight to the present time of day."""

    object: Literal["statistics_overview"] = "statistics_overview"
    time_zone: str
    at: Moment
    today: PeriodResource
    yesterday: PeriodResource
    last_week: PeriodResource
    now: NowResource


class LineResource(BaseModel):
    """One series. Its arrays have one element for each bucket."""

    currency: str
    group: Annotated[str | None, Field(description="A method, gateway, status or reason; null without `by`.")]
    created: list[int]
    succeeded: list[int]
    failed: list[int]
    open: list[int]
    volume: Annotated[list[Minor], Field(description="What was captured, in minor units.")]
    success_rate: list[float | None]


class SeriesResource(BaseModel):
    """Series by hour or day."""

    object: Literal["statistics_series"] = "statistics_series"
    time_zone: str
    interval: Interval
    by: SeriesBy | None
    since: Moment
    until: Moment
    buckets: Annotated[list[Moment], Field(description="When each bucket begins. Those without payments are here too.")]
    series: list[LineResource]


def overview_resource(found: Overview, at: datetime, time_zone: str) -> OverviewResource:
    """Return the overview as the API shows it."""
    return OverviewResource(
        time_zone=time_zone,
        at=at,
        today=_period(found.today),
        yesterday=_period(found.yesterday),
        last_week=_period(found.last_week),
        now=NowResource(
            payments_open=found.waiting.payments_open,
            payments_in_review=found.waiting.payments_in_review,
            refunds_in_review=found.waiting.refunds_in_review,
            endpoints_disabled=found.waiting.endpoints_disabled,
            counted_max=statistics.WAITING_MAX,
            gateways=[_gateway(each) for each in found.gateways],
        ),
    )


def series_resource(found: Series, asked: SeriesRequest) -> SeriesResource:
    """Return series as the API shows them."""
    return SeriesResource(
        time_zone=asked.time_zone,
        interval=asked.interval,
        by=asked.by,
        since=asked.period.since,
        until=asked.period.until,
        buckets=list(found.buckets),
        series=[_line(line, found.buckets) for line in found.lines],
    )


def _period(figures: PeriodFigures) -> PeriodResource:
    counted, deliveries = figures.payments, figures.deliveries
    reasons = sorted(counted.reasons.items(), key=lambda each: (-each[1], each[0]))
    return PeriodResource(
        since=figures.since,
        until=figures.until,
        created=counted.created,
        succeeded=counted.succeeded,
        failed=counted.failed,
        expired=counted.expired,
        cancelled=counted.cancelled,
        open=counted.open,
        in_review=counted.in_review,
        success_rate=counted.success_rate,
        complete=figures.complete,
        volume=volume_figures(counted),
        failures=[FailureFigure(code=code, payments=number) for code, number in reasons],
        refunds=[_refund(row) for row in figures.refunds],
        refunds_complete=figures.refunds_complete,
        webhooks=WebhookFigures(
            deliveries=sum(deliveries.by_status.values()),
            **{name: deliveries.by_status.get(name, 0) for name in ("delivered", "pending", "failed")},
            complete=deliveries.complete,
        ),
    )


def volume_figures(counted: Tally) -> list[VolumeFigure]:
    """Return the volume by currency."""
    return [
        VolumeFigure(currency=currency, amount=volume.amount_minor, payments=volume.payments)
        for currency, volume in sorted(counted.volume.items())
    ]


def _refund(row: Row[Any]) -> RefundFigure:
    return RefundFigure(currency=row.currency, amount=int(row.amount_minor), refunds=row.refunds)


def _gateway(figures: GatewayFigures) -> TodaysGateway:
    return TodaysGateway(
        gateway_id=figures.config.id,
        kind=figures.config.kind,
        name=figures.config.name,
        enabled=figures.config.enabled,
        health=figures.health or HealthStatus.UNKNOWN,
        payments=figures.payments.created,
        success_rate=figures.payments.success_rate,
    )


def _line(line: Line, buckets: Sequence[datetime]) -> LineResource:
    empty = Tally()
    counted = [line.at.get(bucket, empty) for bucket in buckets]
    return LineResource(
        currency=line.currency,
        group=line.group,
        created=[each.created for each in counted],
        succeeded=[each.succeeded for each in counted],
        failed=[each.failed for each in counted],
        open=[each.open for each in counted],
        volume=[sum(volume.amount_minor for volume in each.volume.values()) for each in counted],
        success_rate=[each.success_rate for each in counted],
    )
