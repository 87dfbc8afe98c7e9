"""``tracing.log_spans``: each span as one line in the application's log, at INFO on the logger ``heliograph.spans``.

A destination like any other, built by the assembly beside those that the settings name.
"""

from __future__ import annotations

import logging
from typing import Final, Literal

from heliograph.pipeline.batch import Batch
from heliograph.pipeline.outcome import Attempt, Delivered, Outcome
from heliograph.settings.exporters import ExporterSettings
from heliograph.settings.kinds import choice
from heliograph.settings.section import setting

NAME: Final = "heliograph.spans"

logger = logging.getLogger(NAME)


class SpanLog(ExporterSettings):
    """What stands for it among the exporters of ``tracing``."""

    type: Literal["span_log"] = setting(choice(Literal["span_log"]), default="span_log")


class SpanLogExporter:
    """Logs spans; one that cannot be shown costs only its own line."""

    takes_items = True

    def prepare(self, batch: Batch) -> Attempt:
        return lambda _timeout_s: self._log(batch)

    def close(self) -> None:
        """Nothing to release."""

    def _log(self, batch: Batch) -> Outcome:
        from heliograph.exporters.console import span_lines  # noqa: PLC0415  # loads what shows items of the SDK

        broken = 0
        for span in batch.items:
            try:
                for line in span_lines(span):
                    logger.info("%s", line)
            except Exception:  # any value a user recorded, and any handler of a log, may fail in any way
                broken += 1
        return Delivered(unencodable=broken, reason="spans that cannot be logged" if broken else "")
