"""OTLP to a collector: encodes a batch once with the signal's encoder and hands the bytes to a transport."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from heliograph.otlp.messages import SignalMessages
from heliograph.pipeline.outcome import Delivered, Outcome, Shipment


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

    def __init__(self, messages: SignalMessages, transport: Transport) -> None:
        self._encoder = messages.encoder()
        self._transport = transport

    def prepare(self, items: Sequence[Any]) -> Shipment:
        body, broken = self._encoder.encode(items)
        if not body:
            return Shipment(send=lambda _timeout_s: Delivered(), unencodable=broken)
        packed = self._transport.pack(body)
        return Shipment(send=lambda timeout_s: self._transport.send(packed, timeout_s), unencodable=broken)

    def close(self) -> None:
        self._transport.close()
