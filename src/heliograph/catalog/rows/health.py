"""The health of the service. Names are ours; the conventions have none. Recorded by `health/manager.py`."""

from __future__ import annotations

from typing import Final

from heliograph import names
from heliograph.catalog.metric import Attribute, LegacyName, Metric

# Older names had one for each of five checks, whatever the check itself was called.
_LEGACY_CHECKS: Final = {
    "database_health_status": ("database",),
    "disk_space_health_status": ("disk_space",),
    "memory_health_status": ("memory",),
    "external_api_health_status": ("external_api",),
    "ffmpeg_health_status": ("ffmpeg",),
}

ROWS: Final = (
    Metric(
        name=names.HEALTH_STATUS,
        kind="gauge",
        description="Worst latest result: 0 unknown, 1 healthy, 2 warning, 3 unhealthy.",
        group="health",
        attributes=(),
        across="max",
        legacy=(LegacyName(name="system_health_status"),),
    ),
    Metric(
        name=names.HEALTH_CHECK_STATUS,
        kind="gauge",
        description="Latest result of each check: 0 unknown, 1 healthy, 2 warning, 3 unhealthy.",
        group="health",
        attributes=(Attribute(name=names.HEALTH_CHECK_NAME, cardinality=50, description="What the check is called."),),
        across="max",
        legacy=tuple(
            LegacyName(name=name, where={names.HEALTH_CHECK_NAME: checks}) for name, checks in _LEGACY_CHECKS.items()
        ),
    ),
)
