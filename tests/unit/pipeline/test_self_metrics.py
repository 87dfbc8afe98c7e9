"""The ledger as metrics: what /metrics says is what the ledger says."""

from __future__ import annotations

from collections.abc import Callable

from heliograph import TelemetryManager
from heliograph.pipeline.ledger import DropReason
from tests.support.otlp_receiver import Answer, http_receiver
from tests.support.processes import get
from tests.support.waiting import until


def _samples(telemetry: TelemetryManager) -> list[str]:
    text = get(f"{telemetry.endpoint_url}/metrics")[1].decode()
    return [line for line in text.splitlines() if line.startswith("heliograph_items_")]


def test_the_metrics_say_what_the_ledger_says(start: Callable[..., TelemetryManager]) -> None:
    with http_receiver() as receiver:
        receiver.answers = [Answer(status=400)]
        exporters = ["memory", {"type": "otlp", "endpoint": receiver.url}]
        telemetry = start(tracing={"exporters": exporters}, metrics={"exporters": ["prometheus"]}, logs={"exporters": []})
        for _ in range(3):
            with telemetry.span("work"):
                pass
        until(lambda: not telemetry.force_flush())
        samples = _samples(telemetry)
    assert 'heliograph_items_accepted_total{destination="otlp",signal="traces"} 3.0' in samples
    assert 'heliograph_items_delivered_total{destination="memory",signal="traces"} 3.0' in samples
    assert 'heliograph_items_delivered_total{destination="otlp",signal="traces"} 0.0' in samples
    assert 'heliograph_items_dropped_total{destination="otlp",reason="rejected",signal="traces"} 3.0' in samples
    assert 'heliograph_items_pending{destination="otlp",signal="traces"} 0.0' in samples


def test_every_reason_is_there_from_the_start_so_that_its_first_increase_is_seen(
    start: Callable[..., TelemetryManager],
) -> None:
    telemetry = start(metrics={"exporters": ["prometheus"]}, logs={"exporters": []})
    drops = [sample for sample in _samples(telemetry) if sample.startswith("heliograph_items_dropped_total")]
    assert [drop.split('reason="')[1].split('"')[0] for drop in drops] == [str(reason) for reason in DropReason]
    assert all(drop.endswith(" 0.0") for drop in drops)


def test_the_names_of_the_semantic_conventions_say_the_same(start: Callable[..., TelemetryManager]) -> None:
    with http_receiver() as receiver:
        receiver.answers = [Answer(status=400)]
        otlp = {"exporters": [{"type": "otlp", "endpoint": receiver.url}]}
        telemetry = start(tracing=otlp, metrics={"exporters": ["prometheus"]}, logs={"exporters": []})
        for name in ("refused", "taken", "taken"):
            with telemetry.span(name):
                pass
            telemetry.force_flush()
        text = get(f"{telemetry.endpoint_url}/metrics")[1].decode()
    component = 'otel_component_name="otlp_http_span_exporter/otlp",otel_component_type="otlp_http_span_exporter"'
    server = f'server_address="127.0.0.1",server_port="{receiver.url.rsplit(":", 1)[1]}"'
    for sample in (
        f"otel_sdk_exporter_span_exported_total{{{component},{server}}} 2.0",
        f'otel_sdk_exporter_span_exported_total{{error_type="rejected",{component},{server}}} 1.0',
        f"otel_sdk_exporter_span_inflight{{{component},{server}}} 0.0",
        f"otel_sdk_processor_span_processed_total{{{component},{server}}} 3.0",
        f"otel_sdk_processor_span_queue_size{{{component},{server}}} 0.0",
        f"otel_sdk_processor_span_queue_capacity{{{component},{server}}} 2048.0",
        f"otel_sdk_exporter_operation_duration_seconds_count{{{component},{server}}} 2.0",
        f'otel_sdk_exporter_operation_duration_seconds_count{{error_type="rejected",{component},{server}}} 1.0',
    ):
        assert sample in text.splitlines(), text
