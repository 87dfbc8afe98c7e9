"""Lists in sentences, for the findings."""

from __future__ import annotations

from collections.abc import Sequence


def listed(names: Sequence[str], conjunction: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return f" {conjunction} ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
