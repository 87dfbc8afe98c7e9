"""What an instrument takes as an amount: finite numbers, as an int or a float.

Called by `instruments.py` for whatever its fast check does not know, and by `observables.py`.
"""

from __future__ import annotations

import math
import sys
from typing import Any, Final

from heliograph.text import shown

LARGEST: Final = sys.float_info.max
# Integers up to here are taken at once; larger ones are looked at more closely.
LARGEST_INTEGER: Final = 1 << 63


class AmountError(ValueError):
    """An amount that cannot be recorded."""


def checked(amount: Any, *, is_negative_allowed: bool) -> int | float:
    """``amount`` as an int or a float. Raises `AmountError`."""
    number = _number(amount)
    # An integer beyond every float could be added to none.
    if not -LARGEST <= number <= LARGEST:
        raise AmountError(f"{_brief(amount)} is not finite")
    if number < 0 and not is_negative_allowed:
        raise AmountError(f"{_brief(amount)} was given, expected >= 0")
    return number


def _number(amount: Any) -> int | float:
    if isinstance(amount, int):
        return int.__int__(amount)
    if isinstance(amount, float):
        return float.__float__(amount)
    # Text has no __float__; numbers of other libraries, Decimal and Fraction have.
    kind = type(amount)
    try:
        if hasattr(kind, "__index__"):
            return int(amount.__index__())
        if hasattr(kind, "__float__"):
            return float(amount)
    except OverflowError:
        return math.inf
    raise AmountError(f"{kind.__name__} {_brief(amount)} was given, expected a number")


def _brief(amount: Any) -> str:
    try:
        text = shown(amount)
    except ValueError:  # an integer with more digits than Python writes
        text = "a number"
    return text if len(text) <= 100 else f"{text[:100]}..."
