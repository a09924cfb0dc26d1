"""Prometheus metrics of the API: how many requests, with what answer, how fast. One registry for one app.

Labels are the route's template, never a path: a path holds ids, and every id would be a series of its own.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.types import Scope

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class HttpMetrics:
    """The counters of one app."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter("clearway_http_requests", "Requests answered.", labels, registry=self._registry)
        self._duration = Histogram(
            "clearway_http_request_duration_seconds",
            "From the first byte of a request to the end of its answer.",
            ("method", "route"),
            buckets=BUCKETS_S,
            registry=self._registry,
        )

    def observe(self, scope: Scope, status: int, duration_s: float) -> None:
        """Count one answered request."""
        route = route_template(scope)
        # The method is the client's text when no route was found.
        method = scope["method"] if route != "none" else "any"
        self._requests.labels(method, route, str(status)).inc()
        self._duration.labels(method, route).observe(duration_s)

    def render(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self._registry)


def route_template(scope: Scope) -> str:
    """Return the template of the route that serves a request, or `none`."""
    return str(getattr(scope.get("route"), "path", "none"))
