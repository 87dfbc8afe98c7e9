"""How items are grouped on their way out, which traces and logs have alike."""

from __future__ import annotations

from datetime import timedelta

from heliograph.settings.duration import parse_duration
from heliograph.settings.kinds import whole
from heliograph.settings.section import Section, setting


class BatchExport(Section):
    """How items are grouped on their way out: a batch leaves when it is full, or when its oldest item has waited long
    enough."""

    max_batch_size: int = setting(whole(1), default=512, doc="How many items leave together at most.")
    max_export_timeout: timedelta = setting(
        parse_duration, default=timedelta(seconds=10), doc="How long one attempt to send a batch may take."
    )
    export_interval: timedelta = setting(
        parse_duration, default=timedelta(seconds=5), doc="How long the oldest item may wait for others to join it."
    )
