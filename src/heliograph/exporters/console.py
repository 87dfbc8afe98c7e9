"""One readable line an item on standard output, for development."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import format_span_id, format_trace_id

from heliograph.pipeline.batch import Batch
from heliograph.pipeline.outcome import Attempt, Delivered, Outcome, Rejected, Retry
from heliograph.recording.readers import WEIGHTS
from heliograph.text import printable


class ConsoleExporter:
    """Prints items of one signal to ``stream``, which is looked up at each batch, so that a redirected one is honoured."""

    takes_items = True

    def __init__(self, signal: str, stream: Callable[[], TextIO | None] = lambda: sys.stdout) -> None:
        self._lines = _LINES[signal]
        self._weigh = WEIGHTS[signal]
        self._stream = stream

    def prepare(self, batch: Batch) -> Attempt:
        lines: list[str] = []
        broken = 0
        for item in batch.items:
            try:
                lines += list(self._lines(item))
            except Exception:  # any value a user recorded may fail to print in any way; the others are still printed
                broken += self._weigh(item)
        text = "".join(f"{line}\n" for line in lines)
        return lambda _timeout_s: self._print(text, broken)

    def close(self) -> None:
        """Standard output is not ours to close."""

    def _print(self, text: str, broken: int) -> Outcome:
        stream = self._stream()
        if stream is None:
            return Rejected(reason="this process has no standard output")
        encoding = getattr(stream, "encoding", None) or "utf-8"  # celery puts what has none in the place of standard output
        try:
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
        except (OSError, ValueError) as error:  # a closed pipe or a closed stream
            return Retry(reason=f"cannot write to standard output: {error}")
        return Delivered(unencodable=broken, reason="items that cannot be shown" if broken else "")


def span_lines(span: ReadableSpan) -> Iterator[str]:
    """A span as it is shown: one line."""
    duration_ms = ((span.end_time or 0) - (span.start_time or 0)) / 1e6
    status = span.status.status_code.name.lower()
    ids = f"trace={format_trace_id(span.context.trace_id)} span={format_span_id(span.context.span_id)}"
    what = f"{printable(span.name)} {duration_ms:.1f}ms {status}"
    yield f"{_time(span.start_time)} span   {what} {ids} {_pairs(span.attributes)}"


def _log_lines(entry: ReadableLogRecord) -> Iterator[str]:
    record = entry.log_record
    what = f"event {record.event_name}" if record.event_name else printable(str(record.body))
    ids = f" trace={format_trace_id(record.trace_id)}" if record.trace_id else ""
    at_ns = record.timestamp or record.observed_timestamp
    yield f"{_time(at_ns)} log    {printable(record.severity_text or '-')} {printable(what)}{ids} {_pairs(record.attributes)}"


def _metric_lines(data: MetricsData) -> Iterator[str]:
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                unit = f" {printable(metric.unit)}" if metric.unit else ""
                for point in metric.data.data_points:
                    what = f"metric {printable(metric.name)} {_value(point)}{unit}"
                    yield f"{_time(point.time_unix_nano)} {what} {_pairs(point.attributes)}"


def _value(point: Any) -> str:
    value = getattr(point, "value", None)
    return f"{value:g}" if value is not None else f"count={point.count} sum={point.sum:g}"


_LINES: Final[Mapping[str, Callable[[Any], Iterator[str]]]] = {
    "traces": span_lines,
    "metrics": _metric_lines,
    "logs": _log_lines,
}


def _time(time_ns: int | None) -> str:
    return datetime.fromtimestamp((time_ns or 0) / 1e9, UTC).strftime("%H:%M:%S.%f")[:-3]


def _pairs(attributes: Mapping[str, Any] | None) -> str:
    return printable(" ".join(f"{key}={json.dumps(value, default=str)}" for key, value in (attributes or {}).items()))
