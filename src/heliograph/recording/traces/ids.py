"""Ids of traces and spans: random, and of this process alone.

Not the application's generator: one that seeds ``random`` would make the same ids in each of its processes.
Source of the lengths: W3C Trace Context, "trace-id" and "parent-id"; neither may be zero.
"""

from __future__ import annotations

import os
import random
from typing import Final

_RANDOM: Final = random.Random(os.urandom(32))  # noqa: S311  # ids, no secrets

bits: Final = _RANDOM.getrandbits


def trace_id() -> int:
    """128 random bits, not all zero."""
    return bits(128) or trace_id()


def span_id() -> int:
    """64 random bits, not all zero."""
    return bits(64) or span_id()


def _reseed() -> None:
    _RANDOM.seed(os.urandom(32))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reseed)
