"""The metric reader behind ``/metrics``: collects when a scrape asks, and keeps nothing in between."""

from __future__ import annotations

import weakref
from typing import Any

from opentelemetry.sdk.metrics.export import MetricsData

from heliograph.recording.collecting import COLLECTING
from heliograph.recording.readers import LimitedReader


class PullReader(LimitedReader):
    """A reader that collects when it is asked to, and keeps nothing in between."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._data: MetricsData | None = None
        self._is_shut_down = False
        self._provider: weakref.ReferenceType[Any] | None = None

    def _set_meter_provider(self, meter_provider: Any) -> None:
        super()._set_meter_provider(meter_provider)
        self._provider = weakref.ref(meter_provider)

    @property
    def native_provider(self) -> Any:
        """The provider whose cells can be read as they lie; None when it is another recorder's, or gone."""
        provider = self._provider() if self._provider is not None and not self._is_shut_down else None
        return provider if hasattr(provider, "streams") else None

    def take(self) -> MetricsData | None:
        """Everything as it is now; None when there is nothing. One caller at a time."""
        if self._is_shut_down:
            return None
        self._data = None
        with COLLECTING.collecting():
            self.collect()
        data, self._data = self._data, None
        return data

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        self._data = metrics_data

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing to do: who wants it comes and fetches."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self._is_shut_down = True
