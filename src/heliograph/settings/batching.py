"""How items are grouped on their way out, which traces and logs have alike."""

from __future__ import annotations

from heliograph.settings.duration import Duration, parse_duration
from heliograph.settings.section import Count, Section


class BatchExport(Section):
    """How items are grouped on their way out: a batch leaves when it holds ``max_batch_size`` items or when its oldest
    item has waited ``export_interval``; ``max_export_timeout`` bounds one attempt to send it."""

    max_batch_size: Count = 512
    max_export_timeout: Duration = parse_duration("10s")
    export_interval: Duration = parse_duration("5s")
