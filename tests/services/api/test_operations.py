"""Probes, metrics and the test routes."""

from __future__ import annotations

import httpx
from fastapi import FastAPI

from api.app import create_app
from clearway.settings import TEST_API_KEY, TEST_API_SECRET, Settings
from tests.services.api.conftest import Caller, Payer, changed, client_of, free_port


async def at_root(app: FastAPI, path: str) -> httpx.Response:
    """Ask the app at its root."""
    async with client_of(app) as client:
        return await client.get(f"http://api.test{path}")


async def test_health_asks_nothing_of_others(api_settings: Settings) -> None:
    """The process is alive even when everything it needs is away."""
    lost = f"postgresql+asyncpg://postgres@127.0.0.1:{free_port()}/none"
    app = create_app(changed(api_settings, database_url=lost, temporal_address="127.0.0.1:1"))
    async with app.router.lifespan_context(app):
        assert (await at_root(app, "/health")).json() == {"status": "ok"}
        away = await at_root(app, "/ready")
    assert away.status_code == 503
    assert away.json() == {
        "status": "not_ready",
        "checks": {"database": "does not answer", "temporal": "does not answer"},
    }


async def test_ready_when_everything_is_there(payer: Payer, app: FastAPI) -> None:
    """Database, Temporal and workers on every queue: ready, at the root and beside the API."""
    ready = await at_root(app, "/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert set(ready.json()["checks"].values()) == {"ok"}
    assert (await payer.http.get("/ready")).status_code == 200


async def test_requests_are_counted_by_route_and_not_by_path(caller: Caller, app: FastAPI) -> None:
    """Metrics have the route's template, method and status; ids and unknown paths make no series of their own."""
    order_id = await caller.order()
    await caller.http.get(f"/orders/{order_id}")
    await caller.http.get("/nothing/like/this")
    metrics = await at_root(app, "/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert 'clearway_http_requests_total{method="GET",route="/orders/{order_id}",status="200"}' in metrics.text
    assert 'route="none",status="404"' in metrics.text
    assert order_id not in metrics.text
    assert "nothing" not in metrics.text
    assert "clearway_http_request_duration_seconds_bucket" in metrics.text


async def test_the_test_merchant_is_shown(anonymous: httpx.AsyncClient) -> None:
    """Outside production the published credentials can be asked for."""
    shown = (await anonymous.get("/test/merchant")).json()
    assert (shown["api_key"], shown["api_secret"], shown["seeded"]) == (TEST_API_KEY, TEST_API_SECRET, True)


async def test_jobs_are_counted_by_temporal(payer: Payer) -> None:
    """A payment more is a completed workflow more, and the workers are seen."""
    before = (await payer.http.get("/test/jobs/status")).json()
    assert before["worker_status"] == "running"
    await payer.payment()
    for _ in range(100):
        after = (await payer.http.get("/test/jobs/status")).json()
        if after["completed"] > before["completed"]:
            break
    assert after["completed"] > before["completed"]
    assert set(after) == {"pending", "processing", "completed", "failed", "worker_status"}
    assert after["failed"] == before["failed"]


async def test_jobs_without_temporal_are_a_503(api_settings: Settings) -> None:
    """What cannot be counted is not reported as zero."""
    app = create_app(changed(api_settings, temporal_address="127.0.0.1:1"))
    async with app.router.lifespan_context(app), client_of(app) as client:
        response = await client.get("/test/jobs/status")
    assert response.json()["code"] == "temporal_unavailable"
