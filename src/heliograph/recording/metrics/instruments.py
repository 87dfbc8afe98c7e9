"""The synchronous instruments: Counter, UpDownCounter, Histogram and Gauge of the OpenTelemetry API.

Made by `meter.py`. A call finds the cell of its attributes with one look into a dictionary and changes it in one undivided
step (`cells.py`). Everything that is not as usual takes the long way through `_measure`: attributes that were not seen before,
numbers of other kinds, several cells for one measurement (``...ToMany``). Nothing is raised into the application.

The bodies of the hot methods repeat each other on purpose: a call shared between them would cost more than all of the rest.
"""

from __future__ import annotations

import weakref
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final, TypeVar

from opentelemetry import metrics as api
from opentelemetry.metrics._internal.instrument import _MetricsHistogramAdvisory
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.metrics._internal import instrument as sdk_instruments
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from heliograph.recording.context import CURRENT, SPAN_KEY
from heliograph.recording.metrics.amounts import LARGEST, LARGEST_INTEGER, AmountError, checked
from heliograph.recording.metrics.bound import Bound, BoundCounter, BoundGauge, BoundHistogram, BoundUpDownCounter
from heliograph.recording.metrics.declared import Declaration
from heliograph.recording.metrics.identity import cleaned
from heliograph.recording.metrics.series import Guard, Series, record
from heliograph.recording.metrics.storage import Storage
from heliograph.recording.mishaps import Mishaps

B = TypeVar("B", bound=Bound)

_current: Final[Callable[[], Any]] = CURRENT.get
_FLAGS: Final = 3  # the trace flags in a SpanContext, which is a tuple; its property costs a call


class Measuring:
    """What the four have in common: where measurements go, and the long way to there."""

    kind: ClassVar[str]
    sdk_type: ClassVar[type]  # under which a reader of the SDK keeps its preferences
    own_aggregation: ClassVar[str]  # the aggregation that the hot method of the class fills cells of
    is_negative_allowed: ClassVar[bool] = True
    least: ClassVar[float] = -LARGEST

    def __init__(
        self,
        name: str,
        scope: InstrumentationScope,
        guard: Guard,
        mishaps: Mishaps,
        unit: str = "",
        description: str = "",
        advisory: Sequence[float] | None = None,
        declaration: Declaration | None = None,
    ) -> None:
        self.name = name
        self.unit = unit
        self.description = description
        self.instrumentation_scope = scope
        self._advisory = _MetricsHistogramAdvisory(explicit_bucket_boundaries=advisory)
        self._mishaps = mishaps
        self._series = Series(guard, mishaps, declaration)
        self._cells = self._series.cells
        self._fans = self._series.fans
        self._offer: Any = None
        self._bound: weakref.WeakSet[Bound] = weakref.WeakSet()

    def arrange(self, storages: Sequence[Storage]) -> None:
        """Record into ``storages`` from now on."""
        is_plain = len(storages) == 1 and self._is_plain(storages[0])
        if is_plain:
            self._offer = storages[0].sampling.offer
        self._series.arrange(storages, is_plain=is_plain)
        # A method of the other class that somebody kept goes on to work: it finds no shortcuts, and takes the long way.
        object.__setattr__(self, "__class__", _CLASSES[self.kind][0 if is_plain else 1])
        with self._series.guard.lock:
            for bound in list(self._bound):
                self._connect(bound)

    def _is_plain(self, storage: Storage) -> bool:
        return storage.aggregation.kind == self.own_aggregation and storage.sampling.is_trace_based

    def remove(self, attributes: Any = None, /) -> None:
        """Show the series with these attributes no more until it is measured again. Never raises."""
        try:
            self._series.remove(attributes)
        except Exception as error:  # attributes of the application's own class may raise anything
            self._mishaps.note(self.kind, error)

    def forget(self) -> None:
        """Ask the storages again for the cell of each set of attributes."""
        self._series.forget()

    def restart(self) -> None:
        """Forget what was recorded."""
        self._series.restart()

    def number(self, amount: Any) -> int | float | None:
        """``amount`` as an int or a float; None, and a note, when it cannot be recorded."""
        try:
            return checked(amount, is_negative_allowed=self.is_negative_allowed)
        except AmountError as error:
            self._mishaps.note(self.kind, f"{self.name} ignores a value: {error}")
        except Exception as error:  # numbers of the application's own classes may raise anything
            self.note_lost(error)
        return None

    def note_lost(self, error: Exception) -> None:
        """Count a measurement that was not recorded because of ``error``."""
        self._mishaps.note(self.kind, f"a value of {self.name} was not recorded: {error!r}")

    def _bind(self, bound: B) -> B:
        with self._series.guard.lock:
            self._bound.add(bound)
            self._connect(bound)
        self._series.say()
        return bound

    def _connect(self, bound: Bound) -> None:
        bound.connect(self._series.parts(bound._attributes), is_plain=self._series.is_plain)

    def _measure(self, amount: Any, attributes: Any, context: Any) -> None:
        """The long way: for what the hot method does not know."""
        if not self._series.storages:
            return
        number = self.number(amount)
        if number is None:
            return
        try:
            record(self._series.parts(attributes), number, attributes, context)
            self._series.say()
        except Exception as error:  # attributes of the application's own classes may raise anything
            self.note_lost(error)

    def _measure_many(self, amount: Any = 1, attributes: Any = None, context: Any = None) -> None:
        """What ``add``, ``set`` and ``record`` are when a measurement goes into several cells, or into unusual ones."""
        kind: Any = type(amount)
        is_usual = (kind is int or kind is float) and self.least <= amount <= LARGEST
        try:
            fan = self._fans[(*attributes, *attributes.values()) if attributes else ()]
            if fan.by_type is not None:
                fan = fan.by_type(attributes)
            parts = fan.parts
        except Exception:  # not seen before, or no mapping, or one of the application's own that raises
            is_usual = False
        if not is_usual:
            self._measure(amount, attributes, context)
            return
        try:
            record(parts, amount, attributes, context)
        except OverflowError as error:  # a sum of integers that outgrew every float meets one
            self.note_lost(error)


