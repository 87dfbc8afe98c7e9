"""Which storages an instrument has, and which of them are whose: from its streams and what each reader prefers.

Called by `provider.py` when an instrument is made and when a reader comes or goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from opentelemetry.metrics import Asynchronous
from opentelemetry.sdk.metrics import ExemplarFilter
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricReader
from opentelemetry.sdk.metrics.view import DefaultAggregation

from heliograph.recording.metrics.aggregation import Chosen, as_exponential, choose, with_bounds
from heliograph.recording.metrics.exemplars import build_sampling
from heliograph.recording.metrics.storage import Storage
from heliograph.recording.metrics.views import Stream
from heliograph.recording.mishaps import Mishaps

# The SDK's, OpenTelemetry specification, "Cardinality limits".
DEFAULT_LIMIT: Final = 2000


class Wiring:
    """One instrument's storages, by reader. Not locked: the provider's lock is held."""

    def __init__(
        self, instrument: Any, streams: tuple[Stream, ...], exemplar_filter: ExemplarFilter, mishaps: Mishaps
    ) -> None:
        self.instrument = instrument
        self._streams = streams
        self._exemplar_filter = exemplar_filter
        self._mishaps = mishaps
        self._known: dict[Any, Storage] = {}
        self._by_reader: dict[MetricReader, tuple[Storage, ...]] = {}

    def of(self, reader: MetricReader) -> tuple[Storage, ...]:
        """The storages that ``reader`` collects from."""
        return self._by_reader.get(reader, ())

    def connect(self, readers: Iterable[MetricReader], *, is_enabled: bool) -> None:
        """From now on these are the readers. What is recorded for those that stay is kept."""
        before, self._known = self._known, {}
        self._by_reader = {reader: tuple(self._storages(reader, before)) for reader in readers}
        self.switch(is_enabled=is_enabled)

    def switch(self, *, is_enabled: bool) -> None:
        """Whether measurements are recorded; what was recorded before is collected in any case."""
        if isinstance(self.instrument, Asynchronous):
            self.instrument.is_enabled = is_enabled  # type: ignore[attr-defined]
            self.instrument.arrange(tuple(self._known.values()))  # type: ignore[attr-defined]
        else:
            self.instrument.arrange(tuple(self._known.values()) if is_enabled else ())

    def _storages(self, reader: MetricReader, before: dict[Any, Storage]) -> Iterable[Storage]:
        kind = self.instrument.sdk_type
        preferred = reader._instrument_class_aggregation.get(kind) or DefaultAggregation()
        is_delta = reader._instrument_class_temporality.get(kind) is AggregationTemporality.DELTA
        limits = getattr(reader, "_instrument_class_cardinality_limit", {})  # the SDK's readers say them since 1.45.2
        is_observed = isinstance(self.instrument, Asynchronous)
        for position, stream in enumerate(self._streams):
            chosen = choose(stream.view, preferred, self.instrument, self._mishaps)
            if stream.buckets is not None:
                chosen = with_bounds(chosen, stream.buckets)
            elif stream.exponential:
                chosen = as_exponential(chosen)
            if chosen.aggregation.kind == "drop":
                continue
            limit = stream.limit or limits.get(kind, DEFAULT_LIMIT)
            # What is taken out at a collection, or put together for one, is the reader's own.
            is_own = is_delta or is_observed or chosen.build_reservoir is not None
            key = (position, chosen.aggregation, limit, is_delta, reader if is_own else None)
            storage = self._known.get(key) or before.get(key)
            if storage is None:
                storage = self._storage(stream, chosen, limit, is_delta=is_delta, is_observed=is_observed)
            self._known[key] = storage
            yield storage

    def _storage(self, stream: Stream, chosen: Chosen, limit: int, *, is_delta: bool, is_observed: bool) -> Storage:
        return Storage(
            stream,
            chosen.aggregation,
            sampling=build_sampling(self._exemplar_filter, chosen.build_reservoir, self._mishaps),
            limit=limit,
            is_delta=is_delta,
            is_observed=is_observed,
        )
