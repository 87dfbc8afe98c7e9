"""OTLP to a collector: hands the request that was encoded for all destinations to a transport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from heliograph.pipeline.batch import Batch
from heliograph.pipeline.outcome import Attempt, Outcome

LONGEST_HEARD_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a server said to an attempt, as far as people look at it: the status of HTTP or the name of a gRPC code, the
    headers or metadata (names in lower case), and the beginning of the body or the details."""

    status: str
    headers: Mapping[str, Any]
    body: bytes


class Transport(Protocol):
    """Carries encoded requests of one signal. ``pack`` is called once a batch, ``send`` once an attempt."""

    answered: Answered | None
    """What the server said to the last attempt; None when it said nothing."""

    def pack(self, body: bytes) -> bytes:
        """Compress ``body`` if the transport does so itself."""

    def send(self, packed: bytes, timeout_s: float) -> Outcome:
        """Make one attempt of at most ``timeout_s`` seconds."""

    def close(self) -> None:
        """Release the connections."""


class OtlpExporter:
    """An :class:`~heliograph.pipeline.outcome.Exporter` for any signal over any OTLP transport."""

    takes_items = False

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def answered(self) -> Answered | None:
        """What the server said to the last attempt; None when it said nothing."""
        return self._transport.answered

    def prepare(self, batch: Batch) -> Attempt:
        packed = self._transport.pack(batch.body)
        return lambda timeout_s: self._transport.send(packed, timeout_s)

    def close(self) -> None:
        self._transport.close()
