"""The demo against a real OTLP collector in another process: it receives exactly the spans that the demo made."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.otlp_receiver import http_receiver
from tests.support.processes import Demo, collector, delivered
from tests.support.waiting import until

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_collector_receives_exactly_the_spans_that_the_demo_made(
    protocol: str, demo: Callable[..., Demo], tmp_path: Path
) -> None:
    with http_receiver() as behind, collector(behind.url, tmp_path) as urls:
        otlp = urls.grpc_url if protocol == "grpc" else urls.http_url
        with demo("--duration", "4", "--rate", "25", "--otlp", otlp) as running:
            summary = running.summary()
        made = running.made_span_ids()
        until(lambda: len(behind.span_ids()) >= len(made), timeout_s=15)
        assert len(made) == delivered(summary, "traces", "otlp")["made"] > 200
        assert sorted(span_id.hex() for span_id in behind.span_ids()) == sorted(made)
        assert summary["is_complete"] is True
        assert {"api.requests", "http.server.request.duration", "system.cpu.time"} <= behind.metric_names()
        assert behind.log_records()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_middle_of_the_traffic_loses_nothing(number: signal.Signals, demo: Callable[..., Demo]) -> None:
    with http_receiver() as receiver, demo("--duration", "60", "--rate", "40", "--otlp", receiver.url) as running:
        until(receiver.span_ids, timeout_s=20)
        running.send_signal(number)
        sent = time.monotonic()
        summary = running.summary(timeout_s=15)
        assert time.monotonic() - sent < 12
        assert sorted(span_id.hex() for span_id in receiver.span_ids()) == sorted(running.made_span_ids())
        line = delivered(summary, "traces", "otlp")
        assert (line["delivered"], line["dropped"]) == (line["made"], {})


def test_jaeger_is_sent_the_same_spans_beside_the_collector(demo: Callable[..., Demo]) -> None:
    with http_receiver() as otlp, http_receiver() as jaeger:
        with demo("--duration", "1", "--otlp", otlp.url, "--jaeger", jaeger.url) as running:
            running.summary()
        assert sorted(otlp.span_ids()) == sorted(jaeger.span_ids())
        assert {signal_name for signal_name, _headers, _message in jaeger.requests} == {"traces"}


def test_without_its_collector_the_demo_runs_ends_in_time_and_says_what_was_lost(tmp_path: Path) -> None:
    with Demo(tmp_path, "--duration", "1", "--otlp", "http://127.0.0.1:9") as demo:
        summary = demo.summary(timeout_s=30)
    lost, kept = delivered(summary, "traces", "otlp"), delivered(summary, "traces", "file")
    assert summary["is_complete"] is False
    assert (lost["delivered"], lost["dropped"]) == (0, {"shutdown": lost["made"]})
    assert kept["delivered"] == kept["made"] == lost["made"]
    assert demo.errors.count("connection refused") <= 3, demo.errors
