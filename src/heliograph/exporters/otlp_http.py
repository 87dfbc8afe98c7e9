"""OTLP over HTTP with protobuf bodies.

Source of what each answer means: OTLP specification, "OTLP/HTTP Response"; retryable are 429, 502, 503 and 504, and
connection failures. Redirects are not followed. An answer is read up to 4 MiB.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401  # else the first connection loads it on the delivery thread, where a fork may cut it off
import gzip
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import urllib3

from heliograph.__about__ import __version__
from heliograph.exporters.http_deadline import pool_manager
from heliograph.otlp.messages import SignalMessages
from heliograph.otlp.response import partial_success
from heliograph.pipeline.outcome import Delivered, Outcome, Rejected, Retry, TooLarge

_RETRYABLE: Final = frozenset({429, 502, 503, 504})
_TOO_LARGE: Final = 413
_LONGEST_ANSWER_BYTES: Final = 4 * 1024 * 1024


def signal_url(endpoint: str, path: str) -> str:
    """The URL of one signal: ``endpoint`` with ``path`` appended, unless it ends with it already."""
    parts = urlsplit(endpoint)
    base = parts.path.rstrip("/")
    return urlunsplit(parts._replace(path=base if base.endswith(path) else base + path))


class OtlpHttpTransport:
    """Posts requests of one signal to one URL over kept-alive connections. Used by one delivery thread at a time."""

    def __init__(
        self,
        messages: SignalMessages,
        endpoint: str,
        *,
        headers: Mapping[str, str],
        compression: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._messages = messages
        self._url = signal_url(endpoint, messages.http_path)
        self._place = urlsplit(self._url).netloc.rpartition("@")[2]
        self._is_gzip = compression == "gzip"
        self._now = now
        self._headers = {
            "Content-Type": "application/x-protobuf",
            "User-Agent": f"heliograph/{__version__}",
            **({"Content-Encoding": "gzip"} if self._is_gzip else {}),
            **headers,
        }
        self._pool: urllib3.PoolManager | None = None
        self._pool_pid = 0

    def pack(self, body: bytes) -> bytes:
        return gzip.compress(body, compresslevel=6, mtime=0) if self._is_gzip else body

    def send(self, packed: bytes, timeout_s: float) -> Outcome:
        try:
            answer = self._connections().request(
                "POST",
                self._url,
                body=packed,
                headers=self._headers,
                timeout=urllib3.Timeout(total=timeout_s),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            body = _body(answer)
        except urllib3.exceptions.HTTPError as error:
            return Retry(reason=f"{_failure(error)} at {self._place}")
        return self._outcome(answer.status, answer.headers.get("Retry-After"), body)

    def close(self) -> None:
        if self._pool is not None and self._pool_pid == os.getpid():
            # clear() leaves closing to finalisers, which do not run any more when the interpreter exits.
            for key in list(self._pool.pools.keys()):  # a container of urllib3's own, which cannot be iterated
                self._pool.pools[key].close()
            self._pool.clear()

    def _connections(self) -> urllib3.PoolManager:
        # A forked child must not write into its parent's sockets.
        if self._pool is None or self._pool_pid != os.getpid():
            self._pool, self._pool_pid = pool_manager(), os.getpid()
        return self._pool

    def _outcome(self, status: int, retry_after: str | None, body: bytes) -> Outcome:
        if 200 <= status < 300:
            rejected, reason = partial_success(self._messages, body)
            return Delivered(rejected=rejected, reason=f"partial success: {reason[:200]}" if rejected else "")
        reason = f"HTTP {status} from {self._place}"
        if status == _TOO_LARGE:
            return TooLarge(reason=reason)
        if status in _RETRYABLE:
            return Retry(reason=reason, after_s=self._seconds(retry_after))
        return Rejected(reason=reason)

    def _seconds(self, retry_after: str | None) -> float | None:
        """``Retry-After`` in either form of RFC 9110, section 10.2.3, as seconds from now; None when it says nothing."""
        if retry_after is None:
            return None
        text = retry_after.strip()
        if text.isascii() and text.isdigit():
            return float(text)
        try:
            at = parsedate_to_datetime(retry_after)
        except (ValueError, OverflowError):
            return None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0.0, (at - self._now()).total_seconds())


def _body(answer: urllib3.BaseHTTPResponse) -> bytes:
    """The body as far as it can be read: the status counts, whatever its body is."""
    try:
        body = answer.read(_LONGEST_ANSWER_BYTES, decode_content=True)
    except urllib3.exceptions.HTTPError:
        answer.close()
        return b""
    answer.close() if answer.length_remaining else answer.release_conn()
    return body


# The first row whose type fits names the failure. The exceptions' own texts hold object addresses: each would be new.
_FAILURES: Final[tuple[tuple[type[urllib3.exceptions.HTTPError], str], ...]] = (
    (urllib3.exceptions.NameResolutionError, "DNS: the name does not resolve"),
    (urllib3.exceptions.NewConnectionError, "connection refused or unreachable"),
    (urllib3.exceptions.ConnectTimeoutError, "no connection in time"),
    (urllib3.exceptions.ReadTimeoutError, "no answer in time"),
    (urllib3.exceptions.ProtocolError, "connection closed early"),
)


def _failure(error: urllib3.exceptions.HTTPError) -> str:
    if isinstance(error, urllib3.exceptions.SSLError):
        return f"TLS: {error}"
    return next((name for kind, name in _FAILURES if isinstance(error, kind)), type(error).__name__)
