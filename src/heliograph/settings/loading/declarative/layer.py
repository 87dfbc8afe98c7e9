"""A file after OpenTelemetry's configuration schema, as a layer of settings. Called by `loading/declaring.py`.

Source: OpenTelemetry's configuration schema, versions 0.4 to 1.2. A provider that is not there records nothing, as the schema
has it. What the file leaves out within a provider is as heliograph has it by default. The settings that only heliograph has
are read from ``distribution.heliograph``, in the words of its own files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from heliograph.settings.faults import NOTHING
from heliograph.settings.kinds import flag, whole
from heliograph.settings.loading.declarative.draft import Draft
from heliograph.settings.loading.declarative.logs import read_logger_provider
from heliograph.settings.loading.declarative.metrics import read_meter_provider
from heliograph.settings.loading.declarative.node import Node, Reader, ignored, nothing, put, read_mapping, sets
from heliograph.settings.loading.declarative.resource import read_propagator, read_resource
from heliograph.settings.loading.declarative.traces import read_tracer_provider
from heliograph.settings.loading.declarative.values import chosen, written
from heliograph.settings.loading.layer import Layer, Place

_NEWEST: Final = (1, 2)
_OLDEST: Final = (0, 4)
_VERSION: Final = r"(\d+)\.(\d+)(-[\w.]+)?"
_COUNT: Final = whole(0)
_SECTIONS: Final = {"tracer_provider": "tracing", "meter_provider": "metrics", "logger_provider": "logs"}
# Log data model, "Severity fields": four numbers each.
_LEVELS: Final = {
    f"{word}{number}": level
    for word, level in (
        ("trace", "DEBUG"),
        ("debug", "DEBUG"),
        ("info", "INFO"),
        ("warn", "WARNING"),
        ("error", "ERROR"),
        ("fatal", "CRITICAL"),
    )
    for number in ("", "2", "3", "4")
}
_LIMITS: Final[dict[str, Reader]] = {
    "attribute_value_length_limit": sets(_COUNT, ("tracing", "max_attribute_length"), ("logs", "max_attribute_length")),
    "attribute_count_limit": sets(
        _COUNT,
        ("tracing", "max_attributes_per_span"),
        ("tracing", "max_attributes_per_event"),
        ("tracing", "max_attributes_per_link"),
        ("logs", "max_attributes_per_record"),
    ),
}


def declarative_layer(values: Mapping[str, Any], places: Mapping[Place, str]) -> Layer:
    """What the file says, with ``places`` as they were read from it: notices name what is not covered, faults what is
    malformed."""
    draft = Draft(places)
    root = Node(draft, values)
    if not _is_readable(root):
        return draft.layer()
    for name, reader in _READERS.items():  # in this order: limits of a provider win over the general ones
        for spelled in (name, name.removesuffix("/development")):
            if values.get(spelled) is not None:
                reader(root.at(spelled))
                break
    for name in values:
        if name not in _READERS and f"{name}/development" not in _READERS:
            root.at(name).note("is ignored: it is not known here")
    for name, section in _SECTIONS.items():
        if values.get(name) is None:
            draft.put((section, "enabled"), value=False, place=())
        else:
            draft.begin(section, (name,))
    if values.get("propagator") is None:
        draft.put(("propagators",), ["none"], ())
    draft.list_exporters()
    _read_own(root)
    return draft.layer()


def _is_readable(root: Node) -> bool:
    """Whether the version of the file is one that is known here, or newer in what may be left out."""
    node = root.at("file_format")
    if node.value is None:
        root.draft.blame(node.place, NOTHING, 'a version such as "1.0"')
        return False
    try:
        found = re.fullmatch(_VERSION, written(node.value))
    except ValueError:
        found = None
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if not _OLDEST <= version < (_NEWEST[0] + 1, 0):
        node.blame('a version from "0.4" to before "2.0"')
        return False
    if version > _NEWEST:
        root.draft.is_newer = True
        node.note(f"is newer than {_NEWEST[0]}.{_NEWEST[1]}: what is new in it is ignored")
    return True


def _read_own(root: Node) -> None:
    distribution = root.value.get("distribution")
    if distribution is None:
        return
    node = root.at("distribution")
    if not isinstance(distribution, Mapping):
        node.blame("a mapping of names of distributions")
        return
    own = node.at("heliograph")
    if own.value is not None and not isinstance(own.value, Mapping):
        own.blame("a mapping of settings")
    elif own.value is not None:
        root.draft.lay(own.value, own.place)


def _read_disabled(node: Node) -> None:
    if node.read(flag):
        put(node, ("enabled",), value=False)


_READERS: Final[Mapping[str, Reader]] = {
    "file_format": nothing,
    "distribution": nothing,  # read last: it is laid over the others
    "stability": nothing,  # which names may go without /development; they may here
    "disabled": _read_disabled,
    "log_level": sets(chosen(_LEVELS), ("log_level",)),
    "resource": read_resource,
    "attribute_limits": lambda node: read_mapping(node, _LIMITS),
    "propagator": read_propagator,
    "tracer_provider": read_tracer_provider,
    "meter_provider": read_meter_provider,
    "logger_provider": read_logger_provider,
    "instrumentation/development": ignored("call telemetry.instrument(), or start the program by `heliograph exec`"),
}
