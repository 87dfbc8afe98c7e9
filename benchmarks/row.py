"""What one benchmark found: a line of the table. Made by the benchmarks, shown by ``report.py``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Bar:
    """What is promised: of the ratio ours / peer's, or of our own value in the row's unit."""

    kind: Literal["ratio at most", "at most", "at least"]
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing that was measured, ours and, where somebody else does it too, the peer's, both in ``unit``.

    ``peer_name`` says what the peer is, empty when there is none; ``bar`` is None for what is only told.
    """

    what: str
    unit: str
    ours: float
    peer: float | None = None
    peer_name: str = ""
    bar: Bar | None = None

    @property
    def ratio(self) -> float | None:
        """Ours / the peer's, None without a peer."""
        return self.ours / self.peer if self.peer else None

    @property
    def is_met(self) -> bool | None:
        """Whether the bar is met, None without one."""
        if self.bar is None:
            return None
        match self.bar.kind:
            case "ratio at most":
                return self.ratio is not None and self.ratio <= self.bar.value
            case "at most":
                return self.ours <= self.bar.value
            case "at least":
                return self.ours >= self.bar.value
