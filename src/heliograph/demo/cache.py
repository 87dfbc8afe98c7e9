"""A small cache that forgets what was used longest ago."""

from __future__ import annotations

import threading
from collections import OrderedDict

from heliograph.demo.instruments import DemoInstruments
from heliograph.manager import TelemetryManager


class Cache:
    """Keeps up to ``capacity`` values by key. Thread-safe."""

    def __init__(self, telemetry: TelemetryManager, instruments: DemoInstruments, capacity: int) -> None:
        self._telemetry = telemetry
        self._instruments = instruments
        self._capacity = capacity
        self._lock = threading.Lock()
        self._values: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        """The value under ``key``, or None."""
        with self._telemetry.span("cache get") as span, self._lock:
            value = self._values.get(key)
            span.set_attribute("cache.hit", value is not None)
            if value is None:
                self._instruments.cache_misses.add()
            else:
                self._values.move_to_end(key)
                self._instruments.cache_hits.add()
            return value

    def put(self, key: str, value: bytes) -> None:
        """Keep ``value`` under ``key``."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._capacity:
                self._values.popitem(last=False)
                self._instruments.cache_evictions.add()
            self._instruments.cache_size.set(sum(len(kept) for kept in self._values.values()))
