"""Makes the instrumentation packages name HTTP as OpenTelemetry's stable conventions do, which is how the catalogue names it.

Left to themselves they give `http.server.duration` in milliseconds and attributes of 2022. Who says something else in
``OTEL_SEMCONV_STABILITY_OPT_IN`` gets that. Called before the first package is used: they look once in a process.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

_VARIABLE: Final = "OTEL_SEMCONV_STABILITY_OPT_IN"


def choose_stable_http(environ: Mapping[str, str]) -> None:
    """Choose the stable conventions for HTTP, unless ``environ`` asks for others."""
    from opentelemetry.instrumentation import _semconv  # noqa: PLC0415  # only who instruments has it

    stability: Any = _semconv._OpenTelemetrySemanticConventionStability
    if environ.get(_VARIABLE) or stability._initialized:
        return
    # It reads the process's environment, which is as before afterwards.
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = "http"
    try:
        stability._initialize()
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before
