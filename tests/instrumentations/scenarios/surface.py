"""What instrumentation packages ask of our objects, beside recording with them.

The rows were found by reading the packages that this folder runs, and the frameworks that have telemetry built in; each says
who asks it. Nothing here is of a package: the questions are asked directly, so that an answer that changes is seen as such.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry import _logs, context, metrics, trace
from opentelemetry.sdk import _logs as sdk_logs
from opentelemetry.sdk import metrics as sdk_metrics
from opentelemetry.sdk import trace as sdk_trace

_SPAN_QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "kind: flask, django, wsgi, asgi": lambda span: span.kind is trace.SpanKind.SERVER,
    "name: redis": lambda span: span.name,
    "attributes.get: hooks of users": lambda span: [span.attributes.get("http.method"), span.attributes.get("nothing")],
    "attributes as a mapping: hooks of users": lambda span: dict(span.attributes),
    "is_recording: all": lambda span: span.is_recording(),
    "is an API span: get_current_span, use_span": lambda span: isinstance(span, trace.Span),
    "differs from INVALID_SPAN: logging": lambda span: span != trace.INVALID_SPAN,
    "equals itself alone: logging": lambda span: span == span and len({span, span}) == 1,  # noqa: PLR0124
    "has an API span context: propagators": lambda span: isinstance(span.get_span_context(), trace.SpanContext),
    "context is its span context: processors of users": lambda span: span.context == span.get_span_context(),
    "context differs from INVALID_SPAN_CONTEXT: logging": lambda span: span.get_span_context() != trace.INVALID_SPAN_CONTEXT,
    "trace_flags.sampled: logging": lambda span: span.get_span_context().trace_flags.sampled,
    "resource: hooks of users": lambda span: span.resource.attributes.get("service.name"),
    "instrumentation_scope: processors of users": lambda span: span.instrumentation_scope.name,
    "parent: processors of users": lambda span: span.parent,
    "start_time, end_time: hooks of users": lambda span: [span.start_time > 0, span.end_time],
    "status, events, links: hooks of users": lambda span: [span.status.status_code.name, len(span.events), len(span.links)],
}

_AFTER_THE_END: dict[str, Callable[[Any], Any]] = {
    "is_recording: all": lambda span: span.is_recording(),
    "kind: wsgi, after the answer": lambda span: span.kind.name,
    "attributes.get: hooks of users": lambda span: span.attributes.get("http.method"),
    "end_time: hooks of users": lambda span: span.end_time >= span.start_time,
    "set_attribute does nothing: asgi": lambda span: span.set_attribute("late", 1) or span.attributes.get("late"),
}

_PROVIDERS: dict[str, tuple[Callable[[], Any], type, str]] = {
    "tracer": (trace.get_tracer_provider, sdk_trace.TracerProvider, "add_span_processor"),
    "meter": (metrics.get_meter_provider, sdk_metrics.MeterProvider, "add_metric_reader"),
    "logger": (_logs.get_logger_provider, sdk_logs.LoggerProvider, "add_log_record_processor"),
}


def run(_argument: str) -> Any:
    tracer = trace.get_tracer("app", "1.0")
    with tracer.start_as_current_span("asked", kind=trace.SpanKind.SERVER, attributes={"http.method": "GET"}) as span:
        open_span = {question: ask(span) for question, ask in _SPAN_QUESTIONS.items()}
        is_current = trace.get_current_span() is span
        in_context = trace.get_current_span(trace.set_span_in_context(span, context.Context())) is span
    return {
        "open": open_span,
        "ended": {question: ask(span) for question, ask in _AFTER_THE_END.items()},
        "context": {"is current": is_current, "by set_span_in_context": in_context, "none": _is_nothing_current()},
        "providers": {noun: _provider(*row) for noun, row in _PROVIDERS.items()},
        "makers": _makers(),
    }


def _is_nothing_current() -> bool:
    """How the helpers of opentelemetry-instrumentation tell a server span from an internal one."""
    return trace.get_current_span() is trace.INVALID_SPAN


def _provider(get: Callable[[], Any], official: type, adder: str) -> dict[str, Any]:
    provider = get()
    name = official.__name__
    return {
        f"is an SDK {name}: set-ups of users": isinstance(provider, official),
        f"is an API {name}: all": isinstance(provider, official.__mro__[1]),
        "resource.attributes.get: logging": _resource(provider).attributes.get("service.name"),
        "force_flush: logging": bool(provider.force_flush()),
        f"{adder}: fastapi's own set-up": callable(getattr(provider, adder, None)),
        "shutdown: set-ups of users": callable(provider.shutdown),
    }


def _resource(provider: Any) -> Any:
    # The SDK's meter provider keeps it in a private field; nobody asks that one in public.
    return getattr(provider, "resource", None) or provider._sdk_config.resource


def _makers() -> dict[str, bool]:
    """What the packages make once and record with for good."""
    logger = _logs.get_logger("app")
    return {
        "an API tracer": isinstance(trace.get_tracer("app"), trace.Tracer),
        "an API meter": isinstance(metrics.get_meter("app"), metrics.Meter),
        "an API logger": isinstance(logger, _logs.Logger),
        "a logger that is no NoOpLogger: logging": not isinstance(logger, _logs.NoOpLogger),
        "a provider that is no NoOp one: starlette, fastapi, redis": not isinstance(
            trace.get_tracer_provider(), trace.NoOpTracerProvider
        ),
    }
