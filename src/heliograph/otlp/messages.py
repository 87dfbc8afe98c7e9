"""One row a signal: how its items become an OTLP request message, and what the answer looks like.

Source of the messages and paths: OTLP specification 1.x, "OTLP/HTTP Request" and
"OTLP/gRPC".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

from heliograph.otlp.logs import LogEncoder
from heliograph.otlp.metrics import MetricEncoder
from heliograph.otlp.traces import TraceEncoder


class Encoder(Protocol):
    """Turns items of one signal into the bytes of a request. Keeps what it learnt; used by one thread."""

    def encode(self, items: Sequence[Any], /) -> tuple[bytes, int]:
        """The request, and how many items (for metrics: data points) are not in it because nothing can carry them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalMessages:
    """``encoder`` makes an encoder of SDK items; ``rejected`` is the field of partial_success that counts refused ones."""

    encoder: Callable[[], Encoder]
    request: type[Message]
    response: type[Message]
    rejected: str
    http_path: str
    grpc_method: str


SIGNALS: Final[Mapping[str, SignalMessages]] = {
    "traces": SignalMessages(
        encoder=TraceEncoder,
        request=ExportTraceServiceRequest,
        response=ExportTraceServiceResponse,
        rejected="rejected_spans",
        http_path="/v1/traces",
        grpc_method="/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    ),
    "metrics": SignalMessages(
        encoder=MetricEncoder,
        request=ExportMetricsServiceRequest,
        response=ExportMetricsServiceResponse,
        rejected="rejected_data_points",
        http_path="/v1/metrics",
        grpc_method="/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    ),
    "logs": SignalMessages(
        encoder=LogEncoder,
        request=ExportLogsServiceRequest,
        response=ExportLogsServiceResponse,
        rejected="rejected_log_records",
        http_path="/v1/logs",
        grpc_method="/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    ),
}
