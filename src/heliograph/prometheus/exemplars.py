"""Exemplars as OpenMetrics writes them: the labels of one, by the place of its series that it belongs to.

Source: OpenMetrics 1.0, "Exemplars"; names of the labels: OpenTelemetry specification, "Prometheus and OpenMetrics
Compatibility".
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any, Final

from heliograph.prometheus.labels import labels, rendered
from heliograph.prometheus.table import Exemplar, Exemplars

_MOST_CHARACTERS: Final = 128  # of all names and values together


def exemplars_of(found: Iterable[Any], bounds: Sequence[float] | None) -> Exemplars:
    """The SDK's exemplars of one series by the bucket that each falls into; the newest where two fall into one. Without
    ``bounds`` all are kept."""
    by_place: Exemplars = {}
    for number, one in enumerate(found):
        place = bisect_left(bounds, one.value) if bounds is not None else number
        made = Exemplar(rendered(_labels(one)), float(one.value), one.time_unix_nano / 1e9)
        if place not in by_place or by_place[place].at_s <= made.at_s:
            by_place[place] = made
    return by_place


def _labels(exemplar: Any) -> dict[str, str]:
    """The ids of the span, and of the attributes what there is room for."""
    said: dict[str, str] = {}
    if exemplar.trace_id and exemplar.span_id:
        said = {"trace_id": f"{exemplar.trace_id:032x}", "span_id": f"{exemplar.span_id:016x}"}
    room = _MOST_CHARACTERS - sum(len(name) + len(value) for name, value in said.items())
    for name, value in labels(exemplar.filtered_attributes).items():
        room -= len(name) + len(value)
        if room >= 0 and name not in said:
            said[name] = value
    return said
