"""The official SDK's meters with a catalogue: they give instruments what callers do not say of them.

Attributes are not looked at here: the SDK has no place where a series begins that could be watched without a cost at each
measurement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.metrics import Meter
from opentelemetry.sdk import metrics as sdk

from heliograph.catalog.catalogue import Catalogue
from heliograph.recording.catalogued import Completed, Disagreements, completed


def give_catalogue(provider: sdk.MeterProvider, catalogue: Catalogue) -> None:
    """Let the meters that ``provider`` hands out from now on read ``catalogue``."""
    get_meter: Callable[..., Meter] = provider.get_meter
    disagreements = Disagreements()

    def get_catalogued_meter(*about: Any, **named: Any) -> Meter:
        meter: Any = get_meter(*about, **named)
        if type(meter) is sdk.Meter:
            # The provider keeps its meters, and they their instruments, so it must be this very object.
            meter.__class__ = CataloguedMeter
            vars(meter).update(catalogue=catalogue, disagreements=disagreements)
        return meter  # type: ignore[no-any-return]

    provider.get_meter = get_catalogued_meter  # type: ignore[method-assign]


class CataloguedMeter(sdk.Meter):
    """A meter of the SDK; what callers leave out is as the catalogue has it."""

    catalogue: Catalogue
    disagreements: Disagreements

    def create_counter(self, name: str, unit: str = "", description: str = "") -> Any:
        return super().create_counter(name, *self._completed("counter", name, unit, description)[:2])

    def create_up_down_counter(self, name: str, unit: str = "", description: str = "") -> Any:
        return super().create_up_down_counter(name, *self._completed("up_down_counter", name, unit, description)[:2])

    def create_gauge(self, name: str, unit: str = "", description: str = "") -> Any:
        return super().create_gauge(name, *self._completed("gauge", name, unit, description)[:2])

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> Any:
        full = self._completed("histogram", name, unit, description, explicit_bucket_boundaries_advisory)
        return super().create_histogram(name, full.unit, full.description, explicit_bucket_boundaries_advisory=full.buckets)

    def create_observable_counter(self, name: str, callbacks: Any = None, unit: str = "", description: str = "") -> Any:
        return super().create_observable_counter(name, callbacks, *self._completed("counter", name, unit, description)[:2])

    def create_observable_up_down_counter(
        self, name: str, callbacks: Any = None, unit: str = "", description: str = ""
    ) -> Any:
        full = self._completed("up_down_counter", name, unit, description)
        return super().create_observable_up_down_counter(name, callbacks, full.unit, full.description)

    def create_observable_gauge(self, name: str, callbacks: Any = None, unit: str = "", description: str = "") -> Any:
        return super().create_observable_gauge(name, callbacks, *self._completed("gauge", name, unit, description)[:2])

    def _completed(
        self, kind: str, name: Any, unit: Any, description: str, buckets: Sequence[float] | None = None
    ) -> Completed:
        if not (isinstance(name, str) and isinstance(unit, str)):  # what the SDK makes of it is its own business
            return Completed(unit, description, buckets, None)
        self.disagreements.look(self.catalogue, kind, name, unit)
        return completed(self.catalogue, kind, name, unit, description, buckets)
