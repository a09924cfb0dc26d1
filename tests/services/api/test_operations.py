"""Probes, metrics and the test routes."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from clearway.settings import TEST_API_KEY, TEST_API_SECRET, Settings, SettingsError
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


async def test_metrics_can_be_served_apart(api_settings: Settings) -> None:
    """With a port of their own, metrics are there and nowhere else, and nothing else is there."""
    apart = f"http://127.0.0.1:{(port := free_port())}"
    app = create_app(changed(api_settings, api_metrics_port=port))
    async with app.router.lifespan_context(app), httpx.AsyncClient(trust_env=False) as client:
        assert (await at_root(app, "/metrics")).status_code == 404
        assert (await at_root(app, "/api/v1/metrics")).status_code == 404
        metrics = await client.get(f"{apart}/metrics")
        assert metrics.status_code == 200
        assert 'clearway_http_requests_total{method="any",route="none",status="404"} 2.0' in metrics.text
        assert (await client.get(f"{apart}/health")).status_code == 404
    with pytest.raises(httpx.ConnectError):
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.get(f"{apart}/metrics")


async def test_metrics_of_development_stay_on_this_machine(api_settings: Settings) -> None:
    """The other address is bound by the same rule as the API's."""
    everywhere = changed(api_settings, api_metrics_port=free_port(), metrics_host="0.0.0.0")  # noqa: S104 - refused
    app = create_app(everywhere)
    with pytest.raises(SettingsError, match="METRICS_HOST"):
        async with app.router.lifespan_context(app):
            pass


async def test_the_test_merchant_is_shown(anonymous: httpx.AsyncClient) -> None:
    """Outside production the published credentials and the gateways to choose from can be asked for."""
    shown = (await anonymous.get("/test/merchant")).json()
    assert (shown["api_key"], shown["api_secret"], shown["seeded"]) == (TEST_API_KEY, TEST_API_SECRET, True)
    assert "simulator" in [gateway["kind"] for gateway in shown["gateways"]]


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


async def test_jobs_need_a_key(anonymous: httpx.AsyncClient) -> None:
    """The counts are of all merchants: nobody reads them without credentials."""
    refused = await anonymous.get("/test/jobs/status")
    assert (refused.status_code, refused.json()["code"]) == (401, "credentials_missing")


async def test_jobs_without_temporal_are_a_503(api_settings: Settings, caller: Caller) -> None:
    """What cannot be counted is not reported as zero."""
    app = create_app(changed(api_settings, temporal_address="127.0.0.1:1"))
    async with app.router.lifespan_context(app), client_of(app, caller.credentials) as client:
        response = await client.get("/test/jobs/status")
    assert response.json()["code"] == "temporal_unavailable"
