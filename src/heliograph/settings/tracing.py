"""The settings of spans: where they go, which are kept, how large one may be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal, TypeAlias

from heliograph.settings.batching import BatchExport
from heliograph.settings.duration import parse_duration
from heliograph.settings.exporters import TraceExporter, trace_exporters
from heliograph.settings.kinds import Scalar, choice, filled_text, flag, list_of, mapping_of, number, optional, scalar, whole
from heliograph.settings.section import Section, Siblings, setting

SpanKind: TypeAlias = Literal["internal", "server", "client", "producer", "consumer"]


class SpanPattern(Section):
    """Which spans: those whose ``name`` fits a pattern with ``*`` and ``?``, of that ``kind``, that have all ``attributes``
    (text values are patterns too). What is not given fits every span."""

    name: str | None = setting(optional(filled_text), default=None)
    kind: SpanKind | None = setting(optional(choice(SpanKind)), default=None)
    attributes: Mapping[str, Scalar] = setting(mapping_of(scalar), default={})


class SampleRule(SpanPattern):
    """Another ``sample_rate`` for the traces whose first span in this service fits."""

    sample_rate: float = setting(number(0, 1))


def _default_keep_errors(above: Siblings) -> bool:
    return bool(above["sample_rate"] > 0)


def _default_keep_slower_than(above: Siblings) -> timedelta | None:
    return timedelta(seconds=2) if above["sample_rate"] > 0 else None


class TracingSettings(Section):
    """Spans.

    ``sample_rate`` is the share of new traces that is kept (0 to 1); a child follows its parent. The first of
    ``sample_rules`` that fits a new trace gives it another share. Below 1 the end of a trace may decide otherwise: it is kept
    when any of its spans here failed (``keep_errors``), took longer than ``keep_slower_than`` (2 s; both by default unless
    the rate is 0, which keeps nothing), or fits one of ``keep_rules``. Until then its spans wait in memory, for
    ``tail_max_age`` at most, at most ``tail_max_bytes`` of them.
    """

    enabled: bool = setting(flag, default=True)
    sample_rate: float = setting(number(0, 1), default=1.0)
    sample_rules: tuple[SampleRule, ...] = setting(list_of(SampleRule.read), default=())
    keep_errors: bool = setting(flag, default_factory=_default_keep_errors)
    keep_slower_than: timedelta | None = setting(optional(parse_duration), default_factory=_default_keep_slower_than)
    keep_rules: tuple[SpanPattern, ...] = setting(list_of(SpanPattern.read), default=())
    tail_max_bytes: int = setting(whole(1), default=32 * 1024 * 1024)
    tail_max_age: timedelta = setting(parse_duration, default=timedelta(seconds=30))
    exporters: tuple[TraceExporter, ...] = setting(trace_exporters, default=())
    max_attributes_per_span: int = setting(whole(1), default=128)
    max_events_per_span: int = setting(whole(1), default=128)
    max_links_per_span: int = setting(whole(1), default=128)
    max_attribute_length: int | None = setting(optional(whole(1)), default=None)
    batch_export: BatchExport = setting(BatchExport.read, default=BatchExport())

    @property
    def is_tail_sampled(self) -> bool:
        """Whether the end of a trace has a say in whether it is kept."""
        is_partial = self.sample_rate < 1 or any(rule.sample_rate < 1 for rule in self.sample_rules)
        return is_partial and (self.keep_errors or self.keep_slower_than is not None or bool(self.keep_rules))
