"""OTLP to a collector: hands the request that was encoded for all destinations to a transport."""

from __future__ import annotations

from typing import Protocol

from heliograph.pipeline.batch import Batch
from heliograph.pipeline.outcome import Attempt, Outcome


class Transport(Protocol):
    """Carries encoded requests of one signal. ``pack`` is called once a batch, ``send`` once an attempt."""

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

    def prepare(self, batch: Batch) -> Attempt:
        packed = self._transport.pack(batch.body)
        return lambda timeout_s: self._transport.send(packed, timeout_s)

    def close(self) -> None:
        self._transport.close()
