"""Tables from the native recorder's cells, read as they lie.

Called by `source.py` at each scrape. The labels of a series are rendered once and kept in its cell.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from heliograph.catalog.catalogue import Catalogue
from heliograph.prometheus.exemplars import exemplars_of
from heliograph.prometheus.family import Aggregated, family_of
from heliograph.prometheus.labels import labels, pairs, rendered, text, with_more
from heliograph.prometheus.merge import Note, merged
from heliograph.prometheus.table import Exemplars, Exponential, Exponentials, Family, Histograms, Numbers, Table
from heliograph.recording.metrics.collection import CollectedStream

_LARGEST: Final = sys.float_info.max


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of a series is read beside its value."""

    catalogue: Catalogue
    scope_labels: bool = False
    exemplars: bool = False
    created: bool = False  # when a series began


class CellTables:
    """Remembers which metrics have series that fall together. One caller at a time."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._folded: set[tuple[Any, str]] = set()

    def tables(self, streams: Iterable[CollectedStream], wanted: Wanted) -> list[Table]:
        """A table for each of ``streams`` that has series; several may be of one family. Noted is what is left out."""
        found: list[Table] = []
        for stream in streams:
            if not stream.cells:
                continue
            try:
                found += self._tables(stream, wanted)
            except Exception as error:  # whatever a user recorded may be odd in any way; the other metrics are shown
                self._note(stream.name, f"cannot be exposed: {error!r}")
        return found

    def _tables(self, stream: CollectedStream, wanted: Wanted) -> list[Table]:
        family = family_of(
            stream.name,
            stream.unit,
            stream.description,
            "monotonic" if stream.is_monotonic and stream.kind == "sum" else _AGGREGATED[stream.kind],
            wanted.catalogue,
            is_observed=stream.is_observed,
        )
        read = _READERS[stream.kind]
        same = (stream.scope, stream.name)
        if not _label(stream.cells, is_histogram=family.kind == "histogram"):
            self._folded.add(same)
        if same not in self._folded:
            return [read(family, stream, stream.cells, wanted)]
        # Different attributes may become the same labels; such series are shown as one.
        return merged([read(family, stream, cells, wanted) for cells in _layers(stream.cells)], self._note)


def _label(cells: Sequence[Any], *, is_histogram: bool) -> bool:
    """Render the labels of the cells that are new; False when there are such, and two cells have the same."""
    new = [cell for cell in cells if cell.label_text is None]
    if not new:
        return True
    for cell in new:
        cell.label_text = rendered(labels(cell.attributes, is_histogram=is_histogram))
    return len({cell.label_text for cell in cells}) == len(cells)


def _layers(cells: Iterable[Any]) -> list[list[Any]]:
    """``cells`` in groups without two of the same labels in one."""
    layers: list[list[Any]] = []
    times: dict[str, int] = {}
    for cell in cells:
        depth = times[cell.label_text] = times.get(cell.label_text, -1) + 1
        if depth == len(layers):
            layers.append([])
        layers[depth].append(cell)
    return layers


def _numbers(family: Family, stream: CollectedStream, cells: list[Any], wanted: Wanted) -> Table:
    values = [cell.value for cell in cells]
    if bool in set(map(type, values)):  # removed meanwhile
        pairs = [(cell, value) for cell, value in zip(cells, values, strict=True) if value is not False]
        cells, values = [cell for cell, _value in pairs], [value for _cell, value in pairs]
    is_counter = family.kind == "counter"
    return Numbers(
        family=family,
        labels=_labels_of(cells, stream, wanted),
        values=_floats(values),
        created_s=_created_s(cells) if wanted.created and is_counter else [],
        exemplars=_exemplars(cells, stream, wanted, ()) if is_counter else {},
    )


def _histograms(family: Family, stream: CollectedStream, cells: list[Any], wanted: Wanted) -> Table:
    kept, counts, sums = [], [], []
    for cell in cells:
        in_buckets, total, _low, _high = cell.read()
        if total is not False:  # else it was removed meanwhile
            kept.append(cell)
            counts.append(in_buckets)
            sums.append(total)
    return Histograms(
        family=family,
        bounds=stream.bounds,
        labels=_labels_of(kept, stream, wanted),
        counts=counts,
        sums=_floats(sums),
        created_s=_created_s(kept) if wanted.created else [],
        exemplars=_exemplars(kept, stream, wanted, stream.bounds),
    )


def _exponentials(family: Family, stream: CollectedStream, cells: list[Any], wanted: Wanted) -> Table:
    read = [(cell, cell.read()) for cell in cells]
    read = [(cell, taken) for cell, taken in read if taken.sum is not False]
    kept = [cell for cell, _taken in read]
    return Exponentials(
        family=family,
        labels=_labels_of(kept, stream, wanted),
        series=[
            Exponential(
                scale=taken.scale,
                zero_count=taken.zero_count,
                positive=taken.positive,
                negative=taken.negative,
                sum=as_float(taken.sum),
            )
            for _cell, taken in read
        ],
        created_s=_created_s(kept) if wanted.created else [],
        exemplars=_exemplars(kept, stream, wanted, None),
    )


_READERS: Final[Mapping[str, Callable[[Family, CollectedStream, list[Any], Wanted], Table]]] = {
    "sum": _numbers,
    "last_value": _numbers,
    "explicit": _histograms,
    "exponential": _exponentials,
}
_AGGREGATED: Final[Mapping[str, Aggregated]] = {
    "sum": "sum",
    "last_value": "last_value",
    "explicit": "histogram",
    "exponential": "histogram",
}


def _labels_of(cells: list[Any], stream: CollectedStream, wanted: Wanted) -> list[str]:
    found = [cell.label_text for cell in cells]
    if not wanted.scope_labels:
        return found
    more = scope_labels(stream.scope)
    return [with_scope(known, more) for known in found]


def scope_labels(scope: Any) -> dict[str, str]:
    """Which instrumentation recorded a series, as labels."""
    said = {"otel_scope_name": scope.name, "otel_scope_version": scope.version, "otel_scope_schema_url": scope.schema_url}
    more = {f"otel_scope_{name}": value for name, value in labels(scope.attributes).items()}
    return more | {name: text(value) for name, value in said.items() if value}


def with_scope(known: str, scope: Mapping[str, str]) -> str:
    """Rendered labels and those of the scope, which stand in the place of attributes of the same names."""
    if "otel_scope_" not in known:
        return with_more(known, rendered(scope))
    return rendered({**dict(pairs(known)), **scope})


def _created_s(cells: Iterable[Any]) -> list[float]:
    return [cell.started_at_ns / 1e9 for cell in cells]


def _exemplars(
    cells: list[Any], stream: CollectedStream, wanted: Wanted, bounds: Sequence[float] | None
) -> dict[str, Exemplars]:
    if not wanted.exemplars or stream.sampling.wanted == ():
        return {}
    collect, found = stream.sampling.collect, {}
    for cell in cells:
        taken = collect(cell, 0)
        if taken:
            found[cell.label_text] = exemplars_of(taken, bounds)
    if wanted.scope_labels and found:
        more = scope_labels(stream.scope)
        return {with_scope(known, more): exemplars for known, exemplars in found.items()}
    return found


def _floats(values: list[Any]) -> list[float]:
    """As floats, which is what Prometheus reads in any case: an integer is shown as everybody else shows it."""
    if values and min(values) >= -_LARGEST and max(values) <= _LARGEST:
        return list(map(float, values))
    return list(map(as_float, values))


def as_float(value: Any) -> float:
    """``value`` as a float; an integer beyond every float is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
