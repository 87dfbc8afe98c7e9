"""The meter provider of a declarative file: readers, exemplars, and the views in `views.py`."""

from __future__ import annotations

from typing import Final

from heliograph.settings.kinds import whole
from heliograph.settings.loading.declarative.exporters import read_exporter, read_pull_exporter
from heliograph.settings.loading.declarative.node import (
    Node,
    Reader,
    ignored,
    read_choice,
    read_mapping,
    sets,
    sets_once,
    unless,
)
from heliograph.settings.loading.declarative.values import chosen, interval, longest
from heliograph.settings.loading.declarative.views import read_views
from heliograph.settings.loading.layer import Place

_LIMIT: Final[Place] = ("metrics", "cardinality_limit")
_INSTRUMENTS: Final = (
    *("counter", "gauge", "histogram", "observable_counter", "observable_gauge", "observable_up_down_counter"),
    "up_down_counter",
)
_EACH_VIEW: Final = "each view that fits makes a metric of its own"
_EXEMPLARS: Final = {"always_on": "always_on", "always_off": "always_off", "trace_based": "trace_based"}


def read_meter_provider(node: Node) -> None:
    """Metrics: where they go, what becomes of single instruments."""
    readers: dict[str, Reader] = {
        "readers": _read_readers,
        "views": read_views,
        "exemplar_filter": sets(chosen(_EXEMPLARS), ("metrics", "exemplars")),
        "view_matching_mode/development": unless(usual="independent", why=_EACH_VIEW),
        "meter_configurator/development": ignored("single meters cannot be switched off; use a view that drops"),
    }
    read_mapping(node, readers, required=("readers",))


def _read_readers(node: Node) -> None:
    for reader in node.entries():
        read_choice(reader, {"periodic": _read_periodic, "pull": _read_pull}, "metric reader")


def _read_periodic(node: Node) -> None:
    readers: dict[str, Reader] = {
        "interval": sets_once(interval, ("metrics", "collection_interval")),
        "timeout": sets_once(longest, ("metrics", "max_export_timeout")),
        "exporter": lambda inner: read_exporter(inner, "metrics"),
        "max_export_batch_size/development": ignored("a collection goes out in one request"),
        **_OF_BOTH,
    }
    read_mapping(node, readers, required=("exporter",))


def _read_pull(node: Node) -> None:
    read_mapping(node, {"exporter": read_pull_exporter, **_OF_BOTH}, required=("exporter",))


def _read_cardinality(node: Node) -> None:
    single = ignored("one limit holds for all kinds of instruments, that of 'default'")
    read_mapping(node, {"default": sets_once(whole(1), _LIMIT), **dict.fromkeys(_INSTRUMENTS, single)})


_OF_BOTH: Final[dict[str, Reader]] = {
    "producers": ignored("metrics come from OpenTelemetry's own instruments only"),
    "cardinality_limits": _read_cardinality,
}
