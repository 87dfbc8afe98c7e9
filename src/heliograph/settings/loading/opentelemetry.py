"""OpenTelemetry's environment variables, and three older names, as layers of settings. Called by `load.py`.

The table of the variables is loaded where one of them is set: most processes have none, and pay nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from heliograph.settings.loading.layer import Layer, Place, SourceKind

_PREFIX: Final = "OTEL_"
OLDER_NAMES: Final = ("TELEMETRY_ENABLED", "PROMETHEUS_PORT", "PROMETHEUS_MULTIPROC_DIR")


def opentelemetry_layer(environ: Mapping[str, str]) -> Layer:
    """What ``environ`` says in OpenTelemetry's variables, as far as it does not depend on other sources."""
    if not _is_used(environ):
        return Layer(kind="environment", values={})
    from heliograph.settings.loading.opentelemetry_reading import read_variables  # the table is large  # noqa: PLC0415

    return read_variables(environ)


def with_otlp_options(values: Mapping[str, Any], kind_of: Callable[[Place], SourceKind], environ: Mapping[str, str]) -> Layer:
    """What ``environ`` adds to and changes of ``values``, the settings that all sources make together. ``kind_of`` says what
    kind of source a place in them has its value from."""
    if not _is_used(environ):
        return Layer(kind="environment", values={})
    from heliograph.settings.loading.opentelemetry_otlp import otlp_options  # as above  # noqa: PLC0415

    return otlp_options(values, kind_of, environ)


def _is_used(environ: Mapping[str, str]) -> bool:
    return any(name.startswith(_PREFIX) or name in OLDER_NAMES for name in environ)
