"""The two recorders under test, behind the same constructors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.sdk import metrics as sdk_metrics
from opentelemetry.sdk import trace as sdk_trace

from heliograph import recording
from heliograph.recording.official.handoff import SpanHandoff


def _official_tracers(accept: Callable[[Any], None] | None = None, **arguments: Any) -> sdk_trace.TracerProvider:
    provider = sdk_trace.TracerProvider(shutdown_on_exit=False, **arguments)
    if accept is not None:
        provider.add_span_processor(SpanHandoff(accept))
    return provider


def _native_tracers(accept: Callable[[Any], None] | None = None, **arguments: Any) -> Any:
    taken = {} if accept is None else {"accept": accept}
    return recording.TracerProvider(shutdown_on_exit=False, **taken, **arguments)


def _official_meters(**arguments: Any) -> sdk_metrics.MeterProvider:
    return sdk_metrics.MeterProvider(shutdown_on_exit=False, **arguments)


def _native_meters(**arguments: Any) -> Any:
    return recording.MeterProvider(shutdown_on_exit=False, **arguments)


# Tracer providers that hand each ended sampled span to `accept`, and meter providers, by the name of the recorder.
TRACERS: Mapping[str, Callable[..., Any]] = {"official": _official_tracers, "native": _native_tracers}
METERS: Mapping[str, Callable[..., Any]] = {"official": _official_meters, "native": _native_meters}
