"""The rows of heliograph's own catalogue, a file a group, in the order in which they are listed."""

from __future__ import annotations

from typing import Final

from heliograph.catalog.metric import Metric
from heliograph.catalog.rows import api, cache, health, http, llm, media, process, runtime, system, telemetry, workers

ROWS: Final[tuple[Metric, ...]] = (
    *http.ROWS,
    *api.ROWS,
    *cache.ROWS,
    *workers.ROWS,
    *media.ROWS,
    *llm.ROWS,
    *health.ROWS,
    *system.ROWS,
    *process.ROWS,
    *runtime.ROWS,
    *telemetry.ROWS,
)
