"""What every exporter promises to the pipeline: one test body, run over each exporter and signal."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.trace import ReadableSpan

from heliograph.exporters.console import ConsoleExporter
from heliograph.exporters.file import FileExporter
from heliograph.exporters.memory import MemoryExporter
from heliograph.exporters.otlp import OtlpExporter
from heliograph.exporters.otlp_grpc import OtlpGrpcTransport
from heliograph.exporters.otlp_http import OtlpHttpTransport
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.ledger import Signal
from heliograph.pipeline.outcome import Attempt, Delivered, Exporter
from tests.support.batches import prepared
from tests.support.deliveries import accept_all, delivering, dropped, flush, is_balanced
from tests.support.items import BROKEN, GOOD, WEIGHT
from tests.support.otlp_receiver import OtlpReceiver, grpc_receiver, http_receiver


@dataclass
class Subject:
    """An exporter of one signal, and a way to see as text what arrived where it exports to."""

    signal: str
    exporter: Exporter
    arrived: Callable[[], str]

    def prepare(self, items: list[Any]) -> Attempt:
        return prepared(self.exporter, items, self.signal)

    def options(self) -> dict[str, Any]:
        """What a delivery to it needs."""
        encoder = SIGNALS[self.signal].encoder()
        return {"signal": Signal(self.signal), "weigh": WEIGHT[self.signal], "encoder": encoder}

    def has(self, number: int) -> bool:
        return f"work.{number}" in self.arrived() or f"work {number}" in self.arrived()


def _received(receiver: OtlpReceiver) -> str:
    return " ".join(f"request {message}" for _signal, _headers, message in receiver.requests)


def _console(signal: str, _stack: ExitStack, _folder: Path) -> Subject:
    stream = io.StringIO()
    return Subject(signal, ConsoleExporter(signal, lambda: stream), stream.getvalue)


def _file(signal: str, _stack: ExitStack, folder: Path) -> Subject:
    path = folder / "deep" / "items.jsonl"
    exporter = FileExporter(SIGNALS[signal], path, max_bytes=10**6, max_files=1)
    return Subject(signal, exporter, lambda: path.read_text() if path.exists() else "")


def _memory(signal: str, _stack: ExitStack, _folder: Path) -> Subject:
    exporter: MemoryExporter[Any] = MemoryExporter()
    return Subject(signal, exporter, lambda: " ".join(_shown(item) for item in exporter.items()))


def _shown(item: Any) -> str:
    if isinstance(item, ReadableLogRecord):
        return str(item.log_record.body)
    return item.name if isinstance(item, ReadableSpan) else str(item)


def _otlp_http(signal: str, stack: ExitStack, _folder: Path) -> Subject:
    receiver = stack.enter_context(http_receiver())
    transport = OtlpHttpTransport(SIGNALS[signal], receiver.url, headers={}, compression="gzip")
    return Subject(signal, OtlpExporter(transport), lambda: _received(receiver))


def _otlp_grpc(signal: str, stack: ExitStack, _folder: Path) -> Subject:
    receiver = stack.enter_context(grpc_receiver())
    transport = OtlpGrpcTransport(SIGNALS[signal], receiver.url, headers={}, compression="gzip")
    return Subject(signal, OtlpExporter(transport), lambda: _received(receiver))


@pytest.fixture(params=[_console, _file, _memory, _otlp_http, _otlp_grpc], ids=lambda make: make.__name__[1:])
def make_subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Subject]]:
    with ExitStack() as stack:
        yield lambda signal: request.param(signal, stack, tmp_path)


@pytest.fixture(params=sorted(SIGNALS))
def subject(request: pytest.FixtureRequest, make_subject: Callable[[str], Subject]) -> Subject:
    return make_subject(request.param)


def test_what_is_prepared_and_sent_arrives(subject: Subject) -> None:
    assert subject.prepare([GOOD[subject.signal](number) for number in (1, 2, 3)])(5.0) == Delivered()
    assert all(subject.has(number) for number in (1, 2, 3))
    subject.exporter.close()


def test_nothing_is_sent_before_send_is_called(subject: Subject) -> None:
    subject.prepare([GOOD[subject.signal](1)])
    later = subject.prepare([GOOD[subject.signal](2)])
    assert later(5.0) == Delivered()
    assert not subject.has(1)
    assert subject.has(2)
    subject.exporter.close()


def test_a_broken_item_is_counted_and_never_raised_and_costs_no_sibling(subject: Subject) -> None:
    good, make_broken = GOOD[subject.signal], BROKEN[subject.signal]
    with delivering(subject.exporter, **subject.options()) as delivery:
        accept_all(delivery, [make_broken(), good(1), make_broken(), good(2)])
        flush(delivery)
        assert dropped(delivery) == ({} if isinstance(subject.exporter, MemoryExporter) else {"encoding": 2})
    assert subject.has(1)
    assert subject.has(2)
    subject.exporter.close()


def test_a_batch_of_broken_items_only_is_counted_and_puts_nothing_there(subject: Subject) -> None:
    with delivering(subject.exporter, **subject.options()) as delivery:
        delivery.accept(BROKEN[subject.signal]())
        flush(delivery)
        if not isinstance(subject.exporter, MemoryExporter):
            assert (dropped(delivery), subject.arrived()) == ({"encoding": 1}, "")


def test_the_account_agrees_with_what_arrived(subject: Subject) -> None:
    with delivering(subject.exporter, **subject.options()) as delivery:
        for number in (1, 2, 3):
            delivery.accept(GOOD[subject.signal](number))
        assert flush(delivery)
        delivery.accept(BROKEN[subject.signal]())
        flush(delivery)
        counts = delivery.counts()
        lost = 0 if isinstance(subject.exporter, MemoryExporter) else 1
        assert (counts.delivered, counts.dropped) == (4 - lost, {"encoding": 1} if lost else {})
        assert is_balanced(counts)


def test_the_same_batch_can_be_sent_again(subject: Subject) -> None:
    attempt = subject.prepare([GOOD[subject.signal](7)])
    assert attempt(5.0) == attempt(5.0) == Delivered()
    subject.exporter.close()


def test_closing_is_possible_after_use_without_use_and_twice(make_subject: Callable[[str], Subject]) -> None:
    unused = make_subject("traces").exporter
    unused.close()
    unused.close()
    used = make_subject("logs")
    assert used.prepare([GOOD["logs"](1)])(5.0) == Delivered()
    used.exporter.close()
    used.exporter.close()
