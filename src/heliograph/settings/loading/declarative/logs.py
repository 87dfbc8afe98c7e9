"""The logger provider of a declarative file."""

from __future__ import annotations

from typing import Final

from heliograph.settings.kinds import whole
from heliograph.settings.loading.declarative.node import Node, Reader, ignored, read_mapping, sets
from heliograph.settings.loading.declarative.processors import read_processors

_COUNT: Final = whole(0)
_LIMITS: Final[dict[str, Reader]] = {
    "attribute_value_length_limit": sets(_COUNT, ("logs", "max_attribute_length")),
    "attribute_count_limit": sets(_COUNT, ("logs", "max_attributes_per_record")),
}


def read_logger_provider(node: Node) -> None:
    """Log records and events: where they go, how large one may be."""
    bridge = ignored("events are log records of the span that they happen in")
    readers: dict[str, Reader] = {
        "processors": lambda inner: read_processors(inner, "logs", {"event_to_span_event_bridge/development": bridge}),
        "limits": lambda inner: read_mapping(inner, _LIMITS),
        "logger_configurator/development": ignored("single loggers cannot be switched off; use logs.level"),
    }
    read_mapping(node, readers, required=("processors",))
