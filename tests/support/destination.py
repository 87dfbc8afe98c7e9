"""A destination reached over the network, as far as a delivery can tell: it takes requests, and a test says how it fares."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from heliograph.pipeline.batch import Batch
from heliograph.pipeline.outcome import Attempt, Delivered, Outcome, Retry, TooLarge


class Lines:
    """An encoder whose request is a line for each item; lines behind one another are a request too."""

    def encode(self, items: Sequence[Any], /) -> tuple[bytes, int]:
        sound = [item for item in items if item != "broken"]
        return "".join(f"{item}\n" for item in sound).encode(), len(items) - len(sound)


class Destination:
    """Down until ``is_up``; takes at most ``most`` items at once; while ``is_stalled`` an attempt does not end."""

    takes_items = False

    def __init__(self, *, is_up: bool = True, most: int = 1 << 30) -> None:
        self.is_up = is_up
        self.most = most
        self.bodies: list[bytes] = []
        self.attempts = 0
        self.closed = 0
        self.is_stalled = False
        self._goes_on = threading.Event()

    @property
    def lines(self) -> list[str]:
        """What arrived, in the order of arrival."""
        return b"".join(self.bodies).decode().splitlines()

    def prepare(self, batch: Batch) -> Attempt:
        return lambda timeout_s: self._send(batch, timeout_s)

    def close(self) -> None:
        self.closed += 1
        self._goes_on.set()

    def _send(self, batch: Batch, timeout_s: float) -> Outcome:
        self.attempts += 1
        if self.is_stalled:
            self._goes_on.wait(min(30.0, timeout_s))
            return Retry(reason="no answer in time", may_have_arrived=True)
        if not self.is_up:
            return Retry(reason="down")
        if batch.count > self.most:
            return TooLarge(reason="too large")
        self.bodies.append(batch.body)
        return Delivered()
