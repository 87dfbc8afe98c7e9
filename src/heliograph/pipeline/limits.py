"""How much may wait, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """``queue_size`` entries (spans, log records, collections of metrics) and ``queue_max_bytes`` of them encoded may wait in
    memory; ``when_full`` says which goes then. ``batch_size`` items leave together, or fewer once the oldest has waited
    ``interval_s`` seconds; one attempt takes at most ``attempt_timeout_s`` seconds."""

    queue_size: int = 2048
    queue_max_bytes: int = 64 * 1024 * 1024
    when_full: Literal["drop_newest", "drop_oldest"] = "drop_newest"
    batch_size: int = 512
    interval_s: float = 5.0
    attempt_timeout_s: float = 10.0
