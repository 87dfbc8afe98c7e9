"""The tracer provider of a declarative file."""

from __future__ import annotations

from typing import Final

from heliograph.settings.kinds import whole
from heliograph.settings.loading.declarative.node import Node, Reader, ignored, nothing, read_choice, read_mapping, sets
from heliograph.settings.loading.declarative.processors import read_processors
from heliograph.settings.loading.declarative.sampler import read_sampler

_COUNT: Final = whole(0)
_LIMITS: Final[dict[str, Reader]] = {
    "attribute_value_length_limit": sets(_COUNT, ("tracing", "max_attribute_length")),
    "attribute_count_limit": sets(_COUNT, ("tracing", "max_attributes_per_span")),
    "event_count_limit": sets(_COUNT, ("tracing", "max_events_per_span")),
    "link_count_limit": sets(_COUNT, ("tracing", "max_links_per_span")),
    "event_attribute_count_limit": sets(_COUNT, ("tracing", "max_attributes_per_event")),
    "link_attribute_count_limit": sets(_COUNT, ("tracing", "max_attributes_per_link")),
}


def read_tracer_provider(node: Node) -> None:
    """Spans: where they go, which are kept, how large one may be."""
    readers: dict[str, Reader] = {
        "processors": lambda inner: read_processors(inner, "tracing", {}),
        "limits": lambda inner: read_mapping(inner, _LIMITS),
        "sampler": read_sampler,
        "id_generator": _read_id_generator,
        "tracer_configurator/development": ignored("single tracers cannot be switched off; use sample_rules"),
    }
    read_mapping(node, readers, required=("processors",))


def _read_id_generator(node: Node) -> None:
    read_choice(node, {"random": nothing}, "id generator")
