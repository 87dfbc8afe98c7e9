"""OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER and OTEL_LOGS_EXPORTER: names, as the entries of an ``exporters`` list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from heliograph.settings.loading.opentelemetry_values import names
from heliograph.settings.loading.opentelemetry_variable import Meaning, Reading

# Names of opentelemetry-python's entry points and older ones of the specification, as entries of ours.
_ENTRIES: Final[Mapping[str, Mapping[str, Any]]] = {
    "otlp": {"type": "otlp"},
    "otlp_proto_http": {"type": "otlp", "protocol": "http"},
    "otlp_proto_grpc": {"type": "otlp", "protocol": "grpc"},
    "console": {"type": "console"},
    "logging": {"type": "console"},
    "prometheus": {"type": "prometheus"},
    "jaeger": {"type": "jaeger"},
}


def exporters(section: str, known: Sequence[str]) -> Reading:
    """How the exporters of ``section`` are read, which may be of the types ``known``."""
    fitting = [name for name, entry in _ENTRIES.items() if entry["type"] in known]

    def read(text: str, _environ: Mapping[str, str]) -> Meaning:
        wanted = names(text.lower())
        unknown = [name for name in wanted if name not in (*fitting, "none")]
        entries = named([_ENTRIES[name] for name in wanted if name in fitting])
        if not entries and unknown:
            raise ValueError(f"names of {', '.join(fitting)}, or none")
        remarks = [f"there is no exporter {name!r} of {section} here; there are {', '.join(fitting)}" for name in unknown]
        if "none" in wanted and entries:
            remarks.append("'none' means nothing beside other names")
        return Meaning(values={(section, "exporters"): entries}, remarks=tuple(remarks))

    return read


def named(entries: Sequence[Mapping[str, Any]], *, is_once: bool = True) -> list[dict[str, Any]]:
    """``entries`` with names where several of a type would have the same; those that are equal only once if ``is_once``."""
    kept = [dict(entry) for position, entry in enumerate(entries) if not is_once or entry not in entries[:position]]
    taken: set[str] = set()
    for entry in kept:
        name, number = entry["type"], 1
        while name in taken:
            number += 1
            name = f"{entry['type']}_{number}"
        if number > 1:
            entry["name"] = name
        taken.add(name)
    return kept
