"""How items are grouped on their way out, which traces and logs have alike."""

from __future__ import annotations

from datetime import timedelta

from heliograph.settings.duration import parse_duration
from heliograph.settings.kinds import whole
from heliograph.settings.section import Section, setting


class BatchExport(Section):
    """How items are grouped on their way out: a batch leaves when it holds ``max_batch_size`` items or when its oldest
    item has waited ``export_interval``; ``max_export_timeout`` bounds one attempt to send it."""

    max_batch_size: int = setting(whole(1), default=512)
    max_export_timeout: timedelta = setting(parse_duration, default=timedelta(seconds=10))
    export_interval: timedelta = setting(parse_duration, default=timedelta(seconds=5))
