"""Who sent it and what made it: resource and instrumentation scope, encoded once for as long as they live.

Items come mixed; OTLP groups them by resource, then by scope. Source: opentelemetry-proto, ``resource/v1/resource.proto``
and ``common/v1/common.proto``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, Final

from heliograph.otlp import wire
from heliograph.otlp.values import ValueEncoder

_RESOURCE: Final = wire.tag(1, wire.BYTES)  # of ResourceSpans, ResourceLogs and ResourceMetrics
_SCOPE_ITEMS: Final = wire.tag(2, wire.BYTES)  # likewise: scope_spans, scope_logs, scope_metrics
_RESOURCE_ITEMS: Final = wire.tag(1, wire.BYTES)  # of the three requests
_SCOPE: Final = wire.tag(1, wire.BYTES)  # of ScopeSpans, ScopeLogs and ScopeMetrics
_ITEM: Final = wire.tag(2, wire.BYTES)  # likewise: spans, log_records, metrics
_SCHEMA_URL: Final = wire.tag(3, wire.BYTES)  # of both levels
_RESOURCE_ATTRIBUTE: Final = wire.tag(1, wire.BYTES)
_SCOPE_NAME: Final = wire.tag(1, wire.BYTES)
_SCOPE_VERSION: Final = wire.tag(2, wire.BYTES)
_SCOPE_ATTRIBUTE: Final = wire.tag(3, wire.BYTES)

_MOST_KEPT: Final = 256


class Grouping:
    """Collects encoded items by resource and scope, and writes the request around them."""

    def __init__(self, sources: SourceEncoder) -> None:
        self._sources = sources
        self._groups: dict[int, tuple[Any, dict[int, tuple[Any, list[bytes]]]]] = {}

    def place(self, resource: Any, scope: Any) -> list[bytes]:
        """Where the encoded items of this resource and scope are put."""
        group = self._groups.get(id(resource))
        if group is None:
            group = self._groups[id(resource)] = (resource, {})
        known = group[1].get(id(scope))
        if known is None:
            known = group[1][id(scope)] = (scope, [])
        return known[1]

    def add(self, resource: Any, scope: Any, item: bytes) -> None:
        """Put ``item`` among those of its resource and scope."""
        self.place(resource, scope).append(item)

    def request(self) -> bytes:
        """The whole request."""
        # One list of all the pieces, joined once: a large request is not copied at each level.
        request: list[bytes] = []
        head_of = self._sources.item_heads.__getitem__
        for resource, scopes in self._groups.values():
            body = [self._sources.resource(resource)]
            for scope, items in scopes.values():
                head, schema_url = self._sources.scope(scope)
                heads = map(head_of, map(len, items))
                pieces = [head, *chain.from_iterable(zip(heads, items, strict=True)), schema_url]
                body += (_SCOPE_ITEMS, wire.varint(sum(map(len, pieces))), *pieces)
            body.append(self._sources.schema_url(resource))
            request += (_RESOURCE_ITEMS, wire.varint(sum(map(len, body))), *body)
        return b"".join(request)


class SourceEncoder:
    """Encodes resources and scopes, and keeps the bytes by identity: both are immutable and few."""

    def __init__(self, values: ValueEncoder) -> None:
        self.item_heads = wire.Heads(_ITEM)
        self._values = values
        self._resources: dict[int, tuple[Any, bytes]] = {}
        self._scopes: dict[int, tuple[Any, tuple[bytes, bytes]]] = {}

    def resource(self, resource: Any) -> bytes:
        known = self._resources.get(id(resource))
        if known is not None and known[0] is resource:
            return known[1]
        parts: list[bytes] = []
        parts += self._values.attributes(self._asked(resource, "attributes"), _RESOURCE_ATTRIBUTE)
        written = wire.message(_RESOURCE, b"".join(parts))
        _keep(self._resources, resource, written)
        return written

    def scope(self, scope: Any) -> tuple[bytes, bytes]:
        known = self._scopes.get(id(scope))
        if known is not None and known[0] is scope:
            return known[1]
        parts: list[bytes] = []
        if scope is not None:
            parts += [self._text(_SCOPE_NAME, scope, "name"), self._text(_SCOPE_VERSION, scope, "version")]
            parts += self._values.attributes(self._asked(scope, "attributes"), _SCOPE_ATTRIBUTE)
        written = wire.message(_SCOPE, b"".join(parts)), self.schema_url(scope)
        _keep(self._scopes, scope, written)
        return written

    def schema_url(self, source: Any) -> bytes:
        return self._text(_SCHEMA_URL, source, "schema_url")

    def _text(self, field_tag: bytes, source: Any, name: str) -> bytes:
        text = self._asked(source, name)
        try:
            return field_tag + self._values.name(text) if text else b""
        except Exception:  # __bool__ of somebody else's object may raise anything
            self._values.repaired += 1
            return b""

    def _asked(self, source: Any, name: str) -> Any:
        try:
            return getattr(source, name) if source is not None else None
        except Exception:  # no source at all, or one of somebody else's; its items are worth more than its name
            self._values.repaired += 1
            return None


def _keep(cache: dict[int, tuple[Any, Any]], source: Any, written: Any) -> None:
    # The source itself is kept beside its bytes: an id is only good while its object lives.
    if len(cache) >= _MOST_KEPT:
        cache.clear()
    cache[id(source)] = (source, written)


class ItemEncoder:
    """What the encoders of spans and of log records share. One item that is broken beyond repair is left out and counted;
    its siblings are not touched by it. Not locked: one thread encodes."""

    def __init__(self) -> None:
        self._values = ValueEncoder()
        self._sources = SourceEncoder(self._values)

    @property
    def repaired(self) -> int:
        """Values that could not be carried as they were, so far."""
        return self._values.repaired

    def encode(self, items: Iterable[Any]) -> tuple[bytes, int]:
        """The request, and how many of ``items`` are not in it."""
        items = list(items)
        groups = Grouping(self._sources)
        encode_item = self._encode_for(set(map(type, items)))
        broken = 0
        last_resource = last_scope = place = None
        for item in items:
            try:
                resource, scope, encoded = encode_item(item)
                # Neighbours mostly come from the same place.
                if place is None or scope is not last_scope or resource is not last_resource:
                    place = groups.place(resource, scope)
                    last_resource, last_scope = resource, scope
                place.append(encoded)
            except Exception:  # an object of somebody else's may raise anything; it alone is left out
                broken += 1
        return groups.request(), broken

    def _encode_for(self, kinds: set[type]) -> Callable[[Any], tuple[Any, Any, bytes]]:
        """What encodes one of items that are of ``kinds``, mostly one: the resource and the scope of the item, and its bytes
        without the field that holds it."""
        raise NotImplementedError
