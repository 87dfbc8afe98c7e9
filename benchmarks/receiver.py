"""An OTLP/HTTP receiver in a process of its own: answers 200 to whatever it gets, and counts the spans.

Started by the benchmarks that deliver for real, which measure their own process only.
"""

from __future__ import annotations

import gzip
import http.server
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Receiver:
    """One that runs. ``url`` is the base, to which a client adds ``/v1/traces``."""

    url: str

    def count(self) -> int:
        """How many spans it has got so far."""
        with urllib.request.urlopen(self.url, timeout=10) as answer:  # noqa: S310 - our own, on loopback
            return int(answer.read())


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Start one on a free port of loopback, and end it."""
    command = [sys.executable, "-m", "benchmarks.receiver"]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        try:
            assert process.stdout is not None
            yield Receiver(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.terminate()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    spans = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        parts = ExportTraceServiceRequest.FromString(body).resource_spans
        _Handler.spans += sum(len(scope.spans) for part in parts for scope in part.scope_spans)
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(str(_Handler.spans).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


def _serve() -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    _serve()
