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
from heliograph.settings.kinds import choice, filled_text, flag, list_of, number, optional, section_of, text, whole
from heliograph.settings.section import Section, Siblings, setting


class Aggregation(Section):
    """How measurements become numbers. A row of the application's own in the catalogue names the bounds of its histogram."""

    histogram_buckets: tuple[float, ...] | None = setting(
        optional(ascending),
        default=None,
        doc="The upper bounds of every histogram that names none of its own. None means those of the catalogue, "
        "else OpenTelemetry's for the unit.",
    )
    summary_quantiles: tuple[float, ...] = setting(
        list_of(number(0, 1)),
        default=(0.5, 0.9, 0.95, 0.99),
        doc="The quantiles of summaries that heliograph itself computes.",
    )


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
    """What becomes of the instruments that fit ``instrument``, ``type``, ``unit`` and ``meter``; what is not given changes
    nothing."""

    instrument: str = setting(
        filled_text, default="*", doc="Whose name fits; a pattern with `*` and `?`, in upper or lower case."
    )
    type: InstrumentType | None = setting(optional(choice(InstrumentType)), default=None, doc="Which type of instrument.")
    unit: str | None = setting(optional(text), default=None, doc="With which unit.")
    meter: str | None = setting(optional(filled_text), default=None, doc="Of which meter, by its whole name.")
    name: str | None = setting(
        optional(filled_text), default=None, check=_check_name, doc="Another name for the metric. Not together with a pattern."
    )
    description: str | None = setting(optional(text), default=None, doc="Another description.")
    keep: tuple[str, ...] | None = setting(
        optional(list_of(filled_text)), default=None, doc="The attribute keys that stay; the others go."
    )
    exclude: tuple[str, ...] = setting(
        list_of(filled_text), default=(), check=_check_exclude, doc="The attribute keys that go. Not together with `keep`."
    )
    buckets: tuple[float, ...] | None = setting(
        optional(ascending), default=None, doc="The upper bounds of a histogram, ascending."
    )
    exponential: bool = setting(flag, default=False, doc="Whether a histogram finds its own bounds, on an exponential scale.")
    drop: bool = setting(flag, default=False, doc="Whether nothing of it is kept.")


ExemplarFilter: TypeAlias = Literal["trace_based", "always_on", "always_off"]


def _check_catalogue(rows: tuple[Metric, ...], above: Siblings) -> None:
    if not rows:
        return  # most have none, and looking takes longer than reading all other settings
    try:
        BUILTIN.added(rows)
    except CatalogueError as error:
        raise ValueError(f"rows that go together with each other and with heliograph's own; {error}") from None


class MetricsSettings(Section):
    """Metrics: where they go, how they are aggregated, what of them is kept."""

    enabled: bool = setting(flag, default=True, doc="Whether metrics are recorded.")
    collection_interval: timedelta = setting(
        parse_duration,
        default=timedelta(seconds=15),
        doc="How often metrics are collected and pushed, and system metrics read.",
    )
    max_export_timeout: timedelta = setting(
        parse_duration,
        default=timedelta(seconds=10),
        doc="How long one attempt to push metrics may take, like the exporter's own `timeout`; the shorter one holds.",
    )
    retention_period: timedelta = setting(
        parse_duration, default=timedelta(hours=24), doc="How long the local store keeps metrics."
    )
    aggregation: Aggregation = setting(section_of(Aggregation), default=Aggregation(), doc="How measurements become numbers.")
    exporters: tuple[MetricExporter, ...] = setting(
        metric_exporters, default=(PrometheusExporter(),), doc="Where metrics go; `prometheus` means that they are scraped."
    )
    cardinality_limit: int = setting(
        whole(1), default=2000, doc="How many sets of attributes an instrument may have; the rest is folded into one."
    )
    views: tuple[MetricView, ...] = setting(
        list_of(section_of(MetricView)), default=(), doc="What becomes of single instruments."
    )
    exemplars: ExemplarFilter = setting(
        choice(ExemplarFilter),
        default="trace_based",
        doc="Which measurements may be shown with the trace that they were made in: those in a sampled span, all, none.",
    )
    catalogue: tuple[Metric, ...] = setting(
        list_of(catalogue_row),
        default=(),
        check=_check_catalogue,
        doc="Rows of the application's own metrics; one of the same name, kind and unit replaces heliograph's.",
    )
    legacy_names: bool = setting(
        flag, default=False, doc="Whether metrics are scraped under their older names as well, see [metrics.md](metrics.md)."
    )
    multiprocess_dir: str | None = setting(
        optional(filled_text),
        default=None,
        doc="A directory for this service's processes, each of whose `/metrics` then shows all of them. "
        "By default what `PROMETHEUS_MULTIPROC_DIR` says.",
    )

    @property
    def full_catalogue(self) -> Catalogue:
        """heliograph's rows and those of the application. Where the settings have bounds for histograms, ours have none."""
        ours = BUILTIN if self.aggregation.histogram_buckets is None else BUILTIN.without_buckets()
        return ours.added(self.catalogue) if self.catalogue else ours
