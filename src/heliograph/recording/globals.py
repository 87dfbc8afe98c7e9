"""Registers our providers as OpenTelemetry's global ones, so that every instrumentation package records through them.

OpenTelemetry lets each global provider be set once in a process. A provider that heliograph set itself gives way to the
next one (after a shutdown and a new start); one that somebody else set is left in place, and that is said.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry import _logs, metrics, trace
from opentelemetry._logs import _internal as logs_internal
from opentelemetry.metrics import _internal as metrics_internal
from opentelemetry.util._once import Once

from heliograph.recording.providers import Providers

logger = logging.getLogger("heliograph")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slot:
    """One global of the OpenTelemetry API, and where its module keeps it."""

    noun: str
    field: str
    get: Callable[[], Any]
    set: Callable[[Any], None]
    holder: Any
    variable: str

    @property
    def variables(self) -> tuple[str, str]:
        """The global, and whether it was set."""
        return self.variable, f"{self.variable}_SET_ONCE"


_SLOTS: Final = (
    _Slot(
        noun="TracerProvider",
        field="tracer",
        get=trace.get_tracer_provider,
        set=trace.set_tracer_provider,
        holder=trace,
        variable="_TRACER_PROVIDER",
    ),
    _Slot(
        noun="MeterProvider",
        field="meter",
        get=metrics.get_meter_provider,
        set=metrics.set_meter_provider,
        holder=metrics_internal,
        variable="_METER_PROVIDER",
    ),
    _Slot(
        noun="LoggerProvider",
        field="logger",
        get=_logs.get_logger_provider,
        set=_logs.set_logger_provider,
        holder=logs_internal,
        variable="_LOGGER_PROVIDER",
    ),
)
_IDLE: Final = (trace.NoOpTracerProvider, metrics.NoOpMeterProvider, _logs.NoOpLoggerProvider)
_ours: weakref.WeakSet[Any] = weakref.WeakSet()


def set_aside() -> Callable[[], None]:
    """Leave the globals to somebody else for a while, as if nobody had set them; returns what puts them back as they are."""
    kept = [(slot.holder, name, getattr(slot.holder, name)) for slot in _SLOTS for name in slot.variables]
    for holder, name, value in kept:
        setattr(holder, name, Once() if isinstance(value, Once) else None)
    # Meters that were asked for in vain go to the next provider, not to the last one.
    unset: Any = metrics_internal._PROXY_METER_PROVIDER
    real, unset._real_meter_provider = unset._real_meter_provider, None

    def put_back() -> None:
        unset._real_meter_provider = real
        for holder, name, value in kept:
            setattr(holder, name, value)

    return put_back


def register(providers: Providers) -> tuple[str, ...]:
    """Make ``providers`` the global ones. Returns the names of the globals that a foreign provider holds already; each is
    also said in one warning."""
    foreign = []
    for slot in _SLOTS:
        provider, current = getattr(providers, slot.field), getattr(slot.holder, slot.variable)
        if isinstance(provider, _IDLE) and current not in _ours:
            continue  # a signal that is switched off leaves its global to others
        if current is None:
            slot.set(provider)
        elif current in _ours:
            setattr(slot.holder, slot.variable, provider)
        else:
            foreign.append(slot.noun)
            logger.warning(
                "the global OpenTelemetry %s is %s.%s already, set by something else; what records through the global API "
                "goes there, not to heliograph. Start heliograph first, or remove the other set-up.",
                slot.noun,
                type(current).__module__,
                type(current).__qualname__,
            )
            continue
        _ours.add(provider)
    return tuple(foreign)
