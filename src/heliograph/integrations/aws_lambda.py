"""Telemetry of AWS Lambda functions: a span around each invocation, and everything delivered before the process is frozen.

Between two invocations Lambda stops the process, for as long as it likes, and it ends it without a signal. What is not
delivered when the handler returns may never be. So the decorator here flushes then, within the time that is left. Called by
the module of the function; Lambda calls what it returns.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from opentelemetry import context, propagate
from opentelemetry.semconv._incubating.attributes.faas_attributes import FAAS_COLDSTART, FAAS_INVOCATION_ID
from opentelemetry.trace import SpanKind

from heliograph.manager import TelemetryManager, start_for_hook
from heliograph.text import described

R = TypeVar("R")

logger = logging.getLogger("heliograph")

_LONGEST_FLUSH_S: Final = 5.0
_MARGIN_S: Final = 0.25  # for Lambda's own end of the invocation
_LEAST_FLUSH_S: Final = 0.05


def handler(function: Callable[[Any, Any], R]) -> Callable[[Any, Any], R]:
    """Decorate the function that Lambda calls with an event and a context.

    Starts telemetry from the environment or a file, unless the module has started it before. Each invocation has a span of
    kind server, named after the function, below the caller's when the event has HTTP headers that name it. What the function
    raises is recorded and raised.
    """
    try:
        start_for_hook()
    except Exception as error:  # settings with a fault; the function works all the same
        logger.warning("no telemetry in this function: %s", described(error))
    is_cold = True

    @functools.wraps(function)
    def invoke(event: Any, about: Any) -> R:
        nonlocal is_cold
        attributes = {FAAS_COLDSTART: is_cold, FAAS_INVOCATION_ID: str(getattr(about, "aws_request_id", ""))}
        is_cold = False
        try:
            telemetry = TelemetryManager.current()
        except LookupError:
            return function(event, about)
        token = context.attach(_caller(event))
        try:
            name = str(getattr(about, "function_name", "") or function.__name__)
            with telemetry.span(name, attributes, kind=SpanKind.SERVER):
                return function(event, about)
        finally:
            context.detach(token)
            telemetry.force_flush(_left_s(about))

    return invoke


def _caller(event: Any) -> context.Context:
    """The context that an HTTP event brings, of API Gateway, a function URL or a load balancer; for others the one here."""
    headers = event.get("headers") if isinstance(event, Mapping) else None
    if not isinstance(headers, Mapping):
        return context.get_current()
    return propagate.extract({str(name).lower(): value for name, value in headers.items()})


def _left_s(about: Any) -> float:
    """How long the flush may take, in seconds."""
    try:
        left_s: float = about.get_remaining_time_in_millis() / 1000 - _MARGIN_S
    except (AttributeError, TypeError):  # a test's context, which need not have it
        return _LONGEST_FLUSH_S
    return max(_LEAST_FLUSH_S, min(left_s, _LONGEST_FLUSH_S))
