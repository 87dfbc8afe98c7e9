"""Where metrics are served, when a Prometheus exporter of one source and the ``server`` section of another both say it.

An exporter's own port and path stand above those of the section. From a lower source they do not: an environment that sets the
port of the server wins over a file that gives one to the exporter. Called by `load.py`, after the merge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from heliograph.settings.loading.layer import Layer, Place, SourceKind
from heliograph.settings.loading.merge import RANKS
from heliograph.settings.loading.opentelemetry_changes import Changes

_OPTIONS: Final = {"port": "port", "path": "metrics_path"}  # of the exporter, and what the section calls it


def served(values: Mapping[str, Any], kind_of: Callable[[Place], SourceKind]) -> Layer:
    """``values``, the settings of all sources, without the ports and paths that give way."""
    changes = Changes(values, kind_of, {})
    for position, entry in enumerate(changes.exporters("metrics")):
        for option, setting in _OPTIONS.items():
            place: Place = ("metrics", "exporters", position, option)
            is_said = entry.get("type") == "prometheus" and entry.get(option) is not None
            if is_said and RANKS.index(kind_of(("server", setting))) < RANKS.index(kind_of(place)):
                changes.drop(place)
    return changes.layer()
