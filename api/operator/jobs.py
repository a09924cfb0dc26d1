"""`/operator/jobs`: the schedules of the installation, what works in the background, and running one now."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import Depends
from pydantic import Field

from api.http.fields import Body, PlainText
from api.http.paging import Page, page_of, page_request
from api.http.problems import WITH_BODY, declare
from api.http.services import ServicesDep
from api.operator.access import TO_OPERATORS, OperatorDep, operator_router
from clearway.db import across_merchants
from clearway.db.pages import PageRequest
from clearway.domain.ids import GATEWAY
from clearway.domain.resources import Moment, Resource
from clearway.monitoring import jobs
from clearway.monitoring.jobs import Background, Job, JobKind

JOB_ID_LENGTH_MAX = 100

router = operator_router()


class RunResource(Resource):
    """One run of a job."""

    workflow_id: str
    run_id: str
    status: str = Field(description="As Temporal names it; `forgotten`: its retention has ended.")
    started_at: Moment
    result: dict[str, Any] = Field(description="Counts of what it did, by name.")
    error: str | None


class JobResource(Resource):
    """A job that runs by a schedule."""

    id: str = Field(description="The id of the Temporal Schedule.")
    object: Literal["job"] = "job"
    kind: JobKind
    gateway_id: str | None
    gateway_name: str | None
    merchant_id: str | None
    merchant_name: str | None
    every_s: float | None
    paused: bool
    note: str | None = Field(description="Why it is paused.")
    running: bool
    next_at: Moment | None = Field(description="null: it is paused.")
    last: RunResource | None = Field(description="The last run that ended; null: none has.")


class BackgroundResource(Resource):
    """A background workflow that is running."""

    workflow_id: str
    run_id: str
    type: str
    started_at: Moment


class JobsResource(Resource):
    """The jobs of the installation, and the background workflows that run now."""

    object: Literal["jobs"] = "jobs"
    jobs: list[JobResource]
    background: list[BackgroundResource]


class JobRun(Body):
    """Which job to run now."""

    id: Annotated[PlainText, Field(min_length=1, max_length=JOB_ID_LENGTH_MAX)]


class JobStarted(Resource):
    """A job that was triggered."""

    object: Literal["job_started"] = "job_started"
    id: str


def job_resource(job: Job, gateway: Any = None) -> JobResource:
    """Render a job. gateway: the row of its gateway."""
    last = job.last
    return JobResource(
        **{
            name: getattr(job, name) for name in ("id", "kind", "gateway_id", "every_s", "paused", "running", "next_at")
        },
        note=job.note or None,
        gateway_name=gateway.name if gateway else None,
        merchant_id=gateway.merchant_id if gateway else None,
        merchant_name=gateway.merchant_name if gateway else None,
        last=None if last is None else RunResource(**{name: getattr(last, name) for name in RunResource.model_fields}),
    )


def _background(found: Background) -> BackgroundResource:
    return BackgroundResource(**{name: getattr(found, name) for name in BackgroundResource.model_fields})


@router.get("/jobs", responses=declare(*TO_OPERATORS, "temporal_unavailable"), summary="List jobs")
async def list_jobs(services: ServicesDep) -> JobsResource:
    """List the scheduled jobs with their last and next runs, and the background workflows that run now."""
    return JobsResource(
        jobs=[job_resource(job) for job in await jobs.of_installation(services.temporal)],
        background=[_background(each) for each in await jobs.in_background(services.temporal)],
    )


@router.get(
    "/jobs/health_checks",
    responses=declare(*TO_OPERATORS, "cursor_invalid", "temporal_unavailable"),
    summary="List health checks",
)
async def list_health_checks(
    services: ServicesDep, page: Annotated[PageRequest, Depends(page_request(GATEWAY))]
) -> Page[JobResource]:
    """List the health checks of the gateways of all merchants. A disabled gateway's is paused."""
    async with services.reader.connect() as connection:
        found = await across_merchants.gateways_page(connection, page)
    rows = {row.id: row for row in found.rows}
    listed = await jobs.of_gateways(services.temporal, list(rows))
    return page_of((job_resource(job, rows[job.gateway_id or ""]) for job in listed), found.next_cursor)


@router.post(
    "/jobs/run",
    status_code=HTTPStatus.ACCEPTED,
    responses=declare(*TO_OPERATORS, *WITH_BODY, "job_not_found", "temporal_unavailable"),
    summary="Run a job now",
)
async def run_job(body: JobRun, caller: OperatorDep, services: ServicesDep) -> JobStarted:
    """Run a job once, outside its schedule. While a run is in progress, no other is started."""
    await jobs.run_now(services.temporal, services.engine, caller.actor, body.id)
    return JobStarted(id=body.id)