class Counter(Measuring, api.Counter):
    """A sum that only grows."""

    kind = "counter"
    sdk_type = sdk_instruments._Counter
    own_aggregation = "sum"
    is_negative_allowed = False
    least = 0

    def bind(self, attributes: Any = None, /, **named: Any) -> BoundCounter:
        """The same instrument with these attributes on every measurement."""
        return self._bind(BoundCounter(self, _together(attributes, named)))

    def add(self, amount: float = 1, attributes: Any = None, context: Any = None) -> None:
        kind: Any = type(amount)
        if (kind is int and 0 <= amount < LARGEST_INTEGER) or (kind is float and 0.0 <= amount <= LARGEST):
            try:
                cell = self._cells[(*attributes, *attributes.values()) if attributes else ()]
                if cell.by_type is not None:
                    cell = cell.by_type(attributes)
                is_exemplary = cell.exemplar is None and (
                    context is not None or (SPAN_KEY in (now := _current()) and now[SPAN_KEY].get_span_context()[_FLAGS] & 1)
                )
                cell.value += amount  # undivided
            except Exception:  # not seen before, or no mapping, or one of the application's own that raises
                self._measure(amount, attributes, context)
            else:
                if is_exemplary:
                    self._offer(cell, 0, amount, attributes, context)
        else:
            self._measure(amount, attributes, context)


class UpDownCounter(Measuring, api.UpDownCounter):
    """A sum that grows and shrinks."""

    kind = "up_down_counter"
    sdk_type = sdk_instruments._UpDownCounter
    own_aggregation = "sum"

    def bind(self, attributes: Any = None, /, **named: Any) -> BoundUpDownCounter:
        """The same instrument with these attributes on every measurement."""
        return self._bind(BoundUpDownCounter(self, _together(attributes, named)))

    def add(self, amount: float = 1, attributes: Any = None, context: Any = None) -> None:
        kind: Any = type(amount)
        if (kind is int and -LARGEST_INTEGER < amount < LARGEST_INTEGER) or (kind is float and -LARGEST <= amount <= LARGEST):
            try:
                cell = self._cells[(*attributes, *attributes.values()) if attributes else ()]
                if cell.by_type is not None:
                    cell = cell.by_type(attributes)
                is_exemplary = cell.exemplar is None and (
                    context is not None or (SPAN_KEY in (now := _current()) and now[SPAN_KEY].get_span_context()[_FLAGS] & 1)
                )
                cell.value += amount  # undivided
            except Exception:  # as in Counter
                self._measure(amount, attributes, context)
            else:
                if is_exemplary:
                    self._offer(cell, 0, amount, attributes, context)
        else:
            self._measure(amount, attributes, context)


