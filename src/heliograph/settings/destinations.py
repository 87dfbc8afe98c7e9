"""The names of destinations, which must differ among the exporters of one signal. Asked by ``TelemetrySettings``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from heliograph.errors import SettingsFault
from heliograph.settings.entries import entries_form

_TRACES_METRICS_LOGS: Final = ("tracing", "metrics", "logs")


def duplicate_destinations(given: Mapping[str, Any]) -> list[SettingsFault]:
    """One fault for each exporter whose name another exporter of its signal already has."""
    faults: list[SettingsFault] = []
    for section in _TRACES_METRICS_LOGS:
        values = given.get(section)
        entries = values.get("exporters") if isinstance(values, Mapping) else getattr(values, "exporters", None)
        seen: set[str] = set()
        for position, entry in enumerate(_sequence(entries_form(entries))):
            name = _destination(entry)
            if name is not None and name in seen:
                faults.append(
                    SettingsFault(
                        path=f"{section}.exporters[{position}].name",
                        given=repr(name),
                        expected="a name that no other exporter of this signal has; set 'name' to tell them apart",
                    )
                )
            elif name is not None:
                seen.add(name)
    return faults


def _sequence(value: object) -> Sequence[object]:
    return value if isinstance(value, (list, tuple)) else ()


def _destination(entry: Any) -> str | None:
    is_mapping = isinstance(entry, Mapping)
    name = entry.get("name") or entry.get("type") if is_mapping else getattr(entry, "destination", None)
    return name.strip() if isinstance(name, str) else None
