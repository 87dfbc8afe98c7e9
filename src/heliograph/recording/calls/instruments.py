"""The manager's metric instruments: OpenTelemetry's, under names that are looked up once, and that never raise in use.

An instrument may be made before the manager is initialised, for example at import; it starts to record when the manager
does. Recording is thread-safe.
"""

from __future__ import annotations

import itertools
import math
import re
import reprlib
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from opentelemetry.metrics import Meter

from heliograph.catalog.catalogue import BUILTIN, Catalogue
from heliograph.errors import InstrumentError
from heliograph.locks import recording_lock
from heliograph.recording.catalogued import completed
from heliograph.recording.mishaps import Mishaps
from heliograph.text import described, shown

Attributes = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentKey:
    """What makes an instrument the one it is; a second request with the same key returns the same object."""

    name: str
    unit: str
    description: str
    buckets: tuple[float, ...] | None = None
    starts_at_zero: bool = False  # reported as 0 before the first measurement


class Instrument:
    """What the four kinds share: a name, and the OpenTelemetry call that records at the moment.

    The native recorder's calls check what they are given and never raise. While it records, each stands on the instrument in
    the place of the method of the same name, which costs nothing then.
    """

    kind = ""
    call = ""  # what the kind's measuring method is called

    def __init__(self, key: InstrumentKey, mishaps: Mishaps) -> None:
        self.key = key
        self._mishaps = mishaps
        self._record: Callable[[Any, Attributes], None] = _ignore
        self._made: Any = None  # the OpenTelemetry instrument
        self._bound: weakref.WeakSet[Bound] = weakref.WeakSet()

    @property
    def name(self) -> str:
        return self.key.name

    def attach(self, meter: Meter) -> None:
        """Record into ``meter`` from now on."""
        self._made = self._make(meter)
        self._record = getattr(self._made, self.call)
        if self._is_native:
            vars(self)[self.call] = self._record
        if self.key.starts_at_zero:
            self._record(0, None)
        self._connect_bound()

    def detach(self) -> None:
        """Record nothing from now on."""
        self._made, self._record = None, _ignore
        vars(self).pop(self.call, None)
        self._connect_bound()

    def bind(self, **attributes: Any) -> Bound:
        """The same instrument with these attributes on every measurement."""
        bound = Bound(getattr(type(self), self.call).__get__(self), attributes)
        self._bound.add(bound)
        self._connect(bound)
        return bound

    def remove(self, attributes: Attributes = None) -> None:
        """Show the series with exactly these attributes no more until it is measured again. Only the native recorder can."""
        if self._is_native:
            self._made.remove(attributes)
        elif self._made is not None:
            self._mishaps.note(self.kind, f"a series of {self.key.name} cannot be removed from the official SDK's metrics")

    @property
    def _is_native(self) -> bool:
        return hasattr(self._made, "bind")

    def _make(self, meter: Meter) -> Any:
        raise NotImplementedError

    def _connect_bound(self) -> None:
        for bound in list(self._bound):
            self._connect(bound)

    def _connect(self, bound: Bound) -> None:
        bound.connect(getattr(self._made.bind(bound.attributes), self.call) if self._is_native else None)

    def _measure(self, value: float, attributes: Attributes) -> None:
        try:
            if value.__class__ is float or -_LARGEST < value < _LARGEST:
                self._record(value, attributes)
            else:
                self._mishaps.note(self.kind, f"a value of {self.key.name} has more than 64 bits and was not recorded")
        except Exception as error:  # a value that is no number, unhashable attributes: the application goes on
            self._mishaps.note(self.kind, f"a value of {self.key.name} was not recorded: {described(error)}")


