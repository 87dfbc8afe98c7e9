"""How values of a declarative file are read. Source: OpenTelemetry's configuration schema, version 1.0.

Each function takes a value and raises ``ValueError`` with what was expected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from heliograph.settings.kinds import whole

_whole: Final = whole(0, 3650 * 86_400_000)  # ten years
_UNLIMITED: Final = timedelta(days=1)
_SHORTEST: Final = timedelta(milliseconds=1)


def written(value: object) -> str:
    """Text; a number that stands where text belongs is its digits."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError("text")
    return str(value)


def as_it_is(value: Any) -> Any:
    """Whatever it is."""
    return value


def interval(value: object) -> timedelta:
    """Milliseconds; 0 is no waiting at all, and one here."""
    return max(timedelta(milliseconds=_whole(value)), _SHORTEST)


def longest(value: object) -> timedelta:
    """Milliseconds; 0 is no limit, and a day here."""
    return timedelta(milliseconds=_whole(value)) or _UNLIMITED


def chosen(meanings: Mapping[str, Any]) -> Callable[[object], Any]:
    """One of several words."""
    *some, last = map(repr, meanings)

    def read(value: object) -> Any:
        if not isinstance(value, str) or value not in meanings:
            raise ValueError(f"{', '.join(some)} or {last}" if some else last)
        return meanings[value]

    return read
