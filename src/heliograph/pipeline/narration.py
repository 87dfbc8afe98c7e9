"""What ``tracing.debug_mode`` says: each attempt to deliver, at DEBUG.

Given to a delivery when it is built, called on its thread. The loggers under ``heliograph`` are
never exported by heliograph itself, so what is said here makes no more of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from heliograph import names
from heliograph.pipeline.batch import Batch
from heliograph.pipeline.ledger import Signal
from heliograph.pipeline.notices import logger
from heliograph.pipeline.outcome import Delivered, Outcome, Rejected, Retry, TooLarge
from heliograph.text import printable


class Narration:
    """Of one destination and signal; ``component`` describes the exporter, by the semantic conventions."""

    def __init__(self, signal: Signal, destination: str, component: Mapping[str, str | int]) -> None:
        host, port = component.get(names.SERVER_ADDRESS), component.get(names.SERVER_PORT)
        at = f" at {host}{'' if port is None else f':{port}'}" if host else ""
        self._name = printable(f"{signal} to {destination}{at}")

    def __call__(self, batch: Batch, outcome: Outcome, duration_s: float) -> None:
        """Say how an attempt ended that took ``duration_s`` seconds."""
        size = f", {len(batch.body)} bytes" if batch.body else ""
        noun = "item" if batch.count == 1 else "items"
        try:
            answer = printable(_ANSWERS[type(outcome)](outcome))
            logger.debug("%s: %d %s%s, %.1f ms: %s", self._name, batch.count, noun, size, duration_s * 1000, answer)
        except Exception:  # an exporter or a log handler of the application's may do anything; delivery goes on
            return


def _delivered(outcome: Delivered) -> str:
    lost = outcome.rejected + outcome.unencodable
    return f"delivered, but {lost} of them: {outcome.reason}" if lost else "delivered"


_ANSWERS: Final[Mapping[type[Any], Callable[[Any], str]]] = {
    Delivered: _delivered,
    Rejected: lambda outcome: f"refused for good: {outcome.reason}",
    Retry: lambda outcome: f"not delivered, to be tried again: {outcome.reason}",
    TooLarge: lambda outcome: f"too large, to be sent in halves: {outcome.reason}",
}
