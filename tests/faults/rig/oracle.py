"""An OTLP receiver in a process of its own that writes down what it got before it answers, and fails as it is told.

Run as ``python -m tests.faults.rig.oracle PORT RECORD [--grpc]``. It prints the port it listens on; then each line on standard
input is a plan (``{"steps": [...], "then": {...}}``, see ``step.py``) that takes the place of the one before, answered with
``ok``. It ends when standard input does, so it never outlives its test. The record is appended to with one write a request:
what was acknowledged outlives a SIGKILL.
"""

from __future__ import annotations

import gzip
import json
import os
import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from typing import Any, NamedTuple

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.faults.rig.step import Step

HUGE_BYTES = 300 * 1024 * 1024
_REQUESTS: dict[str, Any] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}


class Kept(NamedTuple):
    """Numbers of items, and how many spans ended before they began."""

    items: list[str]
    negative: int = 0


NOTHING = Kept([])


class Record:
    """The file of everything received. One write a line; a line that a kill cut short is closed by the next start."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")

    def write(self, signal: str, size_bytes: int, answer: str, kept: Kept = NOTHING) -> None:
        line = {"signal": signal, "at": time.monotonic(), "size_bytes": size_bytes, "answer": answer, **kept._asdict()}
        os.write(self._file, json.dumps(line).encode() + b"\n")


class Plan:
    """The steps that requests take in order, and the one for all that follow."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._steps: list[Step] = []
        self._then = Step()

    def set(self, steps: list[dict[str, Any]], then: dict[str, Any]) -> None:
        with self._lock:
            self._steps, self._then = [Step(**step) for step in steps], Step(**then)

    def next(self) -> Step:
        with self._lock:
            return self._steps.pop(0) if self._steps else self._then


def kept_of(signal: str, body: bytes, rejected: int) -> Kept:
    """The attribute ``n`` of each span and log record; for metrics, each data point's metric name. Without the first
    ``rejected``."""
    message = _REQUESTS[signal].FromString(body)
    if signal == "metrics":
        names = [
            metric.name
            for resource in message.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for _point in getattr(metric, metric.WhichOneof("data")).data_points
        ]
        return Kept(names[rejected:])
    if signal == "logs":
        parts = (scope for resource in message.resource_logs for scope in resource.scope_logs)
        return Kept([_number(record) for scope in parts for record in scope.log_records][rejected:])
    spans = [span for resource in message.resource_spans for scope in resource.scope_spans for span in scope.spans]
    negative = sum(span.end_time_unix_nano < span.start_time_unix_nano for span in spans)
    return Kept([_number(span) for span in spans][rejected:], negative)


def _number(item: Any) -> str:
    for attribute in item.attributes:
        if attribute.key == "n":
            return str(attribute.value.string_value)
    return item.span_id.hex()


def partial_success(rejected: int) -> bytes:
    """An Export*ServiceResponse that refuses ``rejected`` (below 128) items; none for 0."""
    if not rejected:
        return b""
    inner = bytes((0x08, rejected, 0x12, 7)) + b"told to"
    return bytes((0x0A, len(inner))) + inner


class Connection:
    """One client over HTTP/1.1, served until it closes."""

    def __init__(self, connection: socket.socket, record: Record, plan: Plan) -> None:
        self._socket = connection
        self._record = record
        self._plan = plan
        self._unread = b""

    def serve(self) -> None:
        with suppress(OSError), self._socket:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while head := self._head():
                if not self._answer(head):
                    return

    def _head(self) -> dict[str, str]:
        while b"\r\n\r\n" not in self._unread:
            if not (got := self._socket.recv(262_144)):
                return {}
            self._unread += got
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        fields["signal"] = first.split(" ")[1].rsplit("/", 1)[-1]
        return fields

    def _body(self, length: int) -> bytes:
        parts, have = [self._unread], len(self._unread)
        while have < length:
            if not (got := self._socket.recv(262_144)):
                raise ConnectionError
            parts.append(got)
            have += len(got)
        whole = b"".join(parts)
        self._unread = whole[length:]
        return whole[:length]

    def _answer(self, head: dict[str, str]) -> bool:
        step, signal, length = self._plan.next(), head["signal"], int(head["content-length"])
        if step.how in ("unread", "reset"):
            self._record.write(signal, length, step.how)
            if step.how == "unread":
                threading.Event().wait()
            self._body(length // 2)
            return self._reset()
        body = self._body(length)
        if head.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        status = 413 if step.most_bytes and length > step.most_bytes else step.status
        kept = NOTHING
        if status == 200 and step.how != "hang":
            kept = kept_of(signal, body, step.rejected)
        time.sleep(step.delay_s)
        self._record.write(signal, length, step.how if step.how != "answer" else str(status), kept)
        return self._say(step, status)

    def _say(self, step: Step, status: int) -> bool:
        match step.how:
            case "hang":
                self._socket.recv(1)
            case "lost_answer":
                return self._reset()
            case "drip":
                self._send_head(200, {"Content-Length": "100000"})
                while True:
                    self._socket.sendall(b"x")
                    time.sleep(0.1)
            case "huge":
                self._send_head(200, {"Content-Length": str(HUGE_BYTES)})
                for _ in range(HUGE_BYTES // 2**20):
                    self._socket.sendall(bytes(2**20))
            case "bomb":
                packed = gzip.compress(bytes(HUGE_BYTES), 1)
                self._send_head(200, {"Content-Length": str(len(packed)), "Content-Encoding": "gzip"})
                self._socket.sendall(packed)
            case _:
                body = partial_success(step.rejected) if status == 200 else b""
                self._send_head(status, {"Content-Length": str(len(body)), **step.headers}, body)
        return step.how in ("answer", "huge", "bomb")

    def _send_head(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        lines = [f"HTTP/1.1 {status} Told", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self._socket.sendall("\r\n".join(lines).encode() + body)

    def _reset(self) -> bool:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False


def serve_http(port: int, record: Record, plan: Plan) -> int:
    listener = socket.create_server(("127.0.0.1", port), backlog=128)

    def accept() -> None:
        while True:
            connection, _address = listener.accept()
            threading.Thread(target=Connection(connection, record, plan).serve, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


def main(port: str, path: str, *options: str) -> None:
    record, plan = Record(path), Plan()
    if "--grpc" in options:
        # Slow to load, and most tests are about HTTP.
        from tests.faults.rig.oracle_grpc import serve_grpc as serve  # noqa: PLC0415
    else:
        serve = serve_http
    print(serve(int(port), record, plan), flush=True)
    for line in sys.stdin:
        plan.set(**json.loads(line))
        print("ok", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
