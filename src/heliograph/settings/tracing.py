"""The settings of spans: where they go, which are kept, how large one may be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal, TypeAlias

from heliograph.settings.batching import BatchExport
from heliograph.settings.duration import parse_duration
from heliograph.settings.exporters import TraceExporter, trace_exporters
from heliograph.settings.kinds import (
    Scalar,
    choice,
    filled_text,
    flag,
    list_of,
    mapping_of,
    number,
    optional,
    scalar,
    section_of,
    whole,
)
from heliograph.settings.section import Section, Siblings, setting

SpanKind: TypeAlias = Literal["internal", "server", "client", "producer", "consumer"]


class SpanPattern(Section):
    """Which spans: those that fit all that is given. What is not given fits every span."""

    name: str | None = setting(optional(filled_text), default=None, doc="The name of the span; a pattern with `*` and `?`.")
    kind: SpanKind | None = setting(optional(choice(SpanKind)), default=None, doc="What the span stands for.")
    attributes: Mapping[str, Scalar] = setting(
        mapping_of(scalar), default={}, doc="Attributes that the span has, all of them; a text value is a pattern."
    )


class SampleRule(SpanPattern):
    """Another share for the traces whose first span in this service fits."""

    sample_rate: float = setting(number(0, 1), doc="The share of these traces that is kept.")


def _default_keep_errors(above: Siblings) -> bool:
    return bool(above["sample_rate"] > 0)


def _default_keep_slower_than(above: Siblings) -> timedelta | None:
    return timedelta(seconds=2) if above["sample_rate"] > 0 else None


class TracingSettings(Section):
    """Spans: which traces are kept, where they go, how large a span may be.

    Where less than every trace is kept, the end of one may decide otherwise: it is kept when one of its spans here failed,
    was slow or fits a rule. Until then its spans wait in memory.
    """

    enabled: bool = setting(flag, default=True, doc="Whether spans are recorded.")
    sample_rate: float = setting(
        number(0, 1),
        default=1.0,
        doc="The share of new traces that is kept. A span of a trace that began elsewhere follows its parent.",
    )
    sample_rules: tuple[SampleRule, ...] = setting(
        list_of(section_of(SampleRule)),
        default=(),
        doc="Other shares for some traces; the first rule that fits a new trace counts.",
    )
    keep_errors: bool = setting(
        flag,
        default_factory=_default_keep_errors,
        doc="Whether a trace with a span that failed is kept in any case. By default yes, unless `sample_rate` is 0.",
    )
    keep_slower_than: timedelta | None = setting(
        optional(parse_duration),
        default_factory=_default_keep_slower_than,
        doc="A trace with a span that took longer is kept in any case. By default 2s, or none when `sample_rate` is 0.",
    )
    keep_rules: tuple[SpanPattern, ...] = setting(
        list_of(section_of(SpanPattern)), default=(), doc="A trace with a span that fits one of these is kept in any case."
    )
    tail_max_bytes: int = setting(
        whole(1), default=32 * 1024 * 1024, doc="How many bytes of spans may wait in memory for the end of their trace."
    )
    tail_max_age: timedelta = setting(
        parse_duration, default=timedelta(seconds=30), doc="How long a span waits for the end of its trace at most."
    )
    exporters: tuple[TraceExporter, ...] = setting(trace_exporters, default=(), doc="Where spans go.")
    max_attributes_per_span: int = setting(
        whole(0), default=128, doc="How many attributes a span keeps; the others are counted as dropped."
    )
    max_events_per_span: int = setting(whole(0), default=128, doc="How many events a span keeps.")
    max_links_per_span: int = setting(whole(0), default=128, doc="How many links to other spans a span keeps.")
    max_attributes_per_event: int = setting(whole(0), default=128, doc="How many attributes an event of a span keeps.")
    max_attributes_per_link: int = setting(whole(0), default=128, doc="How many attributes a link of a span keeps.")
    max_attribute_length: int | None = setting(
        optional(whole(0)), default=None, doc="How many characters of a text value are kept; none keeps all."
    )
    batch_export: BatchExport = setting(
        section_of(BatchExport), default=BatchExport(), doc="How spans are grouped on their way out."
    )
    debug_mode: bool = setting(
        flag, default=False, doc="Whether telemetry says in its log what it does with spans, for when they do not arrive."
    )
    log_spans: bool = setting(flag, default=False, doc="Whether each span that ends is written to the log as one line.")

    @property
    def is_tail_sampled(self) -> bool:
        """Whether the end of a trace has a say in whether it is kept."""
        is_partial = self.sample_rate < 1 or any(rule.sample_rate < 1 for rule in self.sample_rules)
        return is_partial and (self.keep_errors or self.keep_slower_than is not None or bool(self.keep_rules))
