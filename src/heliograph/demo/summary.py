"""What the demo tells at its end: as text for people, as a mapping for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heliograph.pipeline.ledger import LedgerCounts
from heliograph.pipeline.status import ShutdownReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """``answers`` are the client's requests by status, ``series`` the samples that /metrics showed at the end."""

    duration_s: float
    answers: Mapping[str, int]
    series: int
    report: ShutdownReport

    @property
    def requests(self) -> int:
        """All requests that the client sent."""
        return sum(self.answers.values())

    def as_mapping(self) -> dict[str, Any]:
        return {
            "duration_s": round(self.duration_s, 3),
            "requests": self.requests,
            "answers": dict(sorted(self.answers.items())),
            "series": self.series,
            "is_complete": self.report.is_complete,
            "destinations": [
                {
                    "signal": signal,
                    "destination": destination,
                    "made": counts.accepted,
                    "delivered": counts.delivered,
                    "dropped": dict(counts.dropped),
                }
                for (signal, destination), counts in self.report.ledger.items()
            ],
        }

    def as_text(self) -> str:
        answers = ", ".join(f"{count} x {status}" for status, count in sorted(self.answers.items())) or "none"
        lines = [
            f"requests   {self.requests} in {self.duration_s:.1f} s ({answers})",
            f"series     {self.series} at /metrics",
            *(_line(signal, name, counts) for (signal, name), counts in self.report.ledger.items()),
            "all that was made was delivered" if self.report.is_complete else "not all that was made was delivered",
        ]
        return "\n".join(lines)


_ITEMS = {"traces": "spans", "metrics": "points", "logs": "logs"}


def _line(signal: str, destination: str, counts: LedgerCounts) -> str:
    dropped = ", ".join(f"{number} {reason}" for reason, number in sorted(counts.dropped.items())) or "0"
    items = _ITEMS[signal]
    return f"{items:<10} {counts.accepted} made, {counts.delivered} delivered to {destination}, dropped {dropped}"
