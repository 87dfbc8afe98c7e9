"""Which Prometheus family a metric of OpenTelemetry's belongs to: its name, its type, and how processes add up."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal, TypeAlias

from heliograph.catalog.catalogue import Catalogue
from heliograph.catalog.metric import Kind, default_across
from heliograph.catalog.translate import pull_name, unit_word
from heliograph.prometheus.labels import text
from heliograph.prometheus.table import Family, FamilyKind

Aggregated: TypeAlias = Literal["monotonic", "sum", "last_value", "histogram"]

_KINDS: Final[dict[Aggregated, tuple[FamilyKind, Kind]]] = {
    "monotonic": ("counter", "counter"),
    "sum": ("gauge", "up_down_counter"),
    "last_value": ("gauge", "gauge"),
    "histogram": ("histogram", "histogram"),
}


@lru_cache(maxsize=4096)
def family_of(
    name: str, unit: str, description: str, aggregated: Aggregated, catalogue: Catalogue, *, is_observed: bool
) -> Family:
    """The family of a metric as it is recorded, whatever the catalogue says of its kind."""
    kind, instrument = _KINDS[aggregated]
    row = catalogue.get(name)
    across = row.combined if row is not None and row.kind == instrument else default_across(instrument)
    return Family(
        name=pull_name(text(name), unit or "", instrument).removesuffix("_total" if kind == "counter" else ""),
        kind=kind,
        unit=unit_word(unit or ""),
        description=text(description),
        instrument=name,
        across="sum" if kind == "histogram" else across,
        # What an up-down counter added stays when its process has ended; a last value is nobody's then.
        is_observed=is_observed or aggregated == "last_value",
    )
