"""One row a signal: how its items become an OTLP request message, and what the answer looks like.

Source of the messages and paths: OTLP specification 1.x, "OTLP/HTTP Request" and
"OTLP/gRPC".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

from heliograph.otlp.logs import LogEncoder
from heliograph.otlp.metrics import MetricEncoder
from heliograph.otlp.traces import TraceEncoder

if TYPE_CHECKING:
    from google.protobuf.message import Message


class Encoder(Protocol):
    """Turns items of one signal into the bytes of a request. Keeps what it learnt; used by one thread."""

    def encode(self, items: Sequence[Any], /) -> tuple[bytes, int]:
        """The request, and how many items (for metrics: data points) are not in it because nothing can carry them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalMessages:
    """``encoder`` makes an encoder of items; ``rejected`` is the field of partial_success that counts refused ones.

    ``noun`` is how opentelemetry-proto names the signal's service.
    """

    noun: str
    encoder: Callable[[], Encoder]
    rejected: str
    http_path: str

    # protobuf is loaded where a message is read or shown; sending needs none.

    @property
    def request(self) -> type[Message]:
        """The class of the request message."""
        return self._message("Request")

    @property
    def response(self) -> type[Message]:
        """The class of the answer."""
        return self._message("Response")

    @property
    def grpc_method(self) -> str:
        """The full name of the method that takes a request."""
        return f"/opentelemetry.proto.collector.{self.noun}.v1.{self.noun.capitalize()}Service/Export"

    def _message(self, kind: str) -> type[Message]:
        module = import_module(f"opentelemetry.proto.collector.{self.noun}.v1.{self.noun}_service_pb2")
        message: type[Message] = getattr(module, f"Export{self.noun.capitalize()}Service{kind}")
        return message


SIGNALS: Final[Mapping[str, SignalMessages]] = {
    "traces": SignalMessages(noun="trace", encoder=TraceEncoder, rejected="rejected_spans", http_path="/v1/traces"),
    "metrics": SignalMessages(noun="metrics", encoder=MetricEncoder, rejected="rejected_data_points", http_path="/v1/metrics"),
    "logs": SignalMessages(noun="logs", encoder=LogEncoder, rejected="rejected_log_records", http_path="/v1/logs"),
}
