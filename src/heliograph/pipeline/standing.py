"""How one destination is doing, as people are told: its state, the reason, and the lines in the application's log."""

from __future__ import annotations

from collections.abc import Mapping

from heliograph.clock import Clock
from heliograph.pipeline.ledger import DropReason
from heliograph.pipeline.notices import Notices
from heliograph.pipeline.status import ExportState
from heliograph.text import printable

# Drops that do not come from the destination's own answers: what is said of each, and what helps.
_OVERFLOWS = (
    (DropReason.QUEUE_FULL, "the queue is full", "raise delivery.queue_size, or set delivery.spool_directory"),
    (DropReason.SPOOL_FULL, "the spool is full", "raise delivery.spool_max_bytes"),
    (DropReason.EXPIRED, "the spool held items too old to be sent", "raise delivery.spool_max_age"),
    (DropReason.UNREADABLE, "the spool is damaged", "damaged files were set aside as *.bad"),
)


class Standing:
    """Used by one delivery thread; ``state`` and ``reason`` may be read by any."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.state = ExportState.HEALTHY
        self.reason = ""
        self._notices = Notices(name, clock)
        self._said: dict[str, int] = {}

    def failing(
        self, state: ExportState, reason: str, consequence: str, *, dropped: Mapping[str, int], disk: str = ""
    ) -> None:
        """The last attempt did not bring everything there. ``disk`` is what is wrong with the spool."""
        self._notices.failing(reason, consequence=consequence)
        self._set(state, [reason, *self._overflows(dropped), *([disk] if disk else [])])

    def fine(self, *, dropped: Mapping[str, int], disk: str = "") -> None:
        """The last attempt did."""
        troubles = [*self._overflows(dropped), *([disk] if disk else [])]
        self._set(ExportState.DEGRADED if troubles else ExportState.HEALTHY, troubles)
        if not troubles:
            self._notices.recovered()

    def cannot_close(self, error: Exception) -> None:
        # An exception's own text is not shown: it may hold a header that could not be sent, with its secret.
        self._notices.failing(f"cannot close: {type(error).__name__}", consequence="left open")

    def _overflows(self, dropped: Mapping[str, int]) -> list[str]:
        """What was dropped since the last attempt for reasons of ours."""
        found = []
        for reason, trouble, help_text in _OVERFLOWS:
            now = dropped.get(reason.value, 0)
            new = now - self._said.get(reason.value, 0)
            self._said[reason.value] = now
            if new:
                found.append(f"dropping: {trouble}")
                self._notices.failing(trouble, consequence=f"{new} items dropped; {help_text}")
        return found

    def _set(self, state: ExportState, reasons: list[str]) -> None:
        # The reason first: who reads both in between sees no state without one.
        self.reason = printable("; ".join(reasons))
        self.state = state
