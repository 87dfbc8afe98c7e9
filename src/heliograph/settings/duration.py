"""Durations as people write them: ``"5s"``, ``"250ms"``, ``"1h"``, ``"7d"``, or a number of seconds."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Final

from heliograph.settings.kind import Schema, kind_of

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_TEXT = r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)\s*"
_LONGEST_S = 3650 * 86400.0

EXPECTED = "a duration above zero: seconds as a number, or text with a unit such as '250ms', '5s', '10m', '1h', '7d'"


_SHOWN: Final = (("d", 86400.0, 2), ("h", 3600.0, 1), ("s", 1.0, 1), ("ms", 0.001, 1))  # unit, in seconds, from how many


def duration_text(duration: timedelta) -> str:
    """``duration`` as people write it, in the largest unit that gives a whole number, with as few signs as its meaning."""
    for unit, unit_s, least in _SHOWN:
        count, rest = divmod(duration, timedelta(seconds=unit_s))
        if count >= least and not rest:
            return f"{count}{unit}"
    return f"{duration / timedelta(milliseconds=1):.3f}".rstrip("0") + "ms"


def _schema() -> Schema:
    units = "|".join("".join(f"[{sign}{sign.upper()}]" for sign in unit) for unit in _UNITS_S)
    in_text = {"type": "string", "pattern": rf"^\s*[0-9]+(\.[0-9]+)?\s*({units})?\s*$"}
    return {"anyOf": [{"type": "number", "exclusiveMinimum": 5e-7, "maximum": _LONGEST_S}, in_text]}


@kind_of("duration", _schema, plain=duration_text)
def parse_duration(value: object) -> timedelta:
    """Turn ``value`` into a duration above zero and at most ten years.

    Accepts a ``timedelta``, a number of seconds, or text of a number and one of the units ms, s, m, min, h, d (no unit
    means seconds). Raises ``ValueError`` for anything else.
    """
    seconds = _seconds(value)
    if seconds is None or not math.isfinite(seconds) or not 0 < seconds <= _LONGEST_S:
        raise ValueError(EXPECTED)
    duration = timedelta(seconds=seconds)
    if not duration:  # below half a microsecond, timedelta rounds to zero
        raise ValueError(EXPECTED)
    return duration


def _seconds(value: object) -> float | None:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if abs(value) <= _LONGEST_S else math.inf  # a huge int does not fit a float
    if isinstance(value, str) and (match := re.fullmatch(_TEXT, value.lower())):
        number, unit = match.groups()
        return float(number) * _UNITS_S[unit or "s"] if (unit or "s") in _UNITS_S else None
    return None
