"""An exception as attributes (OpenTelemetry semantic conventions, "Exceptions").

Called by spans, the logger, the logging handler and the bridges. Never raises, whatever the exception does when it is shown.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

from opentelemetry.semconv.attributes import exception_attributes

from heliograph.recording.attributes import put_all
from heliograph.text import described, shown


def exception_fields(error: BaseException) -> dict[str, Any]:
    """Type, message and stack trace of ``error``."""
    try:
        trace = "".join(traceback.format_exception(error))
    except Exception:  # an exception of the application's own may raise while it is shown
        trace = described(error)
    return {
        exception_attributes.EXCEPTION_TYPE: _qualified(type(error)),
        exception_attributes.EXCEPTION_MESSAGE: shown(error),
        exception_attributes.EXCEPTION_STACKTRACE: trace,
    }


def with_exception(attributes: Mapping[str, Any] | None, error: BaseException) -> dict[str, Any]:
    """``attributes`` and those of ``error``; what the application gave stays as it is."""
    joined = exception_fields(error)
    if attributes is not None:
        put_all(joined, attributes, None, None)
    return joined


def _qualified(kind: type) -> str:
    # As the SDK writes it on spans.
    return kind.__qualname__ if kind.__module__ in ("builtins", None) else f"{kind.__module__}.{kind.__qualname__}"
