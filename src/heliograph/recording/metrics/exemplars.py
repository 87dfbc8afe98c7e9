"""Exemplars: which measurement of an interval stands for its series, and which span it was made in.

A cell (a histogram's: each bucket) keeps the first eligible measurement after a collection, so that all that follow cost the
look at one attribute. Called by `instruments.py` when a cell has none yet, and by `points.py`.

Source: OpenTelemetry specification, "Exemplar".
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from time import time_ns
from typing import Any, Final, Protocol

from opentelemetry.sdk.environment_variables import OTEL_METRICS_EXEMPLAR_FILTER
from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    Exemplar,
    ExemplarFilter,
    ExemplarReservoir,
    TraceBasedExemplarFilter,
)

from heliograph.recording.context import CURRENT, SPAN_KEY
from heliograph.recording.metrics.cells import NumberCell
from heliograph.recording.metrics.identity import cleaned
from heliograph.recording.mishaps import Mishaps

WANTED: Final = None
NEVER: Final = ()  # not None, and false: there is no exemplar, and none is wanted

Filter = Callable[[Any, Any, Any], bool]  # amount, attributes, context


class Sampling(Protocol):
    """How the cells of one storage come to their exemplars."""

    wanted: Any  # what a new cell has in place of an exemplar
    is_trace_based: bool  # whether only a measurement inside a span can become one

    def offer(self, cell: Any, bucket: int, amount: Any, attributes: Any, context: Any) -> None:
        """Consider a measurement for ``cell``, which has none for ``bucket``. Never raises."""

    def collect(self, cell: Any, since_ns: int) -> Sequence[Exemplar]:
        """The exemplars since the last collection, or of the last one if that was somebody else's after ``since_ns``."""


class FirstMeasurement:
    """Keeps the first measurement that passes the filter."""

    wanted: Any = WANTED

    def __init__(self, passes: Filter | None, mishaps: Mishaps) -> None:
        self.is_trace_based = passes is None
        self._passes = passes
        self._mishaps = mishaps

    def offer(self, cell: Any, bucket: int, amount: Any, attributes: Any, context: Any) -> None:
        try:
            if context is None:
                context = CURRENT.get()
            span = context.get(SPAN_KEY)
            span_context = span.get_span_context() if span is not None else None
            if self._passes is None:
                if span_context is None or not span_context.trace_flags & 1:
                    return
            elif not self._passes(amount, attributes, context):
                return
            cell.put_exemplar(bucket, _exemplar(cell, amount, attributes, span_context))
        except Exception as error:  # a span or a filter of somebody else's may raise anything
            self._mishaps.note("exemplar", error)

    def collect(self, cell: Any, since_ns: int) -> Sequence[Exemplar]:
        found = _taken(cell)
        if found:
            cell.kept = {**(cell.kept or {}), **dict(found)}
        elif cell.kept is None:
            return NEVER
        return [exemplar for _place, exemplar in sorted(cell.kept.items()) if exemplar.time_unix_nano > since_ns]


class NoExemplars:
    """Keeps none."""

    wanted: Any = NEVER
    is_trace_based = True

    def offer(self, cell: Any, bucket: int, amount: Any, attributes: Any, context: Any) -> None:
        """Not called: no cell wants one."""

    def collect(self, cell: Any, since_ns: int) -> Sequence[Exemplar]:
        return NEVER


class Reservoirs:
    """Lets the reservoirs of an SDK view choose; each cell has its own, and all that passes the filter is offered to it."""

    wanted: Any = WANTED
    is_trace_based = False

    def __init__(self, passes: Filter, build: Callable[[], ExemplarReservoir], mishaps: Mishaps) -> None:
        self._passes = passes
        self._build = build
        self._mishaps = mishaps

    def offer(self, cell: Any, bucket: int, amount: Any, attributes: Any, context: Any) -> None:
        try:
            if context is None:
                context = CURRENT.get()
            if self._passes(amount, attributes, context):
                if cell.kept is None:
                    cell.kept = self._build()
                cell.kept.offer(amount, time_ns(), attributes, context)
        except Exception as error:  # a filter or a reservoir of the application's may raise anything
            self._mishaps.note("exemplar", error)

    def collect(self, cell: Any, since_ns: int) -> Sequence[Exemplar]:
        try:
            return list(cell.kept.collect(cell.attributes)) if cell.kept is not None else []
        except Exception as error:  # as above
            self._mishaps.note("exemplar", error)
            return []


def chosen_filter(given: ExemplarFilter | None) -> ExemplarFilter:
    """``given``, else the one that the environment names, as the SDK does. Raises ValueError for a name that is none."""
    if given is not None:
        return given
    name = os.environ.get(OTEL_METRICS_EXEMPLAR_FILTER, "trace_based")
    if name not in _FILTERS:
        raise ValueError(f"{OTEL_METRICS_EXEMPLAR_FILTER} is {name!r}, expected one of {', '.join(_FILTERS)}")
    return _FILTERS[name]()


def build_sampling(
    chosen: ExemplarFilter, build_reservoir: Callable[[], ExemplarReservoir] | None, mishaps: Mishaps
) -> Sampling:
    """The sampling for the cells of a storage. ``build_reservoir`` is that of a view, None for the default."""
    if isinstance(chosen, AlwaysOffExemplarFilter):
        return NoExemplars()
    if build_reservoir is not None:
        return Reservoirs(_asked(chosen), build_reservoir, mishaps)
    return FirstMeasurement(None if type(chosen) is TraceBasedExemplarFilter else _asked(chosen), mishaps)


def _asked(chosen: ExemplarFilter) -> Filter:
    return lambda amount, attributes, context: chosen.should_sample(amount, time_ns(), attributes, context)


def _exemplar(cell: Any, amount: Any, attributes: Any, span_context: Any) -> Exemplar:
    given, _lost = cleaned(attributes)
    # What the series' own attributes do not say already.
    filtered = {name: value for name, value in given.items() if name not in cell.attributes}
    is_valid = span_context is not None and span_context.is_valid
    return Exemplar(
        filtered,
        amount,
        time_ns(),
        span_context.span_id if is_valid else None,
        span_context.trace_id if is_valid else None,
    )


def _taken(cell: Any) -> Sequence[tuple[int, Exemplar]]:
    """The exemplars of ``cell``, which wants new ones from now on."""
    if isinstance(cell, NumberCell):
        exemplar = cell.exemplar
        if exemplar is None:
            return NEVER
        cell.exemplar = None
        return [(0, exemplar)]
    if type(cell.exemplars) is tuple:  # none was ever put there
        return NEVER
    found = [(place, exemplar) for place, exemplar in enumerate(cell.exemplars) if exemplar is not None]
    for place, _exemplar in found:
        cell.exemplars[place] = None
    return found


_FILTERS: Final[dict[str, Callable[[], ExemplarFilter]]] = {
    "trace_based": TraceBasedExemplarFilter,
    "always_on": AlwaysOnExemplarFilter,
    "always_off": AlwaysOffExemplarFilter,
}
