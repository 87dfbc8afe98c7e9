"""What a log record costs on its way through the standard library's ``logging`` into a queue, beside the official SDK.

Measured is the CPU time of the process until 100 records, with one argument and two values of ``extra=``, lie in the queue: in
the handler alone, with records that ``logging`` has made already, and in the whole ``logger.info(...)``, most of which is
``logging`` itself. The official handler is that of ``opentelemetry-instrumentation-logging``, which replaces the deprecated
one of the SDK, as it is by default: it leaves out where in the code the record was made, which ours records. Fairness and what
is not measured: as in ``span.py``.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from time import process_time_ns
from typing import Any, Final, NamedTuple

from logfire.integrations.logging import LogfireLoggingHandler
from opentelemetry.instrumentation.logging.handler import LoggingHandler as OfficialHandler

from benchmarks.measure import Effort, medians_ns
from benchmarks.peers import CountedLogRecords, CountedSpans, logfire_tracing, official_logging
from benchmarks.recording import NullExporter, make_pipeline
from benchmarks.row import Bar, Row
from heliograph.clock import SystemClock
from heliograph.pipeline import pipeline as pipelines
from heliograph.pipeline.ledger import Signal
from heliograph.recording import LoggerProvider
from heliograph.recording.logs.handler import LoggingHandler
from heliograph.recording.mishaps import Mishaps

_RECORDS: Final = 100
_BAR: Final = Bar("ratio at most", 1 / 4)
_MESSAGE: Final = "order %s was placed"
_numbers: Final = itertools.count()

_Extras = Sequence[dict[str, Any]]


class _Logged(NamedTuple):
    handler: logging.Handler
    drain: Callable[[], object]
    recorded: Callable[[], int]


def log_record(effort: Effort) -> list[Row]:
    """In us a record."""
    with ExitStack() as stack:
        contenders = [stack.enter_context(make()) for make in (_native, _official, _logfire)]
        handled = _microseconds(contenders[:2], _make_records, _handling, effort)
        logged = _microseconds(contenders, _make_extras, _logging, effort)
    through, whole = "log record through the logging handler, queued", "logger.info(...) with the handler, queued"
    return [
        Row(what=through, unit="us", ours=handled[0], peer=handled[1], peer_name="opentelemetry-sdk", bar=_BAR),
        Row(what=whole, unit="us", ours=logged[0], peer=logged[1], peer_name="opentelemetry-sdk"),
        Row(what=whole, unit="us", ours=logged[0], peer=logged[2], peer_name="logfire"),
    ]


def _microseconds(
    contenders: Sequence[_Logged],
    make_work: Callable[[], Any],
    call: Callable[[logging.Handler], Callable[[Any], None]],
    effort: Effort,
) -> list[float]:
    before = [contender.recorded() for contender in contenders]

    def fresh() -> Any:
        for contender in contenders:
            contender.drain()
        return make_work()

    taken_ns = medians_ns(fresh, [call(contender.handler) for contender in contenders], effort.rounds, process_time_ns)
    fresh()
    counts = {contender.recorded() - had for contender, had in zip(contenders, before, strict=True)}
    if len(counts) != 1 or not min(counts):
        raise RuntimeError(f"the contenders recorded {sorted(counts)} log records, expected as many each")
    return [taken / _RECORDS / 1000 for taken in taken_ns]


def _make_extras() -> _Extras:
    return [{"order_id": f"order-{number:09}", "items": number} for number in itertools.islice(_numbers, _RECORDS)]


def _make_records() -> Sequence[logging.LogRecord]:
    logger = logging.getLogger("benchmark")
    return [
        logger.makeRecord("benchmark", logging.INFO, __file__, 1, _MESSAGE, (number,), None, "place_order", extra)
        for number, extra in enumerate(_make_extras())
    ]


def _handling(handler: logging.Handler) -> Callable[[Sequence[logging.LogRecord]], None]:
    def handle(records: Sequence[logging.LogRecord]) -> None:
        for record in records:
            handler.handle(record)

    return handle


def _logging(handler: logging.Handler) -> Callable[[_Extras], None]:
    logger = logging.getLogger(f"benchmark.{type(handler).__module__}")
    logger.setLevel(logging.INFO)
    logger.propagate = False  # no other handler sees its records
    logger.handlers = [handler]

    def log(extras: _Extras) -> None:
        for number, extra in enumerate(extras):
            logger.info(_MESSAGE, number, extra=extra)

    return log


@contextmanager
def _native() -> Iterator[_Logged]:
    pipeline = make_pipeline(NullExporter(), signal=Signal.LOGS)
    provider = LoggerProvider(accept=pipeline.accept, shutdown_on_exit=False)

    def recorded() -> int:
        (counts,) = pipelines.ledger([pipeline]).values()
        return counts.delivered

    handler = LoggingHandler(logging.NOTSET, lambda: provider, Mishaps())
    yield _Logged(handler, lambda: pipelines.flush([pipeline], 30.0, SystemClock()), recorded)
    pipelines.shutdown([pipeline], 10.0, SystemClock())


@contextmanager
def _official() -> Iterator[_Logged]:
    exporter = CountedLogRecords()
    provider = official_logging(exporter)
    yield _Logged(OfficialHandler(logger_provider=provider), provider.force_flush, lambda: exporter.count)
    provider.shutdown()


@contextmanager
def _logfire() -> Iterator[_Logged]:
    """Its log records are spans without duration."""
    exporter = CountedSpans()
    instance = logfire_tracing(exporter)
    yield _Logged(LogfireLoggingHandler(logfire_instance=instance), instance.force_flush, lambda: exporter.count)
    instance.shutdown()
