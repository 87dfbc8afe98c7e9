"""OTLP over HTTP with protobuf bodies, on one kept-alive connection, over TLS for https, through the environment's proxy.

Source of what each answer means: OTLP specification, "OTLP/HTTP Response". 2xx is success, and only 2xx; redirects are not
followed. What ends in ``Retry``, and whether the batch may have arrived all the same (``may_have_arrived``):

    429, 503                                                    no   the server says that it did not take it
    502, 504                                                    yes  a gateway says so; the server behind it may have it
    name, connection, proxy, TLS handshake, client certificate  no   nothing of the request was taken in
    request not sent to its end                                 no   a server acts on complete requests only
    no answer in time, closed, no HTTP, after the request       yes  nobody knows

An answer's body is read up to 4 MiB, packed and unpacked, and only the attempt's status decides when there is more.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401  # else the first connection loads it on the delivery thread, where a fork may cut it off
import gzip
import http.client
import os
import ssl
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from heliograph.__about__ import __version__
from heliograph.exporters.http_deadline import (
    ANSWERING,
    CONNECTING,
    Answer,
    AttemptError,
    Deadline,
    DeadlineSocket,
    connect,
    failing_as,
)
from heliograph.exporters.otlp import LONGEST_HEARD_BYTES, Answered
from heliograph.exporters.proxy import Proxy, host_and_port, proxy_for
from heliograph.exporters.tls import client_context, refusal, shake_hands
from heliograph.otlp.messages import SignalMessages
from heliograph.otlp.response import partial_success
from heliograph.pipeline.outcome import Delivered, Outcome, Rejected, Retry, TooLarge
from heliograph.settings.exporters import TlsFiles

# The answers that promise better times -> whether the batch may have arrived all the same.
_RETRYABLE: Final[Mapping[int, bool]] = {429: False, 502: True, 503: False, 504: True}
_TOO_LARGE: Final = 413
_PROXY_WANTS_CREDENTIALS: Final = 407
_LONGEST_ANSWER_BYTES: Final = 4 * 1024 * 1024
_PIECE_BYTES: Final = 64 * 1024
_LONGEST_WAIT_S: Final = 10 * 365 * 86400.0  # what is told beyond is no number that clocks can add to the time
_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}
_URL_CHARACTERS: Final = "/%:@!$&'()*+,;=?~-._[]"


def signal_url(endpoint: str, path: str) -> str:
    """The URL of one signal: ``endpoint`` with ``path`` appended, unless it ends with it already."""
    parts = urlsplit(endpoint)
    base = parts.path.rstrip("/")
    return urlunsplit(parts._replace(path=base if base.endswith(path) else base + path))


class _Route:
    """How to get to a URL: directly or through a proxy, in plain or over TLS."""

    def __init__(self, url: str, tls: TlsFiles | None, environ: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self.place = parts.netloc.rpartition("@")[2]
        self._is_tls = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._files = tls or TlsFiles()
        if tls is not None:
            client_context(tls)
        path, query = quote(parts.path or "/", safe=_URL_CHARACTERS), quote(parts.query, safe=_URL_CHARACTERS)
        self.target = f"{path}?{query}" if query else path
        self._proxy: Proxy | None = None
        self._unusable: AttemptError | None = None
        try:
            self._proxy = proxy_for(parts.scheme, self._host, self._port, environ)
        except AttemptError as error:
            self._unusable = error
        self.host_header = self._authority(parts.scheme)
        self.forwarder = None if self._is_tls else self._proxy
        if self.forwarder is not None:
            self.target = f"http://{self.host_header}{self.target}"

    def open(self, deadline: Deadline) -> DeadlineSocket:
        """Connect; raises :class:`AttemptError`. Nothing of a request is sent."""
        if self._unusable is not None:
            raise self._unusable.with_traceback(None)
        if self._proxy is not None:
            sock = self._proxy.connect(deadline)
        else:
            with failing_as(CONNECTING):
                sock = connect(self._host, self._port, deadline)
        try:
            if self._is_tls and self._proxy is not None:
                self._proxy.open_tunnel(sock, self._ascii_host(), self._port)
            if self._is_tls:
                shake_hands(sock, self._files, self._host)
        except BaseException:
            sock.close()
            raise
        return sock

    def _authority(self, scheme: str) -> str:
        shown = host_and_port(self._ascii_host(), self._port)
        return shown.rpartition(":")[0] if self._port == _PORTS[scheme] else shown

    def _ascii_host(self) -> str:
        try:
            return self._host if self._host.isascii() else self._host.encode("idna").decode("ascii")
        except UnicodeError:
            return quote(self._host)  # no name that resolves; it never gets to a server


class _Connection(http.client.HTTPConnection):
    """Requests and answers on a socket that is opened and closed by the transport."""

    response_class = Answer
    auto_open = 0
    sock: Any

    def __init__(self, sock: DeadlineSocket) -> None:
        super().__init__("")
        self.sock = sock


class OtlpHttpTransport:
    """Posts requests of one signal to one URL over a kept-alive connection. Used by one delivery thread at a time.

    ``tls`` are the files for an https endpoint: read now, where :class:`~heliograph.exporters.tls.TlsFileError` tells of one
    that cannot be used, and for each new connection. ``environ`` names the proxies; it is read now.
    """

    def __init__(
        self,
        messages: SignalMessages,
        endpoint: str,
        *,
        headers: Mapping[str, str],
        compression: str,
        tls: TlsFiles | None = None,
        append_path: bool = True,
        environ: Mapping[str, str] = os.environ,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.answered: Answered | None = None
        self._messages = messages
        self._route = _Route(signal_url(endpoint, messages.http_path) if append_path else endpoint, tls, environ)
        self._is_gzip = compression == "gzip"
        self._now = now
        self._headers = self._all_headers(headers)
        self._connection: _Connection | None = None
        self._pid = os.getpid()
        self._left_to_parent: list[_Connection] = []

    def pack(self, body: bytes) -> bytes:
        # Level 1 takes a third of the time of level 6, for requests that are 4% longer (measured on spans with 5 attributes).
        return gzip.compress(body, compresslevel=1, mtime=0) if self._is_gzip else body

    def send(self, packed: bytes, timeout_s: float) -> Outcome:
        self.answered = None
        try:
            return self._attempt(packed, Deadline(timeout_s))
        except AttemptError as error:
            self.close()
            reason = f"{error.reason} at {error.place or self._route.place}"
            return Retry(reason=reason, may_have_arrived=error.may_have_arrived, is_refusal=error.is_refusal)
        except ValueError:  # http.client's for what no request can hold; settings let none of it through
            self.close()
            return Rejected(reason="a header that HTTP cannot carry")

    def close(self) -> None:
        self._leave_parents()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _all_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        ours = {
            "Host": self._route.host_header,
            "Content-Type": "application/x-protobuf",
            "User-Agent": f"heliograph/{__version__}",
            **({"Content-Encoding": "gzip"} if self._is_gzip else {}),
            **(self._route.forwarder.headers if self._route.forwarder is not None else {}),
        }
        given = {name.lower() for name in headers}
        return {**{name: value for name, value in ours.items() if name.lower() not in given}, **headers}

    def _leave_parents(self) -> None:
        """A forked child must not write into its parent's connection, nor touch the locks of its readers."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            if self._connection is not None and self._connection.sock is not None:
                self._connection.sock.abandon()
                self._left_to_parent.append(self._connection)  # collecting it would take those locks
            self._connection = None

    def _ready_connection(self, deadline: Deadline) -> _Connection:
        self._leave_parents()
        if self._connection is not None:
            if self._connection.sock is not None and self._connection.sock.is_quiet():
                self._connection.sock.deadline = deadline
                return self._connection
            self.close()  # the server closed it while it was idle, or said what nobody asked for
        self._connection = _Connection(self._route.open(deadline))
        return self._connection

    def _attempt(self, packed: bytes, deadline: Deadline) -> Outcome:
        connection = self._ready_connection(deadline)
        is_sent = _send(connection, self._route.target, packed, self._headers)
        answer = _answer(connection, is_sent=is_sent)
        body, is_at_end = _read(answer)
        answer.close()
        if not is_at_end:
            self.close()
        return self._outcome(answer, body)

    def _outcome(self, answer: http.client.HTTPResponse, body: bytes) -> Outcome:
        status = answer.status
        headers = {name.lower(): value for name, value in answer.headers.items()}
        self.answered = Answered(status=str(status), headers=headers, body=body[:LONGEST_HEARD_BYTES])
        if 200 <= status < 300:
            rejected, reason = partial_success(self._messages, _unpacked(body, answer.headers.get("Content-Encoding", "")))
            return Delivered(rejected=rejected, reason=f"partial success: {reason[:200]}" if rejected else "")
        if status == _PROXY_WANTS_CREDENTIALS and self._route.forwarder is not None:
            raise self._route.forwarder.refusing(status)
        reason = f"HTTP {status} from {self._route.place}"
        if status == _TOO_LARGE:
            return TooLarge(reason=reason)
        if status in _RETRYABLE:
            after_s = self._seconds(answer.headers.get("Retry-After"))
            return Retry(reason=reason, after_s=after_s, may_have_arrived=_RETRYABLE[status])
        return Rejected(reason=reason)

    def _seconds(self, retry_after: str | None) -> float | None:
        """``Retry-After`` in either form of RFC 9110, section 10.2.3, as seconds from now; None when it says nothing."""
        if retry_after is None:
            return None
        text = retry_after.strip()
        if text.isascii() and text.isdigit():
            return min(float(text), _LONGEST_WAIT_S)
        try:
            at = parsedate_to_datetime(text)
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            return min(max(0.0, (at - self._now()).total_seconds()), _LONGEST_WAIT_S)
        except (ValueError, OverflowError, TypeError, IndexError):  # the parser's, for what is no date
            return None


