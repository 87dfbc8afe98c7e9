"""Lets the official SDK's metrics begin at zero in a forked child, as those of the native recorder do.

The SDK leaves a child with the parent's sums, which both would report then. Called by `providers.py`.
"""

from __future__ import annotations

import threading
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider

from heliograph.recording.forks import watch_forks


class ZeroInChild:
    """Lives as long as the provider that it is attached to."""

    def __init__(self, provider: MeterProvider) -> None:
        self._consumer: Any = provider._measurement_consumer
        vars(provider)["_zero_in_child"] = self
        watch_forks(self)

    def after_fork_in_child(self) -> None:
        """Give each reader an empty storage, which is what adding it again does."""
        self._consumer._lock = threading.Lock()  # another thread of the parent may have held it
        for reader in list(self._consumer._reader_storages):
            self._consumer.add_metric_reader(reader)
