"""OTLP to a collector: encodes a batch once with the signal's encoder and hands the bytes to a transport."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from heliograph.otlp.messages import SignalMessages, encode_each_that_can_be
from heliograph.pipeline.outcome import Outcome, Shipment


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
        self._messages = messages
        self._transport = transport

    def prepare(self, items: Sequence[Any]) -> Shipment:
        message, broken = encode_each_that_can_be(self._messages.encode, items)
        packed = self._transport.pack(message.SerializeToString())
        return Shipment(send=lambda timeout_s: self._transport.send(packed, timeout_s), unencodable=len(broken))

    def close(self) -> None:
        self._transport.close()
