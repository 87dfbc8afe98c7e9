"""The settings of metrics: where they go, how they are aggregated, what of them is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, TypeAlias

from heliograph.catalog.catalogue import BUILTIN, Catalogue
from heliograph.catalog.metric import Metric
from heliograph.errors import CatalogueError
from heliograph.settings.buckets import ascending
from heliograph.settings.catalogue import catalogue_row
from heliograph.settings.duration import parse_duration
from heliograph.settings.exporters import MetricExporter, PrometheusExporter, metric_exporters
from heliograph.settings.kinds import choice, filled_text, flag, list_of, number, optional, text, whole
from heliograph.settings.section import Section, Siblings, setting


class Aggregation(Section):
    """``histogram_buckets`` are the upper bounds of every histogram that names none of its own, nor a row of the application's
    in the catalogue; None means those of heliograph's rows, else OpenTelemetry's for the unit. ``summary_quantiles`` are those
    of summaries that heliograph itself computes."""

    histogram_buckets: tuple[float, ...] | None = setting(optional(ascending), default=None)
    summary_quantiles: tuple[float, ...] = setting(list_of(number(0, 1)), default=(0.5, 0.9, 0.95, 0.99))


InstrumentType: TypeAlias = Literal[
    "counter",
    "up_down_counter",
    "gauge",
    "histogram",
    "observable_counter",
    "observable_up_down_counter",
    "observable_gauge",
]


def _check_name(name: str | None, above: Siblings) -> None:
    instrument = above.get("instrument", "")
    if name is not None and any(sign in instrument for sign in "*?"):
        raise ValueError(f"no name, since the pattern {instrument!r} may fit several instruments")


def _check_exclude(exclude: tuple[str, ...], above: Siblings) -> None:
    if exclude and above.get("keep") is not None:
        raise ValueError("either keep or exclude, not both")


class MetricView(Section):
    """What becomes of the instruments that fit: whose name fits ``instrument`` (a pattern with ``*`` and ``?``), of that
    ``type``, ``unit`` and ``meter``.

    ``name`` and ``description`` replace theirs, ``keep`` or ``exclude`` choose attribute keys, ``buckets`` are the upper
    bounds of a histogram, ``exponential`` makes it one with a scale of its own; with ``drop`` nothing of it is kept.
    """

    instrument: str = setting(filled_text, default="*")
    type: InstrumentType | None = setting(optional(choice(InstrumentType)), default=None)
    unit: str | None = setting(optional(text), default=None)
    meter: str | None = setting(optional(filled_text), default=None)
    name: str | None = setting(optional(filled_text), default=None, check=_check_name)
    description: str | None = setting(optional(text), default=None)
    keep: tuple[str, ...] | None = setting(optional(list_of(filled_text)), default=None)
    exclude: tuple[str, ...] = setting(list_of(filled_text), default=(), check=_check_exclude)
    buckets: tuple[float, ...] | None = setting(optional(ascending), default=None)
    exponential: bool = setting(flag, default=False)
    drop: bool = setting(flag, default=False)


ExemplarFilter: TypeAlias = Literal["trace_based", "always_on", "always_off"]


def _check_catalogue(rows: tuple[Metric, ...], above: Siblings) -> None:
    try:
        BUILTIN.added(rows)
    except CatalogueError as error:
        raise ValueError(f"rows that go together with each other and with heliograph's own; {error}") from None


class MetricsSettings(Section):
    """Metrics. Collected and pushed each ``collection_interval``; at most ``cardinality_limit`` attribute sets an
    instrument, the rest is folded into one. ``views`` change what becomes of single instruments. ``exemplars`` says which
    measurements may be shown with the trace that they were made in. ``catalogue`` are rows of the application's own metrics,
    beside heliograph's; one of the same name, kind and unit replaces heliograph's. With ``legacy_names`` metrics are scraped
    under their older names as well (docs/metrics.md). ``multiprocess_dir`` is a directory for this service's processes,
    whose ``/metrics`` then each show all of them; by default what ``PROMETHEUS_MULTIPROC_DIR`` says. ``retention_period`` is
    the local store's."""

    enabled: bool = setting(flag, default=True)
    collection_interval: timedelta = setting(parse_duration, default=timedelta(seconds=15))
    retention_period: timedelta = setting(parse_duration, default=timedelta(hours=24))
    aggregation: Aggregation = setting(Aggregation.read, default=Aggregation())
    exporters: tuple[MetricExporter, ...] = setting(metric_exporters, default=(PrometheusExporter(),))
    cardinality_limit: int = setting(whole(1), default=2000)
    views: tuple[MetricView, ...] = setting(list_of(MetricView.read), default=())
    exemplars: ExemplarFilter = setting(choice(ExemplarFilter), default="trace_based")
    catalogue: tuple[Metric, ...] = setting(list_of(catalogue_row), default=(), check=_check_catalogue)
    legacy_names: bool = setting(flag, default=False)
    multiprocess_dir: str | None = setting(optional(filled_text), default=None)

    @property
    def full_catalogue(self) -> Catalogue:
        """heliograph's rows and those of the application. Where the settings have bounds for histograms, ours have none."""
        ours = BUILTIN if self.aggregation.histogram_buckets is None else BUILTIN.without_buckets()
        return ours.added(self.catalogue) if self.catalogue else ours
