"""OTLP over gRPC: the same request bytes in a raw unary call.

Source of what each status means: OTLP specification, "OTLP/gRPC Response", with its table of retryable codes;
``RESOURCE_EXHAUSTED`` is retryable only when the server adds a ``RetryInfo``. Whether the batch may have arrived although the
attempt ends in ``Retry`` (``may_have_arrived``):

    no name, no connection, TLS                no   the call never left: gRPC says that it failed to connect
    any status with RetryInfo                  no   the server says that it did not take it
    ABORTED, OUT_OF_RANGE, RESOURCE_EXHAUSTED  no   the server's alone, and it says so
    CANCELLED, DEADLINE_EXCEEDED, DATA_LOSS    yes  the server may have been done
    UNAVAILABLE on a connection                yes  closed before an answer, or the server's own: gRPC does not say which

An attempt of less than a second may end before gRPC gives up connecting: it is DEADLINE_EXCEEDED then, on the safe side.

gRPC reads the proxies of the environment itself (``grpc_proxy``, ``https_proxy``, ``http_proxy``, ``no_grpc_proxy``,
``no_proxy``); a proxy that fails is a connection that fails. Without a ``ca_file`` it trusts the authorities that it ships, or
those in the file that GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names.
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

from heliograph.exporters.otlp import LONGEST_HEARD_BYTES, Answered
from heliograph.exporters.tls import TlsFileError, client_context, read_pem, refusal
from heliograph.otlp.messages import SignalMessages
from heliograph.otlp.response import partial_success
from heliograph.pipeline.outcome import Delivered, Outcome, Rejected, Retry, TooLarge
from heliograph.settings.exporters import TlsFiles

# The codes that promise better times -> whether the batch may have arrived all the same.
_RETRYABLE: Final[Mapping[Any, bool]] = {
    grpc.StatusCode.CANCELLED: True,
    grpc.StatusCode.DEADLINE_EXCEEDED: True,
    grpc.StatusCode.ABORTED: False,
    grpc.StatusCode.OUT_OF_RANGE: False,
    grpc.StatusCode.UNAVAILABLE: True,
    grpc.StatusCode.DATA_LOSS: True,
}
# gRPC reconnects on its own schedule, up to two minutes apart; our retries already wait, so its waits are kept short.
_CHANNEL_OPTIONS: Final = (("grpc.initial_reconnect_backoff_ms", 500), ("grpc.max_reconnect_backoff_ms", 2000))
# A connection gets most of an attempt's time and not all: so it is gRPC that gives it up, and says what it waited for.
_CONNECTING_SHARE: Final = 0.8
_LONGEST_ANSWER_BYTES: Final = 4 * 1024 * 1024

# What gRPC's own texts begin with when a call was never sent.
_NOT_CONNECTED: Final = "failed to connect to all addresses"
_NOT_RESOLVED: Final = ("errors resolving", "DNS resolution failed")
# The first row whose text is in them says what went wrong with a connection over TLS.
_HANDSHAKE_FAILURES: Final[tuple[tuple[str, str], ...]] = (
    ("Handshake read failed", "TLS: no handshake in time"),
    ("Socket closed", "TLS: connection closed after the handshake; the server may want another client certificate"),
    ("Connection reset", "TLS: connection closed during the handshake"),
    ("handshake failed", "TLS: handshake failed"),
)


class OtlpGrpcTransport:
    """Calls the export method of one signal on one channel. Used by one delivery thread at a time.

    ``tls`` are the files for an https endpoint: read now, where :class:`~heliograph.exporters.tls.TlsFileError` tells of one
    that cannot be used, and for each new channel. A channel that could not connect is replaced at the next attempt.
    """

    def __init__(
        self,
        messages: SignalMessages,
        endpoint: str,
        *,
        headers: Mapping[str, str],
        compression: str,
        tls: TlsFiles | None = None,
    ) -> None:
        self.answered: Answered | None = None
        self._messages = messages
        parts = urlsplit(endpoint)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        self._target = f"{host}:{port}"
        self._is_tls = parts.scheme == "https"
        self._files = tls or TlsFiles()
        if tls is not None:
            client_context(tls)
        # gRPC metadata keys are lower case.
        self._metadata = tuple((name.lower(), value) for name, value in headers.items())
        self._compression = grpc.Compression.Gzip if compression == "gzip" else grpc.Compression.NoCompression
        self._channel: Any = None
        self._channel_pid = 0

    def pack(self, body: bytes) -> bytes:
        return body  # gRPC compresses each message itself

    def send(self, packed: bytes, timeout_s: float) -> Outcome:
        self.answered = None
        try:
            answer: bytes = self._call(packed, timeout_s)
        except grpc.RpcError as error:
            return self._outcome(error)
        except TlsFileError as error:
            return Retry(reason=f"TLS: {error.option} cannot be used at {self._target}", is_refusal=True)
        except TypeError:  # gRPC's for metadata of another type; settings let none of it through
            return Rejected(reason="a header that gRPC cannot carry")
        rejected, reason = partial_success(self._messages, answer)
        return Delivered(rejected=rejected, reason=f"partial success: {reason[:200]}" if rejected else "")

    def close(self) -> None:
        if self._channel is not None and self._channel_pid == os.getpid():
            self._channel.close()
            self._channel = None

    def _call(self, packed: bytes, timeout_s: float) -> bytes:
        # A channel does not survive a fork.
        if self._channel is None or self._channel_pid != os.getpid():
            self._channel, self._channel_pid = self._open(timeout_s), os.getpid()
        call = self._channel.unary_unary(self._messages.grpc_method)
        answer: bytes
        options = {"timeout": timeout_s, "metadata": self._metadata, "compression": self._compression}
        answer, ended = call.with_call(packed, **options)
        self._note("OK", ended, answer)
        return answer

    def _note(self, code: str, ended: Any, said: bytes) -> None:
        headers = dict((*(ended.initial_metadata() or ()), *(ended.trailing_metadata() or ())))
        self.answered = Answered(status=code, headers=headers, body=said[:LONGEST_HEARD_BYTES])

    def _open(self, timeout_s: float) -> Any:
        options = (
            *_CHANNEL_OPTIONS,
            ("grpc.min_reconnect_backoff_ms", max(1, round(timeout_s * _CONNECTING_SHARE * 1000))),
            ("grpc.max_receive_message_length", _LONGEST_ANSWER_BYTES),
        )
        if not self._is_tls:
            return grpc.insecure_channel(self._target, options=options)
        pem = read_pem(self._files)
        credentials = grpc.ssl_channel_credentials(root_certificates=pem.ca, private_key=pem.key, certificate_chain=pem.cert)
        return grpc.secure_channel(self._target, credentials, options=options)

    def _outcome(self, error: Any) -> Outcome:
        code, details = error.code(), error.details() or ""
        reason = f"gRPC {code.name} from {self._target}"
        if code is grpc.StatusCode.UNAVAILABLE and details.startswith((_NOT_CONNECTED, *_NOT_RESOLVED)):
            self.close()
            return self._unconnected(details, reason)
        self._note(code.name, error, details.encode(errors="replace"))
        after_s = _retry_info_s(error)
        if code in _RETRYABLE or (code is grpc.StatusCode.RESOURCE_EXHAUSTED and after_s is not None):
            return Retry(reason=reason, after_s=after_s, may_have_arrived=after_s is None and _RETRYABLE[code])
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in details:
            return self._larger_than_max(details, reason)
        return Rejected(reason=reason)

    def _unconnected(self, details: str, reason: str) -> Retry:
        if details.startswith(_NOT_RESOLVED):
            return Retry(reason=f"DNS: the name does not resolve at {self._target}")
        if not self._is_tls:
            return Retry(reason=reason)
        if (refused := refusal(details)) is not None:
            return Retry(reason=f"{refused} at {self._target}", is_refusal=True)
        name = next((name for text, name in _HANDSHAKE_FAILURES if text in details), None)
        return Retry(reason=reason if name is None else f"{name} at {self._target}")

    def _larger_than_max(self, details: str, reason: str) -> Outcome:
        """What gRPC itself says when a message exceeds the receiver's limit; it says whose limit since 1.66."""
        if "CLIENT:" in details:
            return Delivered()  # it is the answer that is too long to be read, and only a call that succeeds has one
        return TooLarge(reason=reason)


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
