"""Who sends: the resource of this process, and that of a child that it forks.

Attribute names are those of the OpenTelemetry semantic conventions, "Service" and "Process". Called by the providers.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

from opentelemetry.sdk import resources as sdk_resources
from opentelemetry.sdk.resources import OTELResourceDetector, Resource, get_aggregated_resources

from heliograph import names
from heliograph.recording.plugins import installed, plugin
from heliograph.text import described

logger = logging.getLogger("heliograph")

_DETECTORS: Final = "opentelemetry_resource_detector"  # the group of entry points that the SDK looks in

# Ids that nobody chose: a child of this process has one of its own.
_made: Final[set[Any]] = set()
_renewed: Final[dict[tuple[int, Any], str]] = {}  # by process and the parent's id, so that all its providers agree


def created(attributes: Mapping[str, Any], detectors: Iterable[str] = ()) -> Resource:
    """The resource with ``attributes`` and what the SDK finds out itself, which gives way to them
    (``OTEL_RESOURCE_ATTRIBUTES``, for one), and to which gives way what the detectors of these names find; with an id of its
    own unless somebody gave one. None is no value."""
    given = {name: value for name, value in attributes.items() if value is not None}
    resource = Resource.create({**_detected(detectors), **given})
    if not _is_chosen(resource):
        _made.add(instance_id := str(uuid.uuid4()))
        resource = resource.merge(Resource({names.SERVICE_INSTANCE_ID: instance_id}))
    return resource


def _detected(detectors: Iterable[str]) -> dict[str, Any]:
    if not (wanted := _expanded(detectors)):
        return {}
    found = [detector for name in wanted if (detector := _detector(name)) is not None]
    from_environment = OTELResourceDetector().detect().attributes
    detected = get_aggregated_resources(found, Resource.get_empty()).attributes
    return {name: value for name, value in detected.items() if name not in from_environment}


def _expanded(detectors: Iterable[str]) -> dict[str, None]:
    """``detectors``, each once, a ``*`` being all that are installed; without those that `Resource.create` asks anyway."""
    wanted = {every: None for name in detectors for every in (installed(_DETECTORS) if name == "*" else (name,))}
    return {name: None for name in wanted if name not in ("otel", "service_instance")}


def _detector(name: str) -> Any:
    build = plugin(_DETECTORS, name)
    if build is None:
        there = ", ".join(installed(_DETECTORS))
        logger.warning("resource_detectors names %r, which is not installed: it is left out; there are %s", name, there)
        return None
    try:
        return build()
    except Exception as error:  # somebody else's code, which may look at a network that is not there
        logger.warning("the resource detector %r cannot be made, and is left out: %s", name, described(error))
        return None


def adopted(resource: Resource | None) -> Resource:
    """The resource of a provider that was given ``resource``."""
    resource = Resource.create({}) if resource is None else resource
    if not _is_chosen(resource):
        _made.add(resource.attributes.get(names.SERVICE_INSTANCE_ID))
    return resource


def _is_chosen(resource: Resource) -> bool:
    # The SDK's detector gives every resource of a process the same random id, unless there is another.
    found = resource.attributes.get(names.SERVICE_INSTANCE_ID)
    return found is not None and found != getattr(sdk_resources, "_service_instance_id", None)


def forked(resource: Resource) -> Resource:
    """What a forked child sends as: the same service, another instance of it. An id that somebody chose stays."""
    attributes = dict(resource.attributes)
    known = attributes.get(names.SERVICE_INSTANCE_ID)
    if known is not None and known in _made:
        renewed = _renewed.setdefault((os.getpid(), known), str(uuid.uuid4()))
        _made.add(renewed)
        attributes[names.SERVICE_INSTANCE_ID] = renewed
    if sdk_resources.PROCESS_PID in attributes:
        attributes[sdk_resources.PROCESS_PID] = os.getpid()
    return Resource(attributes, resource.schema_url)
