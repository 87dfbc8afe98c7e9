"""OTLP receivers in this process that keep what they get and answer as they are told."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_REQUESTS = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}


@dataclass
class Answer:
    """What the receiver says to one request. ``delay_s`` comes first; status 0 closes the connection without a word."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_s: float = 0.0
    details: str = "told to"


class OtlpReceiver:
    """Keeps every request that it answered with 200; ``answers`` are given in order, then 200 for good."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.attempts = 0
        self.attempted_at: list[float] = []
        self.url = ""
        self._lock = threading.Lock()

    def next_answer(self) -> Answer:
        with self._lock:
            self.attempts += 1
            self.attempted_at.append(time.monotonic())
            return self.answers.pop(0) if self.answers else Answer()

    def keep(self, signal: str, headers: dict[str, str], body: bytes) -> None:
        with self._lock:
            self.requests.append((signal, headers, _REQUESTS[signal].FromString(body)))

    def spans(self) -> list[Any]:
        return [span for batch in self.batches() for span in batch]

    def batches(self) -> list[list[Any]]:
        """The spans of each request."""
        with self._lock:
            received = [message for signal, _headers, message in self.requests if signal == "traces"]
        return [
            [span for part in message.resource_spans for scope in part.scope_spans for span in scope.spans]
            for message in received
        ]

    def span_ids(self) -> list[bytes]:
        return [span.span_id for span in self.spans()]

    def log_records(self) -> list[Any]:
        with self._lock:
            received = [message for signal, _headers, message in self.requests if signal == "logs"]
        return [
            record
            for message in received
            for resource in message.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    def metric_names(self) -> set[str]:
        with self._lock:
            received = [message for signal, _headers, message in self.requests if signal == "metrics"]
        return {
            metric.name
            for message in received
            for resource in message.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@contextmanager
def http_receiver(port: int = 0) -> Iterator[OtlpReceiver]:
    """An OTLP/HTTP receiver on loopback."""
    receiver = OtlpReceiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            answer = receiver.next_answer()
            time.sleep(answer.delay_s)
            if answer.status == 0:
                self.close_connection = True
                return
            if answer.status == 200:
                receiver.keep(self.path.rsplit("/", 1)[-1], dict(self.headers), body)
            try:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)
            except OSError:
                self.close_connection = True  # the client gave up waiting

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def grpc_receiver() -> Iterator[OtlpReceiver]:
    """An OTLP/gRPC receiver on loopback. An answer's status is the number of a gRPC code; 200 is OK; its headers are sent
    as trailing metadata (bytes for names that end in -bin)."""
    receiver = OtlpReceiver()
    codes = {code.value[0]: code for code in grpc.StatusCode}

    class Service(grpc.GenericRpcHandler):
        def service(self, details: Any) -> Any:
            signal = details.method.split(".")[3]
            signal = {"trace": "traces"}.get(signal, signal)
            headers = dict(details.invocation_metadata)

            def export(body: bytes, context: Any) -> bytes:
                answer = receiver.next_answer()
                time.sleep(answer.delay_s)
                if answer.status != 200:
                    context.set_trailing_metadata(tuple(answer.headers.items()))
                    context.abort(codes[answer.status], answer.details)
                receiver.keep(signal, headers, body)
                return answer.body

            return grpc.unary_unary_rpc_method_handler(export)

    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=(Service(),))
    port = server.add_insecure_port("127.0.0.1:0")
    receiver.url = f"http://127.0.0.1:{port}"
    server.start()
    try:
        yield receiver
    finally:
        server.stop(0).wait()
