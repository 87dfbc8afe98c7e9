"""The settings of health checks."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, TypeAlias

from heliograph.settings.duration import parse_duration
from heliograph.settings.kinds import choice, flag, list_of
from heliograph.settings.section import Section, setting

Check: TypeAlias = Literal["disk_space", "memory"]


class HealthSettings(Section):
    """Health checks: when they run, which are built in."""

    enabled: bool = setting(flag, default=True, doc="Whether health checks run by themselves.")
    check_interval: timedelta = setting(parse_duration, default=timedelta(seconds=30), doc="How often each check runs.")
    cache_ttl: timedelta = setting(
        parse_duration, default=timedelta(seconds=60), doc="How long the result of a check is an answer."
    )
    default_timeout: timedelta = setting(
        parse_duration, default=timedelta(seconds=5), doc="How long a check may take that has no limit of its own."
    )
    parallel_checks: bool = setting(flag, default=True, doc="Whether checks run at the same time.")
    checks: tuple[Check, ...] = setting(
        list_of(choice(Check)),
        default=("disk_space", "memory"),
        doc="The built-in checks to register at the start. Neither is critical: they warn, they take no service out.",
    )
