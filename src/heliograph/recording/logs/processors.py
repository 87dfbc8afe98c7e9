"""Log record processors of the SDK that an application attached. One that raises or hangs costs nothing but itself.

Called by the provider and its loggers. Replaced as a whole when one is added, so it is read without a lock.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from heliograph.recording.attached import all_done
from heliograph.recording.mishaps import Mishaps

_KIND: Final = "log processor"


class Processors:
    """Several as one, in the order in which they were added."""

    def __init__(self, processors: tuple[LogRecordProcessor, ...], mishaps: Mishaps) -> None:
        self._processors = processors
        self._mishaps = mishaps

    def joined_by(self, processor: LogRecordProcessor) -> Processors:
        """These and one more."""
        return Processors((*self._processors, processor), self._mishaps)

    def on_emit(self, record: ReadWriteLogRecord) -> None:
        for processor in self._processors:
            try:
                processor.on_emit(record)
            except Exception as error:  # somebody else's code; the application and the other processors go on
                self._mishaps.note(_KIND, error)

    def enabled(self, context: Context | None, scope: InstrumentationScope, number: Any, event_name: str | None) -> bool:
        """Whether any of them would take such a record; one that raises might."""
        for processor in self._processors:
            try:
                if processor.enabled(
                    context=context, instrumentation_scope=scope, severity_number=number, event_name=event_name
                ):
                    return True
            except Exception as error:  # somebody else's code
                self._mishaps.note(_KIND, error)
                return True
        return False

    def force_flush(self, timeout_s: float) -> bool:
        """Flush each; true when each said within ``timeout_s`` seconds for all together that it did."""
        timeout_ms = max(0, round(timeout_s * 1000))
        flushes = [partial(processor.force_flush, timeout_ms) for processor in self._processors]
        return all_done(flushes, timeout_s, self._mishaps, _KIND)

    def shutdown(self, timeout_s: float) -> bool:
        """Shut each down; true when each did within ``timeout_s`` seconds for all together."""
        return all_done([processor.shutdown for processor in self._processors], timeout_s, self._mishaps, _KIND)
