"""The settings of metrics: where they go, how they are aggregated, what of them is kept."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from heliograph.settings.duration import Duration, parse_duration
from heliograph.settings.exporters import MetricExporters, PrometheusExporter
from heliograph.settings.section import Bound, Count, Ratio, Section, Text


def _ascending(bounds: tuple[float, ...]) -> tuple[float, ...]:
    if any(not left < right for left, right in itertools.pairwise(bounds)):
        raise ValueError("bounds in ascending order without repeats")
    return bounds


HistogramBuckets = Annotated[tuple[Bound, ...], Field(min_length=1), AfterValidator(_ascending)]


class Aggregation(Section):
    """``histogram_buckets`` are the upper bounds of every histogram that names none of its own; None means OpenTelemetry's
    for the unit. ``summary_quantiles`` are those of summaries that heliograph itself computes."""

    histogram_buckets: HistogramBuckets | None = None
    summary_quantiles: tuple[Ratio, ...] = (0.5, 0.9, 0.95, 0.99)


class MetricView(Section):
    """What becomes of the instruments that fit: whose name fits ``instrument`` (a pattern with ``*`` and ``?``), of that
    ``type``, ``unit`` and ``meter``.

    ``name`` and ``description`` replace theirs, ``keep`` or ``exclude`` choose attribute keys, ``buckets`` are the upper
    bounds of a histogram, ``exponential`` makes it one with a scale of its own; with ``drop`` nothing of it is kept.
    """

    instrument: Text = "*"
    type: (
        Literal[
            "counter",
            "up_down_counter",
            "gauge",
            "histogram",
            "observable_counter",
            "observable_up_down_counter",
            "observable_gauge",
        ]
        | None
    ) = None
    unit: str | None = None
    meter: Text | None = None
    name: Text | None = None
    description: str | None = None
    keep: tuple[Text, ...] | None = None
    exclude: tuple[Text, ...] = ()
    buckets: HistogramBuckets | None = None
    exponential: bool = False
    drop: bool = False

    @field_validator("name")
    @classmethod
    def _one_name_for_one(cls, name: str | None, info: ValidationInfo) -> str | None:
        instrument = info.data.get("instrument", "")
        if name is not None and any(sign in instrument for sign in "*?"):
            raise ValueError(f"no name, since the pattern {instrument!r} may fit several instruments")
        return name

    @field_validator("exclude")
    @classmethod
    def _one_choice(cls, exclude: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if exclude and info.data.get("keep") is not None:
            raise ValueError("either keep or exclude, not both")
        return exclude


class MetricsSettings(Section):
    """Metrics. Collected and pushed each ``collection_interval``; at most ``cardinality_limit`` attribute sets an
    instrument, the rest is folded into one. ``views`` change what becomes of single instruments. ``exemplars`` says which
    measurements may be shown with the trace that they were made in. ``retention_period`` is the local store's."""

    enabled: bool = True
    collection_interval: Duration = parse_duration("15s")
    retention_period: Duration = parse_duration("24h")
    aggregation: Aggregation = Aggregation()
    exporters: MetricExporters = (PrometheusExporter(),)
    cardinality_limit: Count = 2000
    views: tuple[MetricView, ...] = ()
    exemplars: Literal["trace_based", "always_on", "always_off"] = "trace_based"
