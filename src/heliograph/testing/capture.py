"""``captured()``: puts a test's manager in the place of whatever records, and puts that back.

Called by the fixture ``telemetry``, and by tests that have no pytest. One manager serves all captures of a process:
OpenTelemetry's objects are bound to a provider at their first use and for good, so that a new one for each test would not see
what modules made in an earlier one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from heliograph.manager import TelemetryManager, watch_forks
from heliograph.recording import globals as global_providers
from heliograph.recording.logs.provider import LoggerProvider
from heliograph.recording.traces.provider import TracerProvider
from heliograph.testing import readings
from heliograph.testing.telemetry import CapturedTelemetry

_INSTRUMENTING: Final = "heliograph.instrumentation.instrumenting"

_made: list[CapturedTelemetry] = []  # the one for all captures, once there has been one
_at_work: list[Capture] = []  # the one that is going on


@contextmanager
def captured() -> Iterator[CapturedTelemetry]:
    """Record into memory while the block runs: whatever the code in it starts, finds or holds already.

    Afterwards everything is as it was before. In a capture, another one is the same one.
    """
    if _at_work:
        yield _at_work[0].telemetry
        return
    if not _made:
        _made.append(CapturedTelemetry())
    capture = Capture(_made[0])
    capture.begin()
    try:
        yield capture.telemetry
    finally:
        capture.end()


class Capture:
    """One capture: what was in its place before, and how that is put back."""

    def __init__(self, telemetry: CapturedTelemetry) -> None:
        self.telemetry = telemetry
        self._after = ExitStack()
        self._taken_in: set[int] = set()

    @property
    def _assembly(self) -> Any:
        return self.telemetry._assembly

    def begin(self) -> None:
        """Stand in for the running manager, if any, and for OpenTelemetry's global providers."""
        with TelemetryManager._guard:
            running, latest = TelemetryManager._running, TelemetryManager._latest
            with ExitStack() as undo:
                undo.callback(_set_managers, None, running, latest)
                undo.callback(global_providers.set_aside())
                undo.callback(_uninstrumented())
                self.telemetry.register()
                undo.callback(readings.put(self.telemetry.clock, self.telemetry.ids))  # also in what was loaded just now
                self.telemetry.restart()
                self._after = undo.pop_all()
            _at_work.append(self)
            _set_managers(self, self.telemetry, self.telemetry)
            watch_forks()
            if running is not None:
                self.take_in(running)

    def end(self) -> None:
        """Put everything back."""
        with TelemetryManager._guard:
            _at_work.remove(self)
            try:
                self.telemetry.end()
            finally:
                self._after.close()

    def take_in(self, manager: TelemetryManager) -> TelemetryManager:
        """Let ``manager`` record here, and answer what this answers, until the end."""
        if manager is not self.telemetry and id(manager) not in self._taken_in:
            self._taken_in.add(id(manager))
            self._after.callback(_lent(manager, self.telemetry))
        return self.telemetry

    def go_on(self, timeout_s: float | None) -> Any:
        """The code under test shuts its manager down."""
        return self.telemetry.go_on(timeout_s)


def _set_managers(stand_in: Any, running: TelemetryManager | None, latest: TelemetryManager | None) -> None:
    TelemetryManager._stand_in, TelemetryManager._running, TelemetryManager._latest = stand_in, running, latest


def _uninstrumented() -> Callable[[], None]:
    """Returns what takes off again what the code under test has instrumented, unless something was before."""
    if _is_instrumented():
        return lambda: None

    def take_off() -> None:
        if _is_instrumented():
            sys.modules[_INSTRUMENTING].INSTRUMENTATION.uninstrument()

    return take_off


def _is_instrumented() -> bool:
    loaded: Any = sys.modules.get(_INSTRUMENTING)  # by who instruments; nobody else needs it
    if loaded is None:
        return False
    found = loaded.INSTRUMENTATION
    return bool(found._calls or found._adoptions or found._instrumentors)


def _lent(manager: TelemetryManager, telemetry: CapturedTelemetry) -> Callable[[], None]:
    """Lend ``manager`` the parts of ``telemetry``; returns what gives it back its own."""
    surface, assembly, meter = manager._surface, manager._assembly, manager._instruments._meter
    telemetry._surface.health.copy(surface.health, but=manager.settings.health.checks)
    undo = ExitStack()
    undo.callback(surface.answer_as(telemetry._surface))
    # Tracers and loggers that code holds already; instruments that it got from OpenTelemetry's API cannot be moved.
    for kind, field in ((TracerProvider, "tracer"), (LoggerProvider, "logger")):
        provider: Any = getattr(assembly._providers, field, None)
        if isinstance(provider, kind):
            undo.callback(provider.record_as(getattr(telemetry._providers, field)))
    manager._surface, manager._assembly = telemetry._surface, telemetry._assembly
    manager._instruments.attach(telemetry._assembly.recorder.meter)

    def give_back() -> None:
        undo.close()
        manager._surface, manager._assembly = surface, assembly
        manager._instruments.detach()
        if meter is not None:
            manager._instruments.attach(meter)

    return give_back
