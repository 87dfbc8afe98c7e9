"""Who sends: the resource of this process, and that of a child that it forks.

Attribute names are those of the OpenTelemetry semantic conventions, "Service" and "Process". Called by the providers.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.sdk import resources as sdk_resources
from opentelemetry.sdk.resources import Resource

from heliograph import names

# Ids that nobody chose: a child of this process has one of its own.
_made: Final[set[Any]] = set()
_renewed: Final[dict[tuple[int, Any], str]] = {}  # by process and the parent's id, so that all its providers agree


def created(attributes: Mapping[str, Any]) -> Resource:
    """The resource with ``attributes`` and what the SDK finds out itself, which gives way to them
    (``OTEL_RESOURCE_ATTRIBUTES``, for one); with an id of its own unless somebody gave one. None is no value."""
    resource = Resource.create({name: value for name, value in attributes.items() if value is not None})
    if not _is_chosen(resource):
        _made.add(instance_id := str(uuid.uuid4()))
        resource = resource.merge(Resource({names.SERVICE_INSTANCE_ID: instance_id}))
    return resource


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
