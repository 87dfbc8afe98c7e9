"""The settings of spans: where they go, which are kept, how large one may be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field

from heliograph.settings.batching import BatchExport
from heliograph.settings.duration import Duration, parse_duration
from heliograph.settings.exporters import TraceExporters
from heliograph.settings.section import Count, Ratio, Section, Text


class SpanPattern(Section):
    """Which spans: those whose ``name`` fits a pattern with ``*`` and ``?``, of that ``kind``, that have all ``attributes``
    (text values are patterns too). What is not given fits every span."""

    name: Text | None = None
    kind: Literal["internal", "server", "client", "producer", "consumer"] | None = None
    attributes: Mapping[str, str | bool | int | float] = Field(default_factory=dict)


class SampleRule(SpanPattern):
    """Another ``sample_rate`` for the traces whose first span in this service fits."""

    sample_rate: Ratio


def _default_keep_errors(options: dict[str, Any]) -> bool:
    return bool(options.get("sample_rate", 1) > 0)


def _default_keep_slower_than(options: dict[str, Any]) -> timedelta | None:
    return timedelta(seconds=2) if options.get("sample_rate", 1) > 0 else None


class TracingSettings(Section):
    """Spans.

    ``sample_rate`` is the share of new traces that is kept (0 to 1); a child follows its parent. The first of
    ``sample_rules`` that fits a new trace gives it another share. Below 1 the end of a trace may decide otherwise: it is kept
    when any of its spans here failed (``keep_errors``), took longer than ``keep_slower_than`` (2 s; both by default unless
    the rate is 0, which keeps nothing), or fits one of ``keep_rules``. Until then its spans wait in memory, for
    ``tail_max_age`` at most, at most ``tail_max_bytes`` of them.
    """

    enabled: bool = True
    sample_rate: Ratio = 1.0
    sample_rules: tuple[SampleRule, ...] = ()
    keep_errors: bool = Field(default_factory=_default_keep_errors)
    keep_slower_than: Duration | None = Field(default_factory=_default_keep_slower_than)
    keep_rules: tuple[SpanPattern, ...] = ()
    tail_max_bytes: Count = 32 * 1024 * 1024
    tail_max_age: Duration = parse_duration("30s")
    exporters: TraceExporters = ()
    max_attributes_per_span: Count = 128
    max_events_per_span: Count = 128
    max_links_per_span: Count = 128
    max_attribute_length: Count | None = None
    batch_export: BatchExport = BatchExport()

    @property
    def is_tail_sampled(self) -> bool:
        """Whether the end of a trace has a say in whether it is kept."""
        is_partial = self.sample_rate < 1 or any(rule.sample_rate < 1 for rule in self.sample_rules)
        return is_partial and (self.keep_errors or self.keep_slower_than is not None or bool(self.keep_rules))
