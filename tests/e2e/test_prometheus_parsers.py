"""All of the catalogue at once, read by Prometheus's linter and by the parsers of prometheus_client to the last byte."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from prometheus_client import REGISTRY, Counter, Enum, Histogram, Info, Summary
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from heliograph import CallableHealthCheck, TelemetryManager
from heliograph.catalog.catalogue import BUILTIN
from heliograph.catalog.metric import Metric
from tests.support.processes import get
from tests.support.prometheus_server import ALLOWED_LINT, OPENMETRICS, TEXT, lint
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

# The other groups' are recorded by applications and instrumentation packages.
RECORDED_BY_HELIOGRAPH = ("system", "process", "runtime", "health", "telemetry")


def _record(telemetry: TelemetryManager, row: Metric) -> None:
    attributes = {attribute.name: "some" for attribute in row.attributes or ()}
    if row.kind == "counter":
        telemetry.counter(row.name).add(3, attributes)
    elif row.kind == "up_down_counter":
        telemetry.up_down_counter(row.name).add(-3, attributes)
    elif row.kind == "gauge":
        telemetry.gauge(row.name).set(0.5, attributes)
    else:
        for value in (0.0, 0.01, 7, 1e9):
            telemetry.histogram(row.name).record(value, attributes)


@pytest.fixture
def everything(start: Callable[..., TelemetryManager], recorder: str) -> Iterator[TelemetryManager]:
    """A manager that has recorded each metric of the catalogue, its older names, and some that others registered."""
    telemetry = start(
        recorder=recorder,
        system={"base": "full"},
        metrics={
            "exporters": [{"type": "prometheus", "scope_labels": True}],
            "legacy_names": True,
            "collection_interval": "500ms",
            "views": [{"instrument": "app.exponential", "exponential": True}],
        },
    )
    registered: list[Any] = [
        Counter("shop_visits", "Visits.", ["page"]),
        Summary("shop_basket_euros", "Baskets."),
        Histogram("shop_wait_seconds", "Waits."),
        Info("shop", "The shop."),
        Enum("shop_state", "Its state.", states=["open", "closed"]),
    ]
    registered[0].labels('/a\\b\n"c"').inc(exemplar={"trace_id": "0" * 32})
    registered[1].observe(3)
    registered[2].observe(0.2)
    registered[3].info({"city": "Köln"})
    try:
        with telemetry.span("everything"):
            for row in BUILTIN:
                if row.group not in RECORDED_BY_HELIOGRAPH:
                    _record(telemetry, row)
            for value in (0, 1e-9, 1, 1e12):
                telemetry.histogram("app.exponential", unit="s", description="Of every size.").record(value)
        yield telemetry
    finally:
        for collector in registered:
            REGISTRY.unregister(collector)


def test_promtools_linter_complains_of_nothing_but_the_names_that_are_known(everything: TelemetryManager) -> None:
    status, metrics = get(f"{everything.endpoint_url}/metrics")
    assert status == 200
    assert lint(metrics) == ALLOWED_LINT


def _lines(text: str) -> list[str]:
    """The lines that are samples."""
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize(("accept", "families"), [(TEXT, text_families), (OPENMETRICS, openmetrics_families)])
def test_the_parsers_of_prometheus_client_read_every_line(
    everything: TelemetryManager, accept: str, families: Callable[[str], Iterable[Any]]
) -> None:
    status, body = get(f"{everything.endpoint_url}/metrics", Accept=accept)
    assert status == 200
    text = body.decode()
    found = list(families(text))
    samples = [sample for family in found for sample in family.samples]
    assert Tally(sample.name for sample in samples) == Tally(line.partition("{")[0].split()[0] for line in _lines(text))
    assert len({(sample.name, tuple(sorted(sample.labels.items()))) for sample in samples}) == len(samples)
    assert len({family.name for family in found}) == len(found)
    assert {"shop_visits_total", "app_exponential_seconds_bucket", "video_processing_duration_ms_bucket"} <= {
        sample.name for sample in samples
    }
    if accept == OPENMETRICS:
        assert text.endswith("# EOF\n")
        assert [sample for sample in samples if sample.exemplar is not None] != []


# Those of the application before: all that its rules, its dashboards and its users may ask for.
OLDER_NAMES = {
    *("system_cpu_usage_percent", "system_memory_usage_bytes", "system_memory_available_bytes", "system_disk_usage_bytes"),
    *("system_disk_available_bytes", "system_network_bytes_sent", "system_network_bytes_received", "system_health_status"),
    *("database_health_status", "disk_space_health_status", "memory_health_status", "external_api_health_status"),
    *("ffmpeg_health_status", "frames_processed_total", "videos_processed_total", "encoding_speed_fps"),
    *("video_processing_duration_ms_bucket", "video_processing_duration_ms_sum", "video_processing_duration_ms_count"),
    *("frame_processing_duration_ms_bucket", "frame_processing_duration_ms_sum", "frame_processing_duration_ms_count"),
    *("api_request_duration_ms_bucket", "api_request_duration_ms_sum", "api_request_duration_ms_count"),
    *("api_requests_total", "api_errors_total", "cache_hits_total", "cache_misses_total", "cache_evictions_total"),
    *("cache_size_bytes", "worker_pool_utilization", "tasks_executed_total", "tasks_failed_total", "queue_size"),
}


def test_every_older_name_is_there_on_request(everything: TelemetryManager) -> None:
    for name in ("database", "external_api", "ffmpeg"):
        everything.health.add_check(CallableHealthCheck(name, lambda: True))
    everything.health.check_all()

    def missing() -> set[str]:
        _status, body = get(f"{everything.endpoint_url}/metrics")
        return OLDER_NAMES - {sample.name for family in text_families(body.decode()) for sample in family.samples}

    until(lambda: missing() == set())  # what the CPU does is known at the second reading