def _send(connection: _Connection, target: str, packed: bytes, headers: Mapping[str, str]) -> bool:
    """Send a request; returns whether all of it went out. A server that stops reading may have answered nevertheless."""
    try:
        connection.request("POST", target, body=packed, headers=headers)
    except TimeoutError as error:
        raise AttemptError("request not sent in time") from error
    except OSError:
        return False
    return True


def _answer(connection: _Connection, *, is_sent: bool) -> http.client.HTTPResponse:
    try:
        with failing_as(ANSWERING, may_have_arrived=is_sent):
            return connection.getresponse()
    except AttemptError as error:
        # With TLS 1.3 a server checks the client's certificate when the client has already begun to send.
        if isinstance(error.__cause__, ssl.SSLError) and (reason := refusal(str(error.__cause__))) is not None:
            raise AttemptError(reason, is_refusal=True) from error
        if isinstance(error.__cause__, http.client.BadStatusLine) and str(error.__cause__).startswith("\x15\x03"):
            raise AttemptError("TLS: the server expects https", is_refusal=True) from error  # it sent a TLS alert
        raise


def _read(answer: http.client.HTTPResponse) -> tuple[bytes, bool]:
    """The body, and whether the connection stands at its end. What cannot be read to its end is as good as empty."""
    body = bytearray()
    try:
        while piece := answer.read1(_PIECE_BYTES):
            body += piece
            if len(body) > _LONGEST_ANSWER_BYTES:
                return b"", False
    except (OSError, ValueError, http.client.HTTPException):  # ValueError: a length that is no number
        return b"", False
    is_cut = bool(answer.length)  # closed before it was all there
    return b"" if is_cut else bytes(body), not (is_cut or answer.will_close)


def _unpacked(body: bytes, encoding: str) -> bytes:
    """The body as it was before ``Content-Encoding``; empty when it cannot be unpacked within the limit."""
    if encoding.strip().lower() in ("", "identity"):
        return body
    try:
        unpacked = zlib.decompressobj(wbits=32 + zlib.MAX_WBITS).decompress(body, _LONGEST_ANSWER_BYTES + 1)
    except zlib.error:
        return b""
    return unpacked if len(unpacked) <= _LONGEST_ANSWER_BYTES else b""
