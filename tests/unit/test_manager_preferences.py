"""Destinations of metrics that want them differently: each gets its own, and no delta is lost while one is away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE, AGGREGATION_TEMPORALITY_DELTA

from tests.support.otlp_receiver import Answer, OtlpReceiver, http_receiver
from tests.support.recorded import QUIET, RECORDERS
from tests.support.waiting import until


@pytest.fixture(params=RECORDERS)
def recorder(request):
    return request.param


@pytest.fixture
def receivers() -> Iterator[tuple[OtlpReceiver, OtlpReceiver]]:
    with http_receiver() as one, http_receiver() as other:
        yield one, other


def received(receiver: OtlpReceiver, name: str) -> list[Any]:
    """The data of one metric, in the order in which it came."""
    messages = [message for signal, _headers, message in list(receiver.requests) if signal == "metrics"]
    metrics = [
        metric
        for each in messages
        for part in each.resource_metrics
        for scope in part.scope_metrics
        for metric in scope.metrics
    ]
    return [getattr(metric, metric.WhichOneof("data")) for metric in metrics if metric.name == name]


def counts(receiver: OtlpReceiver, name: str) -> list[int]:
    return [point.as_int for data in received(receiver, name) for point in data.data_points]


def test_each_destination_gets_metrics_as_it_wants_them(start, recorder, receivers):
    cumulative, delta = receivers
    exporters: list[Any] = [{"type": "otlp", "name": "one", "endpoint": cumulative.url}]
    exporters += [{"otlp": {"endpoint": delta.url, "temporality": "delta", "histogram_aggregation": "exponential"}}, "memory"]
    telemetry = start(**QUIET, recorder=recorder, metrics={"exporters": exporters})
    for amount in (2, 3):
        telemetry.increment_counter("jobs", amount)
        telemetry.record_histogram("job.duration", amount)
        assert telemetry.force_flush()
    assert counts(cumulative, "jobs") == [2, 5]
    assert counts(delta, "jobs") == [2, 3]
    temporalities = [{data.aggregation_temporality for data in received(each, "jobs")} for each in receivers]
    assert temporalities == [{AGGREGATION_TEMPORALITY_CUMULATIVE}, {AGGREGATION_TEMPORALITY_DELTA}]
    assert [len(data.data_points[0].explicit_bounds) > 0 for data in received(cumulative, "job.duration")] == [True, True]
    assert [data.data_points[0].scale for data in received(delta, "job.duration")] == [20, 20]
    names = {destination for signal, destination in telemetry.ledger() if signal == "metrics"}
    assert names == {"one", "otlp", "memory"}


def test_destinations_that_want_the_same_share_a_collection(start, recorder, receivers):
    asked = []

    def observe(_options):
        asked.append(1)
        return []

    exporters = [{"type": "otlp", "name": str(number), "endpoint": each.url} for number, each in enumerate(receivers)]
    telemetry = start(**QUIET, recorder=recorder, metrics={"exporters": exporters, "collection_interval": "1h"})
    telemetry.meter.create_observable_gauge("temperature", [observe])
    telemetry.increment_counter("jobs")
    assert telemetry.force_flush()
    assert (counts(receivers[0], "jobs"), counts(receivers[1], "jobs"), len(asked)) == ([1], [1], 1)


def test_scraping_shows_values_from_the_start_whatever_a_destination_wants(start, recorder, receivers):
    exporters: list[Any] = ["prometheus", {"otlp": {"endpoint": receivers[0].url, "temporality": "delta"}}]
    telemetry = start(
        health={"enabled": False}, system={"enabled": False}, recorder=recorder, metrics={"exporters": exporters}
    )
    for _ in range(2):
        telemetry.increment_counter("jobs", 2)
        assert telemetry.force_flush()
    assert "jobs_total 4" in httpx.get(f"{telemetry.endpoint_url}/metrics").text
    assert counts(receivers[0], "jobs") == [2, 2]


def test_no_delta_is_lost_while_its_destination_is_away(start, recorder, receivers):
    receiver, _ = receivers
    receiver.answers = [Answer(status=503, headers={"Retry-After": "1"})]
    exporters: list[Any] = [{"otlp": {"endpoint": receiver.url, "temporality": "delta"}}]
    telemetry = start(**QUIET, recorder=recorder, metrics={"exporters": exporters, "collection_interval": 0.01})
    until(lambda: receiver.attempts == 1)
    counted = 0
    while receiver.attempts == 1:  # about a hundred collections, many more than wait where values count from the start
        telemetry.increment_counter("jobs")
        counted += 1
    assert telemetry.force_flush()
    assert sum(counts(receiver, "jobs")) == counted
    assert telemetry.ledger()["metrics", "otlp"].dropped == {}