class Counter(Instrument):
    """A sum that only grows."""

    kind = "counter"
    call = "add"

    def add(self, amount: float = 1, attributes: Attributes = None) -> None:
        """Add ``amount`` (>= 0; anything less is ignored and said once)."""
        if amount.__class__ in _NUMBERS and amount < 0:
            self._mishaps.note("counter", f"{self.key.name} was given {shown(amount)}, expected >= 0; use an up_down_counter")
            return
        self._measure(amount, attributes)

    def _make(self, meter: Meter) -> Any:
        return meter.create_counter(self.key.name, self.key.unit, self.key.description)


class UpDownCounter(Instrument):
    """A sum that grows and shrinks."""

    kind = "up_down_counter"
    call = "add"

    def add(self, amount: float = 1, attributes: Attributes = None) -> None:
        """Add ``amount``, which may be negative."""
        self._measure(amount, attributes)

    def _make(self, meter: Meter) -> Any:
        return meter.create_up_down_counter(self.key.name, self.key.unit, self.key.description)


class Gauge(Instrument):
    """The latest value of something."""

    kind = "gauge"
    call = "set"

    def set(self, value: float, attributes: Attributes = None) -> None:
        """Make ``value`` the current one."""
        self._measure(value, attributes)

    def _make(self, meter: Meter) -> Any:
        return meter.create_gauge(self.key.name, self.key.unit, self.key.description)


class Histogram(Instrument):
    """The distribution of a quantity."""

    kind = "histogram"
    call = "record"

    def record(self, value: float, attributes: Attributes = None) -> None:
        """Add one ``value``, in the instrument's unit."""
        self._measure(value, attributes)

    def _make(self, meter: Meter) -> Any:
        return meter.create_histogram(
            self.key.name,
            self.key.unit,
            self.key.description,
            explicit_bucket_boundaries_advisory=self.key.buckets,
        )


class Bound:
    """An instrument with fixed attributes. ``add``, ``set`` and ``record`` are the instrument's own call; the native
    recorder's stands in their place while it records."""

    def __init__(self, call: Callable[[float, Attributes], None], attributes: Mapping[str, Any]) -> None:
        self._call = call
        self.attributes = dict(attributes)

    def connect(self, call: Callable[..., None] | None) -> None:
        """Use ``call`` from now on; None for the instrument's."""
        for name in _CALLS:
            if call is not None:
                vars(self)[name] = call
            else:
                vars(self).pop(name, None)

    def add(self, amount: float = 1) -> None:
        """Add ``amount`` to a counter or up-down counter."""
        self._call(amount, self.attributes)

    def set(self, value: float) -> None:
        """Set a gauge."""
        self._call(value, self.attributes)

    def record(self, value: float) -> None:
        """Record into a histogram."""
        self._call(value, self.attributes)


_CALLS: Final = ("add", "set", "record")

I = TypeVar("I", bound=Instrument)  # noqa: E741


