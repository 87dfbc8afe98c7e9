"""What the oracle is told to do with one request: plain values that travel to its process as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

How = Literal["answer", "hang", "unread", "reset", "lost_answer", "drip", "huge", "bomb"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """``how`` is one of:

    - ``answer``: after ``delay_s`` seconds, say ``status`` with ``headers``. A 200 keeps the items, all but the first
      ``rejected`` of them, and says so as a partial success. A request above ``most_bytes`` gets 413 instead.
    - ``hang``: read the request and never answer. ``unread``: read its head and never its body.
    - ``reset``: read half of the body, then reset the connection. ``lost_answer``: keep the items, then reset it.
    - ``drip``: a 200 that keeps the items, of one byte a tenth of a second for as long as somebody reads.
    - ``huge``: a 200 of 300 MiB that keeps the items; ``bomb``: the same, compressed to less than one.

    For gRPC, ``grpc_code`` (0 is OK) is what is said and ``retry_info_s`` goes with it.
    """

    how: How = "answer"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    rejected: int = 0
    most_bytes: int = 0
    grpc_code: int = 0
    retry_info_s: int | None = None

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as the oracle wrote it down, before it answered: when (``time.monotonic()``, in seconds), what it weighed,
    what was done with it, the numbers of the items that were kept, and how many spans ended before they began."""

    signal: str
    at: float
    size_bytes: int
    answer: str
    items: tuple[str, ...] = ()
    negative: int = 0
