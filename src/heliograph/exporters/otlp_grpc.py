"""OTLP over gRPC: the same request bytes in a raw unary call.

Source of what each status means: OTLP specification, "OTLP/gRPC Response", with its table of retryable codes;
``RESOURCE_EXHAUSTED`` is retryable only when the server adds a ``RetryInfo``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from heliograph.otlp.messages import SignalMessages
from heliograph.otlp.response import partial_success
from heliograph.pipeline.outcome import Delivered, Outcome, Rejected, Retry, TooLarge

_RETRYABLE: Final = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
# gRPC reconnects on its own schedule, up to two minutes apart; our retries already wait, so its waits are kept short.
_CHANNEL_OPTIONS: Final = (("grpc.initial_reconnect_backoff_ms", 500), ("grpc.max_reconnect_backoff_ms", 2000))


class OtlpGrpcTransport:
    """Calls the export method of one signal on one channel. Used by one delivery thread at a time."""

    def __init__(self, messages: SignalMessages, endpoint: str, *, headers: Mapping[str, str], compression: str) -> None:
        self._messages = messages
        parts = urlsplit(endpoint)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        self._target = f"{host}:{port}"
        self._is_tls = parts.scheme == "https"
        # gRPC metadata keys are lower case.
        self._metadata = tuple((name.lower(), value) for name, value in headers.items())
        self._compression = grpc.Compression.Gzip if compression == "gzip" else grpc.Compression.NoCompression
        self._channel: Any = None
        self._channel_pid = 0

    def pack(self, body: bytes) -> bytes:
        return body  # gRPC compresses each message itself

    def send(self, packed: bytes, timeout_s: float) -> Outcome:
        try:
            answer: bytes = self._call(packed, timeout_s)
        except grpc.RpcError as error:
            return self._outcome(error)
        rejected, reason = partial_success(self._messages, answer)
        return Delivered(rejected=rejected, reason=f"partial success: {reason[:200]}" if rejected else "")

    def close(self) -> None:
        if self._channel is not None and self._channel_pid == os.getpid():
            self._channel.close()
            self._channel = None

    def _call(self, packed: bytes, timeout_s: float) -> bytes:
        # A channel does not survive a fork.
        if self._channel is None or self._channel_pid != os.getpid():
            self._channel, self._channel_pid = self._open(), os.getpid()
        call = self._channel.unary_unary(self._messages.grpc_method)
        answer: bytes = call(packed, timeout=timeout_s, metadata=self._metadata, compression=self._compression)
        return answer

    def _open(self) -> Any:
        if self._is_tls:
            return grpc.secure_channel(self._target, grpc.ssl_channel_credentials(), options=_CHANNEL_OPTIONS)
        return grpc.insecure_channel(self._target, options=_CHANNEL_OPTIONS)

    def _outcome(self, error: Any) -> Outcome:
        code = error.code()
        reason = f"gRPC {code.name} from {self._target}"
        after_s = _retry_info_s(error)
        if code in _RETRYABLE or (code is grpc.StatusCode.RESOURCE_EXHAUSTED and after_s is not None):
            return Retry(reason=reason, after_s=after_s)
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in (error.details() or ""):
            return TooLarge(reason=reason)  # what gRPC itself says when a message exceeds the server's limit
        return Rejected(reason=reason)


def _retry_info_s(error: Any) -> float | None:
    """The wait in the status details (google.rpc.RetryInfo), in seconds; None when the server gave none that can be read."""
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    if details is None:
        return None
    info = RetryInfo()
    try:
        if not any(detail.Unpack(info) for detail in Status.FromString(details).details):
            return None
    except DecodeError:
        return None
    return float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9)
