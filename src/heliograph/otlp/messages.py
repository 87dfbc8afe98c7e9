"""One row a signal: how its items become an OTLP request message, and what the answer looks like.

The encoders are the official ones. Source of the messages and paths: OTLP specification 1.x, "OTLP/HTTP Request" and
"OTLP/gRPC".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.metrics.export import MetricsData


def _encode_collections(collections: Sequence[MetricsData]) -> Message:
    merged = ExportMetricsServiceRequest()
    for collection in collections:
        merged.MergeFrom(encode_metrics(collection))
    return merged


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalMessages:
    """``encode`` takes SDK items; ``rejected`` is the field of partial_success that counts refused ones."""

    encode: Callable[[Sequence[Any]], Message]
    response: type[Message]
    rejected: str
    http_path: str
    grpc_method: str


SIGNALS: Final[Mapping[str, SignalMessages]] = {
    "traces": SignalMessages(
        encode=encode_spans,
        response=ExportTraceServiceResponse,
        rejected="rejected_spans",
        http_path="/v1/traces",
        grpc_method="/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    ),
    "metrics": SignalMessages(
        encode=_encode_collections,
        response=ExportMetricsServiceResponse,
        rejected="rejected_data_points",
        http_path="/v1/metrics",
        grpc_method="/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    ),
    "logs": SignalMessages(
        encode=encode_logs,
        response=ExportLogsServiceResponse,
        rejected="rejected_log_records",
        http_path="/v1/logs",
        grpc_method="/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    ),
}


def encode_each_that_can_be(encode: Callable[[Sequence[Any]], Message], items: Sequence[Any]) -> tuple[Message, list[Any]]:
    """Encode ``items`` into one message, leaving out those that the encoder cannot take; returns the message and them.

    The official encoders raise for the whole batch when one item is broken (a lone surrogate, a timestamp out of range),
    so after a failure each item is tried alone.
    """
    try:
        return _checked(encode(items)), []
    except Exception:  # any value a user recorded may break the encoder in any way; the items are tried one by one
        usable, broken = _sorted_out(encode, items)
    return encode(usable), broken


def _sorted_out(encode: Callable[[Sequence[Any]], Message], items: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    usable: list[Any] = []
    broken: list[Any] = []
    for item in items:
        try:
            _checked(encode([item]))
        except Exception:  # as above: this item is the broken one, or one of them
            broken.append(item)
        else:
            usable.append(item)
    return usable, broken


def _checked(message: Message) -> Message:
    # Some values are accepted by the message and refused only when it is written.
    message.SerializeToString()
    return message
