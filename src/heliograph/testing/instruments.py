"""The manager's instruments, which a test also asks what was measured with them: ``telemetry.counter("orders").total``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, TypeVar, cast

from heliograph.catalog.catalogue import Catalogue
from heliograph.recording.calls.instruments import Counter, Gauge, Histogram, Instrument, Instruments, UpDownCounter
from heliograph.recording.mishaps import Mishaps
from heliograph.testing.metrics import Collect, Measured, Series


class _Read:
    """What the four kinds share: the measurements of all instruments of their name, whoever made them."""

    kind: ClassVar[str]
    name: str
    collect: Collect

    def where(self, attributes: Mapping[str, Any] | None = None, **more: Any) -> Measured:
        """What was measured with (at least) these attributes."""
        return self._measured.where(attributes, **more)

    @property
    def series(self) -> list[Series]:
        """Each set of attributes that there is, and what was measured with it."""
        return self._measured.series

    @property
    def _measured(self) -> Measured:
        return Measured(self.name, self.kind, self.collect)

    def __repr__(self) -> str:
        return repr(self._measured)


class ReadCounter(_Read, Counter):
    """A counter that says its total."""

    @property
    def total(self) -> float:
        """The sum over all attributes; 0 when nothing was counted."""
        return self._measured.total


class ReadUpDownCounter(_Read, UpDownCounter):
    """An up-down counter that says its total."""

    @property
    def total(self) -> float:
        """The sum over all attributes; 0 when nothing was counted."""
        return self._measured.total


class ReadGauge(_Read, Gauge):
    """A gauge that says its value."""

    @property
    def value(self) -> float | None:
        """The last value; None when none was set. Raises LookupError when several attributes have one: see :meth:`where`."""
        return self._measured.value


class ReadHistogram(_Read, Histogram):
    """A histogram that says what it was given."""

    @property
    def count(self) -> int:
        """How many values."""
        return self._measured.count

    @property
    def sum(self) -> float:
        """Their sum."""
        return self._measured.sum

    @property
    def min(self) -> float | None:
        """The least of them; None for none."""
        return self._measured.min

    @property
    def max(self) -> float | None:
        """The greatest of them; None for none."""
        return self._measured.max


_READ: Final[Mapping[type[Instrument], type[Instrument]]] = {
    Counter: ReadCounter,
    UpDownCounter: ReadUpDownCounter,
    Gauge: ReadGauge,
    Histogram: ReadHistogram,
}

I = TypeVar("I", bound=Instrument)  # noqa: E741


class ReadInstruments(Instruments):
    """Makes instruments of the kinds above where one of the manager's is asked for."""

    def __init__(self, mishaps: Mishaps, catalogue: Catalogue, collect: Collect) -> None:
        super().__init__(mishaps, catalogue)
        self._collect = collect

    def get(
        self, kind: type[I], name: str, *, unit: str = "", description: str = "", buckets: Sequence[float] | None = None
    ) -> I:
        found: Any = super().get(_READ.get(kind, kind), name, unit=unit, description=description, buckets=buckets)
        found.collect = self._collect
        return cast("I", found)

    def by_name(self, kind: type[I], name: str) -> I | None:
        return cast("I | None", super().by_name(_READ.get(kind, kind), name))
