"""Observable callbacks of the application that may raise anything: each costs its own values, no other metric.

The SDK catches an ``Exception`` of a callback and logs it at each collection; anything else (``SystemExit``, for one) ends
the collection of every metric. Here each callback is wrapped as its instrument is registered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from opentelemetry.metrics import CallbackOptions
from opentelemetry.sdk.metrics import MeterProvider

from heliograph.recording.mishaps import Mishaps

Callback = Callable[[CallbackOptions], Iterable[Any]]


def guard_callbacks(provider: MeterProvider, mishaps: Mishaps) -> None:
    """Wrap the callbacks of every observable instrument that ``provider`` makes from now on."""
    consumer: Any = provider._measurement_consumer
    register: Callable[[Any], None] = consumer.register_asynchronous_instrument

    def register_guarded(instrument: Any) -> None:
        instrument._callbacks = [partial(_observed, callback, mishaps) for callback in instrument._callbacks]
        register(instrument)

    consumer.register_asynchronous_instrument = register_guarded


def _observed(callback: Callback, mishaps: Mishaps, options: CallbackOptions) -> list[Any]:
    found = []
    try:
        for observation in callback(options):
            found.append(observation)  # noqa: PERF402  # what came before the error counts
    except BaseException as error:  # the application's own code; it must not end the collection
        mishaps.note("observable callback", error)
    return found
