"""Every exporter of ours keeps what the conformance suite says."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from heliograph.exporters.console import ConsoleExporter
from heliograph.exporters.file import FileExporter
from heliograph.exporters.memory import MemoryExporter
from heliograph.exporters.otlp import OtlpExporter
from heliograph.exporters.otlp_grpc import OtlpGrpcTransport
from heliograph.exporters.otlp_http import OtlpHttpTransport
from heliograph.otlp.messages import SIGNALS
from heliograph.testing import ExporterConformance, ExporterSubject
from tests.support.otlp_receiver import OtlpReceiver, grpc_receiver, http_receiver


class TestConsole(ExporterConformance):
    @contextmanager
    def subject(self, signal: str, folder: Path) -> Iterator[ExporterSubject]:
        stream = io.StringIO()
        yield ExporterSubject(exporter=ConsoleExporter(signal, lambda: stream), arrived=stream.getvalue)


class TestFile(ExporterConformance):
    @contextmanager
    def subject(self, signal: str, folder: Path) -> Iterator[ExporterSubject]:
        path = folder / "deep" / "items.jsonl"
        exporter = FileExporter(SIGNALS[signal], path, max_bytes=10**6, max_files=1)
        yield ExporterSubject(exporter=exporter, arrived=lambda: path.read_text() if path.exists() else "")


class TestMemory(ExporterConformance):
    keeps_broken_items = True

    @contextmanager
    def subject(self, signal: str, folder: Path) -> Iterator[ExporterSubject]:
        exporter: MemoryExporter[Any] = MemoryExporter()
        yield ExporterSubject(exporter=exporter, arrived=lambda: "\n".join(map(_shown, exporter.items())))


class TestOtlpOverHttp(ExporterConformance):
    @contextmanager
    def subject(self, signal: str, folder: Path) -> Iterator[ExporterSubject]:
        with http_receiver() as receiver:
            transport = OtlpHttpTransport(SIGNALS[signal], receiver.url, headers={}, compression="gzip")
            yield ExporterSubject(exporter=OtlpExporter(transport), arrived=lambda: _received(receiver))


class TestOtlpOverGrpc(ExporterConformance):
    @contextmanager
    def subject(self, signal: str, folder: Path) -> Iterator[ExporterSubject]:
        with grpc_receiver() as receiver:
            transport = OtlpGrpcTransport(SIGNALS[signal], receiver.url, headers={}, compression="gzip")
            yield ExporterSubject(exporter=OtlpExporter(transport), arrived=lambda: _received(receiver))


def _received(receiver: OtlpReceiver) -> str:
    return "\n".join(str(message) for _signal, _headers, message in receiver.requests)


def _shown(item: Any) -> str:
    record = getattr(item, "log_record", None)
    return str(record.body) if record is not None else str(getattr(item, "name", item))
