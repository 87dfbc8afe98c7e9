"""logging: records get the ids of the current span, and go to the logger provider by the package's own handler."""

from __future__ import annotations

import io
import logging
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.logging import LoggingInstrumentor

from tests.instrumentations.scenarios.instrumenting import instrumented

_FORMAT = (
    "%(levelname)s %(message)s trace=%(otelTraceID)s span=%(otelSpanID)s %(otelTraceSampled)s %(otelServiceName)s %(hook)s"
)


def run(_argument: str) -> Any:
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter(_FORMAT, defaults={"hook": "no hook"}))
    logger = logging.getLogger("shop")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    with instrumented(LoggingInstrumentor(), inject_trace_context=True, log_hook=_hook, log_code_attributes=True):
        logger.warning("outside of %s", "spans")
        with trace.get_tracer("app").start_as_current_span("work"):
            logger.info("inside", extra={"number": 7})
            try:
                {}["order"]
            except KeyError:
                logger.exception("it failed")
        for each in logging.getLogger().handlers:
            each.flush()  # the package's handler asks the logger provider to flush
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.error("no longer instrumented")
    return {"lines": [line for line in text.getvalue().splitlines() if line.endswith(("hook", "instrumented"))]}


def _hook(span: Any, record: logging.LogRecord) -> None:
    record.hook = f"{span.name} hook" if span.is_recording() else "not recording"
