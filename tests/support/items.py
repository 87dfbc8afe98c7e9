"""Items to export, as the conformance suite of exporters makes them."""

from __future__ import annotations

from heliograph.testing.items import BROKEN, GOOD, IMPOSSIBLE_NS, NOW_NS, WEIGHT, collect, make_log, make_metric, make_span

__all__ = ["BROKEN", "GOOD", "IMPOSSIBLE_NS", "NOW_NS", "WEIGHT", "collect", "make_log", "make_metric", "make_span"]