class Gauge(Measuring, api._Gauge):
    """The latest value of something."""

    kind = "gauge"
    sdk_type = sdk_instruments._Gauge
    own_aggregation = "last_value"

    def bind(self, attributes: Any = None, /, **named: Any) -> BoundGauge:
        """The same instrument with these attributes on every measurement."""
        return self._bind(BoundGauge(self, _together(attributes, named)))

    def set(self, amount: float, attributes: Any = None, context: Any = None) -> None:
        kind: Any = type(amount)
        if (kind is int and -LARGEST_INTEGER < amount < LARGEST_INTEGER) or (kind is float and -LARGEST <= amount <= LARGEST):
            try:
                cell = self._cells[(*attributes, *attributes.values()) if attributes else ()]
                if cell.by_type is not None:
                    cell = cell.by_type(attributes)
                is_exemplary = cell.exemplar is None and (
                    context is not None or (SPAN_KEY in (now := _current()) and now[SPAN_KEY].get_span_context()[_FLAGS] & 1)
                )
                cell.value = amount
            except Exception:  # as in Counter
                self._measure(amount, attributes, context)
            else:
                if is_exemplary:
                    self._offer(cell, 0, amount, attributes, context)
        else:
            self._measure(amount, attributes, context)


class Histogram(Measuring, api.Histogram):
    """The distribution of a quantity."""

    kind = "histogram"
    sdk_type = sdk_instruments._Histogram
    own_aggregation = "explicit"
    is_negative_allowed = False
    least = 0

    def bind(self, attributes: Any = None, /, **named: Any) -> BoundHistogram:
        """The same instrument with these attributes on every measurement."""
        return self._bind(BoundHistogram(self, _together(attributes, named)))

    def record(self, amount: float, attributes: Any = None, context: Any = None) -> None:
        kind: Any = type(amount)
        if (kind is float and 0.0 <= amount <= LARGEST) or (kind is int and 0 <= amount < LARGEST_INTEGER):
            try:
                cell = self._cells[(*attributes, *attributes.values()) if attributes else ()]
                if cell.by_type is not None:
                    cell = cell.by_type(attributes)
                bucket = bisect_left(cell.bounds, amount)
                is_exemplary = cell.exemplars[bucket] is None and (
                    context is not None or (SPAN_KEY in (now := _current()) and now[SPAN_KEY].get_span_context()[_FLAGS] & 1)
                )
                total = cell.sum + amount  # undivided from here to the maximum
            except Exception:  # as in Counter
                self._measure(amount, attributes, context)
                return
            cell.counts[bucket] += 1
            cell.sum = total
            if amount < cell.low:  # noqa: PLR1730  # min() would be a call
                cell.low = amount
            if amount > cell.high:  # noqa: PLR1730
                cell.high = amount
            if is_exemplary:
                self._offer(cell, bucket, amount, attributes, context)
        else:
            self._measure(amount, attributes, context)


class CounterToMany(Counter):
    """A counter whose measurements go into several cells, or into unusual ones."""

    add = Measuring._measure_many


class UpDownCounterToMany(UpDownCounter):
    """The same of an up-down counter."""

    add = Measuring._measure_many


class GaugeToMany(Gauge):
    """The same of a gauge."""

    set = Measuring._measure_many


class HistogramToMany(Histogram):
    """The same of a histogram."""

    record = Measuring._measure_many


_CLASSES: Final[dict[str, tuple[type, type]]] = {
    plain.kind: (plain, many)
    for plain, many in (
        (Counter, CounterToMany),
        (UpDownCounter, UpDownCounterToMany),
        (Gauge, GaugeToMany),
        (Histogram, HistogramToMany),
    )
}


def _together(attributes: Any, named: dict[str, Any]) -> dict[str, Any]:
    """A copy, so that the bound instrument has the attributes of now."""
    return {**cleaned(attributes)[0], **cleaned(named)[0]}


for _sdk_type, _own in (
    (sdk.Counter, Counter),
    (sdk.UpDownCounter, UpDownCounter),
    (sdk._Gauge, Gauge),
    (sdk.Histogram, Histogram),
):
    _sdk_type.register(_own)  # isinstance() of either holds for ours
