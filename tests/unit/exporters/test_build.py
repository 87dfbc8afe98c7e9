"""From settings to exporters: each type for each signal, and nothing opened on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from heliograph.exporters.build import build_exporter
from heliograph.exporters.console import ConsoleExporter
from heliograph.exporters.file import FileExporter
from heliograph.exporters.memory import MemoryExporter
from heliograph.exporters.otlp import OtlpExporter
from heliograph.exporters.otlp_grpc import OtlpGrpcTransport
from heliograph.exporters.otlp_http import OtlpHttpTransport
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.outcome import Delivered, Retry
from heliograph.settings import exporters as settings
from tests.support.batches import prepared
from tests.support.interpreter import run_script
from tests.support.items import GOOD
from tests.support.otlp_receiver import grpc_receiver, http_receiver
from tests.support.processes import free_port


def _send(exporter: Any, signal: str) -> object:
    try:
        return prepared(exporter, [GOOD[signal](1)], signal)(5.0)
    finally:
        exporter.close()


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (settings.OtlpExporter(), OtlpExporter),
        (settings.OtlpExporter(protocol="grpc"), OtlpExporter),
        (settings.JaegerExporter(), OtlpExporter),
        (settings.ConsoleExporter(), ConsoleExporter),
        (settings.FileExporter(path="items.jsonl"), FileExporter),
        (settings.MemoryExporter(), MemoryExporter),
    ],
    ids=lambda value: getattr(value, "type", None),
)
def test_each_type_is_built_for_each_signal(signal: str, wanted: Any, expected: type) -> None:
    exporter = build_exporter(signal, wanted)
    assert type(exporter) is expected
    exporter.close()


@pytest.mark.parametrize(("protocol", "transport"), [("http", OtlpHttpTransport), ("grpc", OtlpGrpcTransport)])
def test_the_protocol_chooses_the_transport(protocol: Any, transport: type) -> None:
    exporter: Any = build_exporter("traces", settings.OtlpExporter(protocol=protocol))
    assert type(exporter._transport) is transport


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("compression", ["gzip", "none"])
@pytest.mark.parametrize(("protocol", "receiver_of"), [("http", http_receiver), ("grpc", grpc_receiver)])
def test_an_otlp_exporter_reaches_its_endpoint_with_its_headers(
    signal: str, compression: Any, protocol: Any, receiver_of: Any
) -> None:
    with receiver_of() as receiver:
        wanted = settings.OtlpExporter(
            protocol=protocol, endpoint=receiver.url, compression=compression, headers={"x-token": "s3cret"}
        )
        assert _send(build_exporter(signal, wanted), signal) == Delivered()
        ((received, headers, _message),) = receiver.requests
    assert received == signal
    assert {name.lower(): value for name, value in headers.items()}["x-token"] == "s3cret"


def test_jaeger_receives_spans_as_otlp() -> None:
    with http_receiver() as receiver:
        assert _send(build_exporter("traces", settings.JaegerExporter(endpoint=receiver.url)), "traces") == Delivered()
        assert len(receiver.spans()) == 1


def test_a_thrift_endpoint_of_jaeger_is_warned_about_once(caplog: pytest.LogCaptureFixture) -> None:
    build_exporter("traces", settings.JaegerExporter(endpoint="http://127.0.0.1:14268/api/traces")).close()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "http://127.0.0.1:4318" in caplog.text


def test_an_otlp_endpoint_of_jaeger_is_not_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    build_exporter("traces", settings.JaegerExporter()).close()
    assert caplog.records == []


def test_a_file_exporter_writes_to_its_path_with_its_limits(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    exporter = build_exporter("traces", settings.FileExporter(path=str(path), max_bytes=1, max_files=2))
    assert not path.exists()
    for _ in range(5):
        assert _send(exporter, "traces") == Delivered()
    assert len(list(tmp_path.iterdir())) == 3


def test_a_memory_exporter_keeps_no_more_than_it_is_told() -> None:
    exporter: Any = build_exporter("traces", settings.MemoryExporter(max_items=1))
    for _ in range(3):
        _send(exporter, "traces")
    assert len(exporter.items()) == 1


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_building_and_closing_need_nobody_to_listen(protocol: Any) -> None:
    wanted = settings.OtlpExporter(protocol=protocol, endpoint=f"http://127.0.0.1:{free_port()}")
    exporter = build_exporter("traces", wanted)
    assert isinstance(prepared(exporter, [GOOD["traces"](1)])(0.5), Retry)
    exporter.close()


def test_who_does_not_use_grpc_does_not_load_it() -> None:
    out, _err = run_script(
        """
        import sys
        from heliograph.exporters.build import build_exporter
        from heliograph.settings import exporters as settings

        build_exporter("traces", settings.OtlpExporter())
        print("grpc" in sys.modules)
        """
    )
    assert out.strip() == "False"
