"""Both recorders with what delivers for them, to a real OTLP/HTTP receiver: a running manager here, the official SDK's batch
processor and OTLP exporter there."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.instrumentation.logging.handler import LoggingHandler as OfficialHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry, generate_latest

from heliograph import TelemetryManager
from heliograph.prometheus.exposition import Exposition
from tests.differential.recorders import METERS
from tests.support.recorded import QUIET


@dataclass(frozen=True, kw_only=True)
class Stack:
    """``flush`` and ``close`` take seconds and say whether everything was delivered; ``dropped`` counts what was not."""

    tracer: Tracer
    flush: Callable[[float], bool]
    close: Callable[[float], bool]
    dropped: Callable[[], int | None]


@contextmanager
def _native(url: str, queue_size: int, timeout_s: float) -> Iterator[Stack]:
    exporter = {"type": "otlp", "endpoint": url, "timeout": f"{timeout_s}s"}
    telemetry = TelemetryManager.start(
        "under-test",
        tracing={"exporters": [exporter], "batch_export": {"max_batch_size": queue_size, "export_interval": "60s"}},
        metrics={"exporters": []},
        logs={"exporters": []},
        delivery={"queue_size": queue_size},
        **QUIET,
    )

    def dropped() -> int:
        return sum(sum(counts.dropped.values()) for counts in telemetry.ledger().values())

    try:
        yield Stack(
            tracer=telemetry.tracer,
            flush=telemetry.force_flush,
            close=lambda timeout_s: telemetry.shutdown(timeout_s).is_complete,
            dropped=dropped,
        )
    finally:
        telemetry.shutdown(0.1)


@contextmanager
def _official(url: str, queue_size: int, timeout_s: float) -> Iterator[Stack]:
    provider = TracerProvider(shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{url}/v1/traces", timeout=timeout_s)
    provider.add_span_processor(
        BatchSpanProcessor(exporter, max_queue_size=queue_size, max_export_batch_size=queue_size, schedule_delay_millis=60_000)
    )

    def close(_timeout_s: float) -> bool:
        provider.shutdown()  # it takes no time-out, and says nothing
        return True

    try:
        yield Stack(
            tracer=provider.get_tracer("under test"),
            flush=lambda timeout_s: provider.force_flush(round(timeout_s * 1000)),
            close=close,
            dropped=lambda: None,
        )
    finally:
        exporter.shutdown()
        provider.shutdown()


_STACKS: Mapping[str, Callable[[str, int, float], Any]] = {"native": _native, "official": _official}


def stack(recorder: str, url: str, *, queue_size: int = 512, timeout_s: float = 5.0) -> Any:
    """A context manager that gives the :class:`Stack` of ``recorder``."""
    return _STACKS[recorder](url, queue_size, timeout_s)


@contextmanager
def _native_logs(url: str) -> Iterator[tuple[logging.Handler, Callable[[], Any]]]:
    telemetry = TelemetryManager.start(
        "under-test",
        tracing={"exporters": []},
        metrics={"exporters": []},
        logs={"exporters": [{"type": "otlp", "endpoint": url}]},
        **QUIET,
    )
    try:
        yield telemetry.logging_handler("DEBUG"), telemetry.force_flush
    finally:
        telemetry.shutdown(0.1)


@contextmanager
def _official_logs(url: str) -> Iterator[tuple[logging.Handler, Callable[[], Any]]]:
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(endpoint=f"{url}/v1/logs", timeout=5)))
    try:
        yield OfficialHandler(logger_provider=provider), provider.force_flush
    finally:
        provider.shutdown()


# A handler for the standard library's loggers that delivers to an OTLP receiver, and its flush.
LOG_STACKS: Mapping[str, Callable[[str], Any]] = {"native": _native_logs, "official": _official_logs}


def prometheus_text(recorder: str, record: Callable[[Any], None], *views: View) -> str:
    """What Prometheus would scrape after ``record`` was given a meter provider."""
    if recorder == "native":
        exposition = Exposition(CollectorRegistry())
        record(METERS[recorder](metric_readers=[exposition.reader({})], views=views))
        return exposition.render("")[0].decode()
    registry = CollectorRegistry()
    record(METERS[recorder](metric_readers=[PrometheusMetricReader(registry=registry)], views=views))
    return generate_latest(registry).decode()


# The numbers of the corrections that have a body.
COVERED: set[int] = set()


def correction(number: int, *, official: str, raises: type[BaseException] = AssertionError) -> Callable[[Any], Any]:
    """Make two tests of a body: it passes with ``recorder`` "native", and fails with "official" for the reason that the
    pattern ``official`` finds in the error. ``number`` is that of the corrections in ``test_corrections.py``."""

    COVERED.add(number)

    def decorate(body: Any) -> Any:
        @functools.wraps(body)
        def test(recorder: str, **fixtures: Any) -> None:
            if recorder == "native":
                body(recorder=recorder, **fixtures)
                return
            with pytest.raises(raises) as caught:
                body(recorder=recorder, **fixtures)
            assert re.search(official, str(caught.value)), f"failed for another reason: {caught.value!r}"

        return pytest.mark.parametrize("recorder", ["native", "official"], ids=lambda name: f"{number}-{name}")(test)

    return decorate
