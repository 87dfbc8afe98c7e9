"""The processors of spans and of log records in a declarative file: how items are grouped, and where they go."""

from __future__ import annotations

from typing import Final

from heliograph.settings.kinds import whole
from heliograph.settings.loading.declarative.exporters import read_exporter
from heliograph.settings.loading.declarative.node import Node, Reader, put, read_choice, read_mapping, sets_once
from heliograph.settings.loading.declarative.values import interval, longest
from heliograph.settings.loading.layer import Place

_QUEUE: Final[Place] = ("delivery", "queue_size")


def read_processors(node: Node, section: str, others: dict[str, Reader]) -> None:
    """The processors of ``section``; ``others`` are those that it has beside ``batch`` and ``simple``."""
    readers: dict[str, Reader] = {
        "batch": lambda inner: _read_batch(inner, section),
        "simple": lambda inner: _read_simple(inner, section),
        **others,
    }
    for processor in node.entries():
        read_choice(processor, readers, f"processor of {section}")


def _read_batch(node: Node, section: str) -> None:
    readers: dict[str, Reader] = {
        "schedule_delay": sets_once(interval, (section, "batch_export", "export_interval")),
        "export_timeout": sets_once(longest, (section, "batch_export", "max_export_timeout")),
        "max_export_batch_size": sets_once(whole(1), (section, "batch_export", "max_batch_size")),
        "max_queue_size": _read_queue_size,
        "exporter": lambda inner: read_exporter(inner, section),
    }
    read_mapping(node, readers, required=("exporter",))


def _read_simple(node: Node, section: str) -> None:
    read_mapping(node, {"exporter": lambda inner: read_exporter(inner, section)}, required=("exporter",))
    node.note("is ignored: nothing is sent within a recording call; what is recorded goes out in batches, soon after")


def _read_queue_size(node: Node) -> None:
    """One queue size holds for all destinations: the largest."""
    size, first = node.read(whole(1)), node.draft.get(_QUEUE)
    if size is None:
        return
    if first is not None and first != size:
        node.note(f"and another one differ: one queue size holds for all destinations, the larger one, {max(first, size)}")
    if first is None or size > first:
        put(node, _QUEUE, size)
