"""Recording: what an instrumented call runs through. The native providers, which also work without a manager.

Each is loaded when it is first asked for: a manager with one signal needs one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from heliograph.recording.logs.provider import LoggerProvider
    from heliograph.recording.metrics.provider import MeterProvider
    from heliograph.recording.traces.provider import TracerProvider

__all__ = ["LoggerProvider", "MeterProvider", "TracerProvider"]

_MODULES: Final = {
    "LoggerProvider": "heliograph.recording.logs.provider",
    "MeterProvider": "heliograph.recording.metrics.provider",
    "TracerProvider": "heliograph.recording.traces.provider",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
