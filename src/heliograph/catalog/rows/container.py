"""The metrics of the cgroup that this process runs in: shown where it has a limit, that is, in most containers.

Names are those of OpenTelemetry's semantic conventions for containers (development) where these have one; the rest, limits and
throttling, is ours. All processes of one container read the same, so the latest reading counts. Part of `system.py`.
"""

from __future__ import annotations

from typing import Final

from heliograph.catalog.metric import Attribute, Metric
from heliograph.catalog.rows.shapes import host_row

ROWS: Final[tuple[Metric, ...]] = (
    host_row(
        "container.cpu.time",
        "counter",
        "s",
        "CPU time of the container.",
        Attribute(name="cpu.mode", cardinality=2, description="user or system."),
    ),
    host_row("container.cpu.usage", "gauge", "{cpu}", "CPUs that the container kept busy since the last reading."),
    host_row("container.cpu.limit", "up_down_counter", "{cpu}", "CPUs that the container may keep busy: its quota."),
    host_row("container.cpu.throttling.periods", "counter", "{period}", "Periods in which the container used up its quota."),
    host_row(
        "container.cpu.throttling.time", "counter", "s", "Time that threads of the container waited for the next period."
    ),
    host_row("container.memory.usage", "up_down_counter", "By", "Memory of the container, with all of its page cache."),
    host_row("container.memory.limit", "up_down_counter", "By", "Memory that the container may use."),
    host_row(
        "container.memory.working_set",
        "up_down_counter",
        "By",
        "Memory of the container without page cache that was not used of late.",
    ),
    host_row("container.memory.available", "up_down_counter", "By", "The limit less the working set."),
)
