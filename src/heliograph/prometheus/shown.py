"""What a scrape shows, by the settings."""

from __future__ import annotations

from typing import NamedTuple

from heliograph.catalog.catalogue import BUILTIN, Catalogue


class Shown(NamedTuple):
    """What is shown beside the plain metrics: their older names, which instrumentation recorded a series, and when it began
    (in OpenMetrics)."""

    catalogue: Catalogue = BUILTIN
    legacy_names: bool = False
    scope_labels: bool = False
    created_series: bool = True
