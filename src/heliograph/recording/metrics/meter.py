"""The native meter: makes each instrument once. Called by the application and by instrumentation packages."""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from opentelemetry import metrics as api
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from heliograph.errors import InstrumentError
from heliograph.locks import recording_lock
from heliograph.recording.catalogued import completed
from heliograph.recording.metrics.declared import Declarations
from heliograph.recording.metrics.instruments import Counter, Gauge, Histogram, UpDownCounter
from heliograph.recording.metrics.observables import ObservableCounter, ObservableGauge, ObservableUpDownCounter
from heliograph.recording.metrics.series import Guard
from heliograph.recording.mishaps import Mishaps
from heliograph.text import shown

logger = logging.getLogger("heliograph.recording")


class Meter(api.Meter):
    """Makes instruments. Thread-safe. The same name, kind, unit and description is the same instrument."""

    def __init__(
        self,
        scope: InstrumentationScope,
        register: Callable[[Any], None],
        guard: Guard,
        mishaps: Mishaps,
        declarations: Declarations,
    ) -> None:
        super().__init__(name=scope.name, version=scope.version, schema_url=scope.schema_url)
        self._instrumentation_scope = scope
        self._register = register
        self._guard = guard
        self._mishaps = mishaps
        self._declarations = declarations
        self._lock = recording_lock()
        self._instruments: dict[tuple[str, ...], tuple[Any, Any]] = {}

    def after_fork_in_child(self) -> None:
        """Another thread of the parent may have held the lock."""
        self._lock = recording_lock()

    def forget_callbacks(self) -> None:
        """Forget the instruments that callbacks observe: who makes one again gives callbacks of its own."""
        with self._lock:
            kept = {key: made for key, made in self._instruments.items() if not isinstance(made[0], api.Asynchronous)}
            self._instruments = kept

    def create_counter(self, name: str, unit: str = "", description: str = "") -> Counter:
        return self._made(Counter, name, unit, description)  # type: ignore[no-any-return]

    def create_up_down_counter(self, name: str, unit: str = "", description: str = "") -> UpDownCounter:
        return self._made(UpDownCounter, name, unit, description)  # type: ignore[no-any-return]

    def create_gauge(self, name: str, unit: str = "", description: str = "") -> Gauge:
        return self._made(Gauge, name, unit, description)  # type: ignore[no-any-return]

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> Histogram:
        advisory = _checked_bounds(explicit_bucket_boundaries_advisory, name)
        return self._made(Histogram, name, unit, description, advisory=advisory)  # type: ignore[no-any-return]

    def create_observable_counter(
        self, name: str, callbacks: Sequence[Any] | None = None, unit: str = "", description: str = ""
    ) -> ObservableCounter:
        return self._made(ObservableCounter, name, unit, description, callbacks=callbacks)  # type: ignore[no-any-return]

    def create_observable_up_down_counter(
        self, name: str, callbacks: Sequence[Any] | None = None, unit: str = "", description: str = ""
    ) -> ObservableUpDownCounter:
        return self._made(ObservableUpDownCounter, name, unit, description, callbacks=callbacks)  # type: ignore[no-any-return]

    def create_observable_gauge(
        self, name: str, callbacks: Sequence[Any] | None = None, unit: str = "", description: str = ""
    ) -> ObservableGauge:
        return self._made(ObservableGauge, name, unit, description, callbacks=callbacks)  # type: ignore[no-any-return]

    def _made(self, kind: Any, name: str, unit: str, description: str, **options: Any) -> Any:
        name, unit, description = _checked(name, unit, description)
        declarations, advisory = self._declarations, options.get("advisory")
        declarations.disagreements.look(declarations.catalogue, kind.kind, name, unit)
        unit, description, advisory, row = completed(declarations.catalogue, kind.kind, name, unit, description, advisory)
        if advisory is not None:
            options["advisory"] = advisory
        key = (kind.kind, name.lower(), unit, description)
        with self._lock:
            known = self._instruments.get(key)
            if known is None:
                scope = self._instrumentation_scope
                declaration = declarations.of(row)
                about = (name.lower(), scope, self._guard, self._mishaps, unit, description)
                instrument = kind(*about, declaration=declaration, **options)
                self._register(instrument)
                self._instruments[key] = (instrument, advisory)
                return instrument
        if known[1] != advisory:
            logger.warning("%s %s exists with buckets %s, which are used in place of %s", kind.kind, name, known[1], advisory)
        return known[0]


def _checked(name: Any, unit: Any, description: Any) -> tuple[str, str, str]:
    # OpenTelemetry specification, "Instrument name syntax" and "Instrument unit".
    unit = unit if unit is not None else ""
    if not (isinstance(name, str) and isinstance(unit, str)):
        raise InstrumentError(f"an instrument {shown(name)} with unit {shown(unit)} was asked for, expected text for both")
    found = api.Instrument._check_name_unit_description(name, unit, description)
    if found["name"] is None:
        raise InstrumentError(
            f"an instrument named {name[:300]!r} was asked for, expected up to 255 ASCII letters, digits and any of "
            "'_', '.', '-', '/', beginning with a letter"
        )
    if found["unit"] is None:
        raise InstrumentError(f"instrument {name} with unit {unit[:300]!r} was asked for, expected up to 63 ASCII characters")
    return name, unit, shown(found["description"])


def _checked_bounds(bounds: Any, name: Any) -> tuple[float, ...] | None:
    if bounds is None:
        return None
    if isinstance(bounds, Sequence) and all(isinstance(bound, _NUMBERS) and math.isfinite(bound) for bound in bounds):
        found = tuple(bounds)
        if all(lower < upper for lower, upper in itertools.pairwise(found)):
            return found
    logger.warning("%s was given buckets %s, expected ascending finite numbers; the default is used", name, shown(bounds))
    return None


_NUMBERS: Final = (int, float)

sdk.Meter.register(Meter)  # isinstance() of either holds for ours
