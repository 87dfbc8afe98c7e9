"""The upper bounds of a histogram, as settings have them."""

from __future__ import annotations

import itertools
from typing import Final

from heliograph.settings.kind import Kind
from heliograph.settings.kinds import list_of, number

_numbers: Final = list_of(number(), least=1)


def _ascending(value: object) -> tuple[float, ...]:
    """Numbers, each greater than the one before."""
    bounds = _numbers(value)
    if any(not left < right for left, right in itertools.pairwise(bounds)):
        raise ValueError("bounds in ascending order without repeats")
    return bounds


ascending: Final = Kind(_ascending, "list", _numbers.schema, form="list", item=_numbers.item)
