"""The settings of logs and events."""

from __future__ import annotations

from typing import Literal, TypeAlias

from heliograph.settings.batching import BatchExport
from heliograph.settings.exporters import LogExporter, log_exporters
from heliograph.settings.kinds import choice, flag, optional, section_of, whole
from heliograph.settings.section import Section, setting

Level: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class LogsSettings(Section):
    """Logs and events: where they go, how large one may be."""

    enabled: bool = setting(flag, default=True, doc="Whether log records and events are recorded.")
    level: Level = setting(
        choice(Level), default="INFO", doc="The lowest level that the handler for Python's `logging` passes on."
    )
    exporters: tuple[LogExporter, ...] = setting(log_exporters, default=(), doc="Where log records go.")
    max_attributes_per_record: int = setting(
        whole(0), default=128, doc="How many attributes a log record keeps; the others are counted as dropped."
    )
    max_attribute_length: int | None = setting(
        optional(whole(0)), default=None, doc="How many characters of a text value are kept; none keeps all."
    )
    batch_export: BatchExport = setting(
        section_of(BatchExport), default=BatchExport(), doc="How log records are grouped on their way out."
    )