class Instruments:
    """Every instrument that was asked for, by name; what is not said of it is as the catalogue has it. Thread-safe."""

    def __init__(self, mishaps: Mishaps, catalogue: Catalogue = BUILTIN) -> None:
        self._mishaps = mishaps
        self._catalogue = catalogue
        self._lock = recording_lock()
        self._by_name: dict[str, Instrument] = {}
        self._meter: Meter | None = None

    def after_fork_in_child(self) -> None:
        """Another thread of the parent may have held the lock."""
        self._lock = recording_lock()

    def get(
        self, kind: type[I], name: str, *, unit: str = "", description: str = "", buckets: Sequence[float] | None = None
    ) -> I:
        """Return the instrument of that name, made at the first request. Names are compared without case.

        Raises :class:`~heliograph.errors.InstrumentError` when the name is taken by another kind, or by one with another
        unit or other buckets, or when OpenTelemetry does not allow the name.
        """
        key = InstrumentKey(name=name, unit=_checked_unit(unit), description=description, buckets=_checked_buckets(buckets))
        with self._lock:
            known = self._by_name.get(name.lower()) if isinstance(name, str) else None
            if known is not None:
                return _same(known, kind, key, self._completed(kind, key))
            _check_name(name)
            instrument = kind(self._completed(kind, key), self._mishaps)
            if self._meter is not None:
                instrument.attach(self._meter)
            self._by_name[name.lower()] = instrument
            return instrument

    def by_name(self, kind: type[I], name: str) -> I | None:
        """The instrument of that name whatever its unit, made when there is none; None (and a note) when it cannot be."""
        known = self._by_name.get(name.lower()) if isinstance(name, str) else None
        if isinstance(known, kind):
            return known
        try:
            return self.get(kind, name)
        except InstrumentError as error:
            self._mishaps.note(kind.kind, error)
            return None

    def _completed(self, kind: type[Instrument], key: InstrumentKey) -> InstrumentKey:
        found = completed(self._catalogue, kind.kind, key.name, key.unit, key.description, key.buckets)
        buckets = tuple(found.buckets) if found.buckets is not None else None
        return InstrumentKey(
            name=key.name,
            unit=found.unit,
            description=found.description,
            buckets=buckets,
            # With attributes it would be one more series, which says nothing of those to come.
            starts_at_zero=found.row is not None and found.row.starts_at_zero and found.row.attributes == (),
        )

    def attach(self, meter: Meter) -> None:
        """Make every instrument, and those to come, record into ``meter``."""
        with self._lock:
            self._meter = meter
            for instrument in self._by_name.values():
                instrument.attach(meter)

    def detach(self) -> None:
        """Make every instrument record nothing."""
        with self._lock:
            self._meter = None
            for instrument in self._by_name.values():
                instrument.detach()


def _same(known: Instrument, kind: type[I], key: InstrumentKey, full_key: InstrumentKey) -> I:
    """The instrument that is ``known``, if it is what was asked for: as ``key`` says, or ``full_key`` with the catalogue."""
    if not isinstance(known, kind):
        raise InstrumentError(
            f"{kind.kind} {key.name!r} was asked for, but {known.key.name!r} is a {known.kind} already; use another name"
        )
    asked = {(key.unit, key.buckets), (full_key.unit, full_key.buckets)}
    if asked.isdisjoint(((known.key.unit, known.key.buckets), ("", None))):
        raise InstrumentError(
            f"{kind.kind} {key.name!r} was asked for with unit {key.unit!r} and buckets {key.buckets!r}, but it exists "
            f"with unit {known.key.unit!r} and buckets {known.key.buckets!r}; ask for it with the same ones"
        )
    return known


def _check_name(name: object) -> None:
    # OpenTelemetry specification, "Instrument name syntax".
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        given = reprlib.repr(name) if isinstance(name, str) else shown(name)
        raise InstrumentError(
            f"an instrument named {given} was asked for, expected up to 255 ASCII letters, digits and any of "
            "'_', '.', '-', '/', beginning with a letter"
        )


def _checked_unit(unit: object) -> str:
    # OpenTelemetry specification, "Instrument unit".
    if not (isinstance(unit, str) and unit.isascii() and len(unit) <= 63):
        raise InstrumentError(f"an instrument with unit {shown(unit)!r} was asked for, expected up to 63 ASCII characters")
    return unit


def _checked_buckets(buckets: Any) -> tuple[float, ...] | None:
    if buckets is None:
        return None
    try:
        bounds = tuple(float(bound) for bound in buckets)
    except (TypeError, ValueError, OverflowError):
        bounds = ()
    if not bounds or not all(map(math.isfinite, bounds)) or any(not a < b for a, b in itertools.pairwise(bounds)):
        raise InstrumentError(f"a histogram with buckets {shown(buckets)} was asked for, expected finite ascending numbers")
    return bounds


_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.\-/]{0,254}")
_LARGEST: Final = 1 << 63
_NUMBERS: Final = frozenset({int, float})


def _ignore(_value: Any, _attributes: Attributes) -> None:
    """What an instrument does while nothing records."""
