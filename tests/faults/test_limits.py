"""Rows "1 M label sets" and "port in use"."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable

import pytest

from heliograph import TelemetryManager
from tests.faults.rig.receiving import Oracle
from tests.faults.rig.subjects import run_to_end, subject
from tests.faults.rig.work import Work, otlp_settings
from tests.support.processes import get

Start = Callable[..., TelemetryManager]
LIMIT = 200


def series(body: str, name: str) -> list[float]:
    """The value of each series of a metric at /metrics."""
    return [float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", body, re.MULTILINE)]


def record_label_sets(telemetry: TelemetryManager, count: int) -> None:
    counter = telemetry.counter("things")
    histogram = telemetry.histogram("sizes", buckets=[1.0])
    for number in range(count):
        counter.add(2, {"user": str(number)})
        histogram.record(0.5, {"user": str(number)})


def assert_label_sets_are_limited(telemetry: TelemetryManager, count: int) -> None:
    record_label_sets(telemetry, count)
    before = time.monotonic()
    status, body = get(f"{telemetry.endpoint_url}/metrics")
    assert time.monotonic() - before < 1.0
    assert status == 200
    assert len(body) < 1_000_000
    counted = series(body.decode(), "things_total")
    measured = series(body.decode(), "sizes_count")
    assert LIMIT / 2 < len(counted) <= LIMIT + 1
    assert LIMIT / 2 < len(measured) <= LIMIT + 1
    assert (sum(counted), sum(measured)) == (2 * count, count)


def test_50000_label_sets_are_folded_into_a_few_and_their_totals_stay_exact(start: Start) -> None:
    telemetry = start(metrics={"exporters": ["prometheus"], "cardinality_limit": LIMIT})
    assert_label_sets_are_limited(telemetry, 50_000)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_million_label_sets_are_folded_into_a_few_and_their_totals_stay_exact(start: Start) -> None:
    telemetry = start(metrics={"exporters": ["prometheus"], "cardinality_limit": LIMIT})
    assert_label_sets_are_limited(telemetry, 1_000_000)


def test_label_sets_that_are_pushed_are_folded_as_well(start: Start, oracle: Oracle) -> None:
    otlp = {"type": "otlp", "endpoint": oracle.url}
    telemetry = start(metrics={"exporters": [otlp], "cardinality_limit": LIMIT, "collection_interval": "1h"})
    record_label_sets(telemetry, 10_000)
    assert telemetry.force_flush()
    points = oracle.received("metrics")
    assert LIMIT / 2 < points["things"] <= LIMIT + 1
    assert LIMIT / 2 < points["sizes"] <= LIMIT + 1


def test_a_port_in_use_is_said_once_and_leaves_the_application_and_its_signals_alone(oracle: Oracle) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = {"enabled": True, "port": taken.getsockname()[1]}
        run = run_to_end(Work(settings=otlp_settings(oracle.url, server=server), items=500))
    assert run.exit_code == 0
    assert run.account()["delivered"] == oracle.unique() == 500
    assert run.final["raised"] == []
    lines = [line for line in run.errors.splitlines() if line]
    assert len(lines) == 1, run.errors
    assert "no telemetry endpoint" in lines[0]
    assert str(server["port"]) in lines[0]


def test_a_port_that_another_process_of_ours_has_is_no_harm_either(oracle: Oracle) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = otlp_settings(oracle.url, server={"enabled": True, "port": port})
    with subject(Work(settings=settings, items=500, end="wait", prefix="a")) as first:
        first.until(lambda first: first.said)
        second = run_to_end(Work(settings=settings, items=500, prefix="b"))
        status, body = get(f"http://127.0.0.1:{port}/metrics")
    assert second.account()["delivered"] == 500
    assert oracle.unique() == 1000
    assert status == 200
    assert b"heliograph_items_accepted" in body
