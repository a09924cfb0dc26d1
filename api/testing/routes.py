"""`/test`: the published credentials and the job counts. `create_app` leaves this router out in production.

The credentials are the same in every checkout, so they need no key. The counts are of all merchants, and need one.
"""

from __future__ import annotations

from typing import Annotated

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.problems import TO_MERCHANTS, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.testing.jobs import jobs_status
from api.testing.schemas import JobsStatus, TestGateway, TestMerchant
from clearway.db import across_merchants, gateways
from clearway.db.seed import TEST_MERCHANT_ID, TEST_MERCHANT_NAME
from clearway.domain.permissions import Permission
from clearway.settings import TEST_API_KEY, TEST_API_SECRET

router = Router(prefix="/test", tags=["test"])

Reader = Annotated[Principal, requires(Permission.PAYMENTS_READ)]


@router.get("/merchant", responses=declare(), summary="The test merchant")
async def get_test_merchant(services: ServicesDep) -> TestMerchant:
    """Show the published credentials of the test merchant, and its gateways. It exists in development and test only."""
    async with services.reader.connect() as connection:
        key = await across_merchants.find_key(connection, TEST_API_KEY)
        rows = await gateways.list_all(connection, TEST_MERCHANT_ID)
    return TestMerchant(
        id=TEST_MERCHANT_ID,
        name=TEST_MERCHANT_NAME,
        api_key=TEST_API_KEY,
        api_secret=TEST_API_SECRET,
        seeded=key is not None,
        gateways=[
            TestGateway(id=row.id, kind=row.kind, name=row.name, enabled=row.enabled, priority=row.priority)
            for row in sorted(rows, key=lambda row: (row.priority, row.id))
        ],
    )


@router.get(
    "/jobs/status", responses=declare(*TO_MERCHANTS, "temporal_unavailable"), summary="Count workflows and tasks"
)
async def get_jobs_status(_: Reader, services: ServicesDep) -> JobsStatus:
    """Count pending tasks and running, completed and failed workflows, and say whether workers poll the task queues."""
    return await jobs_status(services.temporal)
