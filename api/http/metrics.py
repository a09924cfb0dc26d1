"""Prometheus metrics of the API: how many requests, with what answer, how fast. One registry for one app.

Labels are the route's template, never a path: a path holds ids, and every id would be a series of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import Scope

from api.http.admission import Admission
from clearway.domain.api import API_PREFIX
from clearway.domain.review import ReviewKind
from clearway.live.listeners import Listeners

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class HttpMetrics:
    """The counters of one app."""

    def __init__(self, admission: Admission) -> None:
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
        self._registry.register(_AdmissionMetrics(admission))
        self._taken_up = _TakenUp()
        self._registry.register(self._taken_up)
        self._breakers = _Breakers()
        self._registry.register(self._breakers)
        self._put_last = Gauge(
            "clearway_routing_put_last",
            "Gateways that this process puts last for their success rate, one for each method and currency.",
            registry=self._registry,
        )
        self._reviews = Gauge(
            "clearway_reviews_open",
            "Contradictions between a gateway and the record that wait for a person, of the whole installation.",
            ("kind",),
            registry=self._registry,
        )

        self._gateways = Gauge(
            "clearway_gateways_ailing",
            "Enabled gateways that are unhealthy or degraded, of the whole installation.",
            ("state",),
            registry=self._registry,
        )

    def observe(self, scope: Scope, status: int, duration_s: float) -> None:
        """Count one answered request."""
        route = route_template(scope)
        # The method is the client's text when no route was found.
        method = scope["method"] if route != "none" else "any"
        self._requests.labels(method, route, str(status)).inc()
        self._duration.labels(method, route).observe(duration_s)

    def set_reviews_open(self, counts: Mapping[str, int]) -> None:
        """Say how many reviews are open, by kind; those that are not named have none."""
        for kind in ReviewKind:
            self._reviews.labels(kind.value).set(counts.get(kind, 0))

    def set_gateways_ailing(self, counts: Mapping[str, int]) -> None:
        """Say how many gateways are unhealthy, and how many degraded."""
        for state, count in counts.items():
            self._gateways.labels(state).set(count)

    def count_taken_up(self, counts: Mapping[str, int]) -> None:
        """Show these counts, by kind, at each scrape."""
        self._taken_up.counts = counts

    def show_breakers(self, count: Callable[[], Mapping[str, int]]) -> None:
        """Show how many circuit breakers are not closed, by operation, at each scrape."""
        self._breakers.count = count

    def show_put_last(self, count: Callable[[], int]) -> None:
        """Show how many gateways are put last for their success rate, at each scrape."""
        self._put_last.set_function(count)

    def show_listeners(self, listeners: Listeners) -> None:
        """Show how many follow events by this process, and how often they got `resync`."""
        self._registry.register(_Live(listeners))

    def render(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _AdmissionMetrics(Collector):
    """The bound on new work, how much of it is used, and what was refused: read when they are asked for."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def collect(self) -> Iterator[Metric]:
        """Read them."""
        name, now = "clearway_admission", self._admission
        yield GaugeMetricFamily(f"{name}_limit", "Requests that may begin new work at once.", value=int(now.limit))
        yield GaugeMetricFamily(f"{name}_under_way", "Requests that begin new work, now.", value=now.under_way)
        yield CounterMetricFamily(f"{name}_refused", "Requests refused as overloaded.", value=now.refused)


class _TakenUp(Collector):
    """The payments and refunds that a command or a gateway event found without a workflow: read when asked for."""

    def __init__(self) -> None:
        self.counts: Mapping[str, int] = {}

    def collect(self) -> Iterator[Metric]:
        """Read them."""
        about = "Runs started for rows without a running workflow."
        family = CounterMetricFamily("clearway_taken_up", about, labels=["kind"])
        for kind, count in self.counts.items():
            family.add_metric([kind], count)
        yield family


class _Breakers(Collector):
    """The circuit breakers of gateways that are not closed, of the whole installation: read when asked for."""

    def __init__(self) -> None:
        self.count: Callable[[], Mapping[str, int]] = dict

    def collect(self) -> Iterator[Metric]:
        """Read them."""
        about = "Circuit breakers of gateways that are open or half open, of the whole installation."
        family = GaugeMetricFamily("clearway_breakers_open", about, labels=["operation"])
        for operation, count in self.count().items():
            family.add_metric([operation], count)
        yield family


class _Live(Collector):
    """Live updates of this process: read when asked for."""

    def __init__(self, listeners: Listeners) -> None:
        self._listeners = listeners

    def collect(self) -> Iterator[Metric]:
        """Read them."""
        name, now = "clearway_live", self._listeners
        yield GaugeMetricFamily(f"{name}_listeners", "Connections that follow events, now.", value=now.count)
        yield CounterMetricFamily(f"{name}_messages", "Changes handed to listeners.", value=now.published)
        about = "Listeners that got `resync`, because changes were left out."
        yield CounterMetricFamily(f"{name}_resyncs", about, value=now.resyncs)


def route_template(scope: Scope) -> str:
    """Return the template of the route that serves a request, below the prefix of the version, or `none`."""
    return str(getattr(scope.get("route"), "path", "none")).removeprefix(API_PREFIX)
