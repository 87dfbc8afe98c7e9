"""Collections of metrics as plain values that can be compared whole: without the clock, and in one order."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from typing import Any

from tests.differential.metric_interpreter import Collections
from tests.differential.metric_programs import TRACE_ID
from tests.differential.metric_steps import MetricProgram
from tests.differential.otlp_view import plain

_DATA = ("gauge", "sum", "histogram", "exponential_histogram")
_DELTA = 1


def comparable(program: MetricProgram, collections: Collections) -> list[Any]:
    """Every collection; its times are checked against those before it."""
    times = _Times(has_conflicts=_has_conflicts(program))
    return [
        (reader, _request(plain(request), times, reader) if request is not None else None) for reader, request in collections
    ]


def _has_conflicts(program: MetricProgram) -> bool:
    """Whether several streams may be told apart by nothing."""
    names = {instrument.name.lower() for instrument in program.instruments}
    return len(names) < len(program.instruments) or bool(program.views)


class _Times:
    """When each series was collected last."""

    def __init__(self, *, has_conflicts: bool) -> None:
        self._ended_ns: dict[str, int] = {}
        self._has_conflicts = has_conflicts

    def check(self, series: str, started_ns: int, at_ns: int, *, is_delta: bool) -> None:
        assert started_ns <= at_ns
        before_ns = 0 if self._has_conflicts else self._ended_ns.get(series, 0)
        assert before_ns <= (started_ns if is_delta else at_ns)
        self._ended_ns[series] = at_ns


def _request(request: dict[str, Any], times: _Times, reader: int) -> list[Any]:
    found = []
    for resource in request["resource_metrics"]:
        resource.get("resource", {}).get("attributes", []).sort(key=repr)
        for scope in resource["scope_metrics"]:
            metrics = scope.pop("metrics")
            scope.get("scope", {}).get("attributes", []).sort(key=repr)
            source = (resource.get("resource"), resource.get("schema_url"), scope)
            found += [(source, _metric(metric, times, f"{reader} {source}")) for metric in metrics]
    return sorted(found, key=repr)


def _metric(metric: dict[str, Any], times: _Times, stream: str) -> dict[str, Any]:
    (kind,) = [name for name in _DATA if name in metric]
    data = metric[kind]
    is_delta = data.get("aggregation_temporality") == _DELTA
    for point in data["data_points"]:
        point["attributes"] = sorted(point.get("attributes", []), key=repr)
        series = f"{stream} {metric['name']} {metric.get('unit')} {kind} {point['attributes']}"
        started_ns, at_ns = point.pop("start_time_unix_nano", 0), point.pop("time_unix_nano")
        times.check(series, started_ns, at_ns, is_delta=is_delta)
        assert (started_ns > 0) == (kind != "gauge")
        if point.get("min") == math.inf:
            del point["min"], point["max"]  # corrections.py: of a histogram that records none
        if "sum" in point:
            point["sum"] = float(f"{point['sum']:.9g}")
        if kind == "exponential_histogram":
            _exponential(point)
        point["exemplars"] = _exemplars(point)
    data["data_points"].sort(key=repr)
    return metric


def _exponential(point: dict[str, Any]) -> None:
    """Buckets by their index, without empty ones; of a point with zeros at the scale 0 or below (corrections.py says why)."""
    scale = point.get("scale", 0)
    coarser = max(scale, 0) if point.get("zero_count") else 0
    has_buckets = False
    for side in ("positive", "negative"):
        buckets = point.get(side, {})
        counts: Counter[int] = Counter()
        for index, count in enumerate(buckets.get("bucket_counts", []), start=buckets.get("offset", 0)):
            counts[index >> coarser] += count
        point[side] = sorted((+counts).items())
        has_buckets = has_buckets or bool(point[side])
    point["scale"] = scale - coarser if has_buckets else None


def _exemplars(point: dict[str, Any]) -> Any:
    """The buckets that have one; which measurement of a bucket it is may differ (corrections.py)."""
    exemplars = point.get("exemplars", [])
    for exemplar in exemplars:
        assert exemplar["time_unix_nano"]
        assert int.from_bytes(exemplar["trace_id"]) == TRACE_ID
    if "explicit_bounds" not in point:
        return bool(exemplars)
    return sorted(bisect_left(point["explicit_bounds"], _amount(exemplar)) for exemplar in exemplars)


def _amount(exemplar: dict[str, Any]) -> float:
    return float(exemplar.get("as_double", exemplar.get("as_int", 0)))
