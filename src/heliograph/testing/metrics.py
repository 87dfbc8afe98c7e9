"""What was measured, as a test looks at it: totals, values and distributions, of all attributes or of some.

Reads the cells of the native recorder, whoever made the instrument: the manager, OpenTelemetry's API, an instrumentation.
Called by `instruments.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from heliograph import names
from heliograph.recording.metrics.collection import CollectedStream

Collect = Callable[[], Sequence[CollectedStream]]

_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "counter": ("sum",),
    "up_down_counter": ("sum",),
    "gauge": ("last_value",),
    "histogram": ("explicit", "exponential"),
}
_OF_OURS: Final = (names.PIPELINE_SCOPE, names.HEALTH_SCOPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What was measured with the same attributes. ``value`` is a sum or a gauge's last value; the others are of histograms."""

    attributes: Mapping[str, Any]
    value: float | None = None
    count: int = 0
    sum: float = 0
    min: float | None = None
    max: float | None = None

    def __str__(self) -> str:
        said = f"{self.count} measured, sum {self.sum:g}" if self.value is None else f"{self.value:g}"
        return " ".join([said, *(f"{key}={value!r}" for key, value in self.attributes.items())])


class Measured:
    """One metric as it is at the moment, or its part with some attributes. Asked anew each time."""

    def __init__(self, name: str, kind: str, collect: Collect, wanted: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self._kind = kind
        self._collect = collect
        self._wanted = {key: tuple(value) if isinstance(value, list) else value for key, value in (wanted or {}).items()}

    def where(self, attributes: Mapping[str, Any] | None = None, **more: Any) -> Measured:
        """The part that was measured with (at least) these attributes."""
        return Measured(self.name, self._kind, self._collect, {**self._wanted, **(attributes or {}), **more})

    @property
    def series(self) -> list[Series]:
        """Each set of attributes that there is, and what was measured with it."""
        found = _of(self._collect(), self.name, self._kind)
        return [series for series in found if self._wanted.items() <= series.attributes.items()]

    @property
    def total(self) -> float:
        """The sum over all attributes; 0 when nothing was counted."""
        return sum(series.value or 0 for series in self.series)

    @property
    def value(self) -> float | None:
        """The last value; None when none was set. Raises LookupError when several attributes have one: see :meth:`where`."""
        found = self.series
        if len(found) > 1:
            raise LookupError(f"{self!r} has {len(found)} values; take one with where(attribute=...)")
        return found[0].value if found else None

    @property
    def count(self) -> int:
        """How many values a histogram was given."""
        return sum(series.count for series in self.series)

    @property
    def sum(self) -> float:
        """The sum of the values that a histogram was given."""
        return sum(series.sum for series in self.series)

    @property
    def min(self) -> float | None:
        """The least value that a histogram was given; None for no values."""
        return min((series.min for series in self.series if series.min is not None), default=None)

    @property
    def max(self) -> float | None:
        """The greatest value that a histogram was given; None for no values."""
        return max((series.max for series in self.series if series.max is not None), default=None)

    def __repr__(self) -> str:
        said = "; ".join(map(str, self.series))
        if not said and self._wanted and (found := Measured(self.name, self._kind, self._collect).series):
            said = f"nothing measured; measured with other attributes: {'; '.join(map(str, found))}"
        elif not said:
            others = dict.fromkeys(line.partition(" ")[0] for line in metric_lines(self._collect()))
            said = f"nothing measured; measured metrics: {', '.join(sorted(others)) or 'none'}"
        wanted = "".join(f" {key}={value!r}" for key, value in self._wanted.items())
        return f"<{self._kind} {self.name}{wanted}: {said}>"


def metric_lines(streams: Iterable[CollectedStream]) -> list[str]:
    """All that the application measured, a line for each metric and set of attributes."""
    return [
        f"{stream.name} {_series(stream, cell)}"
        for stream in streams
        if stream.scope.name not in _OF_OURS
        for cell in stream.cells
    ]


def _of(streams: Sequence[CollectedStream], name: str, kind: str) -> list[Series]:
    kinds = _KINDS[kind]
    return [
        _series(stream, cell)
        for stream in streams
        if stream.name.lower() == name.lower() and stream.kind in kinds
        for cell in stream.cells
    ]


def _series(stream: CollectedStream, cell: Any) -> Series:
    attributes = dict(cell.attributes)
    if stream.kind == "explicit":
        counts, total, low, high = cell.read()
        return Series(attributes=attributes, count=sum(counts), sum=total, min=low, max=high)
    if stream.kind == "exponential":
        taken = cell.read()
        count = taken.zero_count + sum(taken.positive.values()) + sum(taken.negative.values())
        return Series(attributes=attributes, count=count, sum=taken.sum, min=taken.low, max=taken.high)
    return Series(attributes=attributes, value=cell.value)
