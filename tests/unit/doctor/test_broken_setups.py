"""Broken set-ups, a row each: a real server, what is configured for it, and what the doctor says of it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from heliograph.doctor.finding import Finding, Severity
from tests.support.certificates import Certificates
from tests.support.otlp_receiver import Answer, grpc_receiver, http_receiver
from tests.support.processes import free_port
from tests.support.raw_server import raw_server
from tests.support.routed_server import Reply, grpc_tls_server, routed_server
from tests.support.tls_server import old_server_context, server_context, tls_server

GRPC = {"protocol": "grpc"}
HTML = {"Content_Type": "text/html; charset=utf-8"}
SAYS_HELLO = "SSH-2.0-OpenSSH_9.6\r\n"


def swapped(url: str, scheme: str) -> str:
    return f"{scheme}:{url.partition(':')[2]}"


@contextmanager
def http(**options: Any) -> Iterator[dict[str, Any]]:
    with routed_server(**options) as url:
        yield {"endpoint": url}


@contextmanager
def replying(status: int, body: bytes = b"", **headers: str) -> Iterator[dict[str, Any]]:
    with http(others=Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)) as wanted:
        yield wanted


@contextmanager
def answering_grpc(status: int = 200, **answer: Any) -> Iterator[dict[str, Any]]:
    with grpc_receiver() as receiver:
        receiver.answers = [Answer(status, **answer)] * 20
        yield {"endpoint": receiver.url, **GRPC}


@contextmanager
def silent() -> Iterator[dict[str, Any]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield {"endpoint": f"http://127.0.0.1:{listening.getsockname()[1]}", "timeout": "300ms"}


@contextmanager
def dropping() -> Iterator[dict[str, Any]]:
    """A port whose queue of connections is full: what comes is dropped, as by a firewall."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield {"endpoint": f"http://127.0.0.1:{listening.getsockname()[1]}", "timeout": "300ms"}


@contextmanager
def speaking_ssh() -> Iterator[dict[str, Any]]:
    def talk(connection: socket.socket) -> None:
        connection.sendall(SAYS_HELLO.encode())
        connection.recv(1024)

    with raw_server(talk) as url:
        yield {"endpoint": url}


@contextmanager
def closing() -> Iterator[dict[str, Any]]:
    """As a published port of a container in which nothing listens."""
    with raw_server(lambda _connection: None) as url:
        yield {"endpoint": url}


@contextmanager
def closing_on_items() -> Iterator[dict[str, Any]]:
    def talk(connection: socket.socket) -> None:
        if b"content-length: 0" in connection.recv(65536).lower():
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with raw_server(talk) as url:
        yield {"endpoint": url}


@contextmanager
def slow() -> Iterator[dict[str, Any]]:
    with http_receiver() as receiver:
        receiver.answers = [Answer(delay_s=1.0)]
        yield {"endpoint": receiver.url, "timeout": "300ms"}


@contextmanager
def plain_grpc(scheme: str = "http", **wanted: Any) -> Iterator[dict[str, Any]]:
    with grpc_receiver() as receiver:
        yield {"endpoint": swapped(receiver.url, scheme), **wanted}


@contextmanager
def nowhere(**wanted: Any) -> Iterator[dict[str, Any]]:
    yield {"endpoint": f"http://127.0.0.1:{free_port()}", **wanted}


@contextmanager
def unresolved(**wanted: Any) -> Iterator[dict[str, Any]]:
    yield {"endpoint": "http://collector.invalid:4318", **wanted}


@contextmanager
def changed(setup: Any, *, scheme: str | None = None, **wanted: Any) -> Iterator[dict[str, Any]]:
    with setup as given:
        endpoint = given["endpoint"] if scheme is None else swapped(given["endpoint"], scheme)
        suffix = wanted.pop("path", "")
        yield {**given, "endpoint": endpoint + suffix, **wanted}


def partial(rejected: int, text: str) -> bytes:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = rejected
    answer.partial_success.error_message = text
    return answer.SerializeToString()


TAKES_AT_OTLP = {"/otlp/v1/traces": Reply()}
SECRET = {"headers": {"x-api-key": "s3cr3t"}}
SETUPS = {
    # the way there
    "nobody listens": (nowhere, Severity.ERROR, "nothing listens at 127.0.0.1:", "refused", "start the collector"),
    "nobody listens, gRPC": (lambda: nowhere(**GRPC), Severity.ERROR, "nothing listens at", "refused", "start the collector"),
    "no such name": (unresolved, Severity.ERROR, "does not resolve", "no address for 'collector.invalid'", "correct the host"),
    "no such name, gRPC": (lambda: unresolved(**GRPC), Severity.ERROR, "does not resolve", "'collector.invalid'", "the host"),
    "packets are dropped": (dropping, Severity.ERROR, "no connection to", "firewall", "open the way"),
    "packets are dropped, gRPC": (lambda: changed(dropping(), **GRPC), Severity.ERROR, "no connection to", "firewall", "open"),
    "it says nothing": (silent, Severity.ERROR, "no answer within 0.3 s", "says nothing", "restart it"),
    "it says nothing, gRPC": (lambda: changed(silent(), **GRPC), Severity.ERROR, "no answer", "says nothing", "restart it"),
    "it closes": (closing, Severity.ERROR, "closes the connection and says nothing", "published port", "behind that port"),
    "it closes, gRPC": (
        lambda: changed(closing(), **GRPC),
        Severity.ERROR,
        "closes the",
        "published port",
        "behind that port",
    ),
    "it closes on what is sent": (closing_on_items, Severity.ERROR, "instead of an answer", "an empty request", "log of the"),
    "it is slow": (slow, Severity.ERROR, "no answer within 0.3 s", "did not answer in time", "raise timeout"),
    "it is no HTTP": (speaking_ssh, Severity.ERROR, "speaks another protocol", "'SSH-2.0-OpenSSH_9.6'", "OTLP receiver"),
    "it is no gRPC": (lambda: changed(speaking_ssh(), **GRPC), Severity.ERROR, "another protocol", "SSH-2.0", "OTLP receiver"),
    # protocol, scheme and port
    "gRPC to HTTP": (
        lambda: changed(http(), **GRPC),
        Severity.ERROR,
        "gRPC to a port that speaks HTTP/1.1",
        "HTTP/1.1",
        "'http'",
    ),
    "HTTP to gRPC": (plain_grpc, Severity.ERROR, "HTTP to a gRPC port", "answers in HTTP/2 without TLS", "protocol to 'grpc'"),
    "https to http": (
        lambda: changed(http(), scheme="https"),
        Severity.ERROR,
        "port that speaks no TLS",
        "HTTP/1.1",
        "'http://",
    ),
    "https to plain gRPC": (
        lambda: plain_grpc("https", **GRPC),
        Severity.ERROR,
        "speaks no TLS",
        "HTTP/2",
        "'http://127.0.0.1",
    ),
    # what the server says
    "no credentials": (lambda: replying(401), Severity.ERROR, "wants credentials", "no headers are set", "set headers"),
    "wrong credentials": (
        lambda: changed(replying(401, b"bad key s3cr3t"), **SECRET),
        Severity.ERROR,
        "does not accept the credentials",
        "headers x-api-key. The server says: 'bad key [REDACTED]'",
        "correct the headers",
    ),
    "a token without a scheme": (
        lambda: changed(replying(401), headers={"Authorization": "abc"}),
        Severity.ERROR,
        "does not accept the credentials",
        "no scheme before it, such as 'Bearer '",
        "correct the headers",
    ),
    "a token that is empty, as of a variable that is not set": (
        lambda: changed(replying(401), headers={"authorization": ""}),
        Severity.ERROR,
        "does not accept the credentials",
        "with the headers authorization. The value of authorization is empty.",
        "correct the headers",
    ),
    "a token that is repeated without its scheme": (
        lambda: changed(replying(401, b"bad token: s3cr3t"), headers={"authorization": "Bearer s3cr3t"}),
        Severity.ERROR,
        "does not accept the credentials",
        "The server says: 'bad token: [REDACTED]'",
        "correct the headers",
    ),
    "a password that is repeated": (
        lambda: changed(replying(403, b"not s3cr3t"), headers={"authorization": "Basic bWU6czNjcjN0"}),
        Severity.ERROR,
        "forbids it",
        "The server says: 'not [REDACTED]'",
        "the right",
    ),
    "a key in a query that is repeated": (
        lambda: changed(replying(400, b"no key s3cr3t"), path="/?key=s3cr3t"),
        Severity.ERROR,
        "does not take the request",
        "'no key [REDACTED]'",
        "what it says",
    ),
    "a secret in a warning": (
        lambda: changed(replying(200, partial(0, "s3cr3t is old")), **SECRET),
        Severity.WARNING,
        "accepted, with a warning",
        "'[REDACTED] is old'",
        "do what it says",
    ),
    "a secret in a refusal": (
        lambda: changed(replying(200, partial(1, "s3cr3t is old")), **SECRET),
        Severity.ERROR,
        "partial success",
        "'[REDACTED] is old'",
        "its limits",
    ),
    "a secret in a redirect": (
        lambda: changed(replying(307, Location="https://otel.test/s3cr3t/v1/traces"), **SECRET),
        Severity.ERROR,
        "sends elsewhere: https://otel.test/[REDACTED]/v1/traces",
        "not followed",
        "to https://otel.test/[REDACTED]",
    ),
    "not allowed": (
        lambda: changed(replying(403), **SECRET),
        Severity.ERROR,
        "forbids it",
        "HTTP 403",
        "right to write traces",
    ),
    "gRPC unauthenticated": (
        lambda: answering_grpc(16),
        Severity.ERROR,
        "wants credentials",
        "UNAUTHENTICATED",
        "set headers",
    ),
    "gRPC not allowed": (
        lambda: changed(answering_grpc(7, details="tenant is read-only"), **SECRET),
        Severity.ERROR,
        "forbids it",
        "gRPC PERMISSION_DENIED: it knows who sends, and does not let him write this. The server says: 'tenant is read-only'",
        "the right to write traces",
    ),
    "gRPC knows no tenant": (
        lambda: answering_grpc(5, details="tenant not found"),
        Severity.ERROR,
        "does not know whom it is for",
        "NOT_FOUND",
        "headers of tracing.exporters[0]",
    ),
    "wrong path": (lambda: replying(404), Severity.ERROR, "knows no /v1/traces", "HTTP 404", "base URL for OTLP"),
    "another base path": (
        lambda: http(routes=TAKES_AT_OTLP),
        Severity.ERROR,
        "wrong path: the server knows no /v1/traces",
        "HTTP 404",
        "/otlp', which takes it",
    ),
    "the path of another signal": (
        lambda: changed(replying(404), path="/v1/logs"),
        Severity.ERROR,
        "knows no /v1/logs/v1/traces",
        "the path of logs",
        "base URL",
    ),
    "a path that is not appended": (
        lambda: changed(replying(404), append_path=False),
        Severity.ERROR,
        "knows no /",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "/v1/traces'",
    ),
    "no POST": (lambda: replying(405), Severity.ERROR, "/v1/traces takes no POST", "HTTP 405", "base URL"),
    "no protobuf": (lambda: replying(415), Severity.ERROR, "takes no protobuf", "HTTP 415", "protobuf"),
    "a redirect": (
        lambda: replying(307, Location="https://otel.test/v1/traces"),
        Severity.ERROR,
        "the server sends elsewhere: https://otel.test/v1/traces",
        "not followed",
        "to https://otel.test",
    ),
    "a page": (lambda: replying(200, b"<html>", **HTML), Severity.WARNING, "a web page", "HTML", "OTLP receiver"),
    "a page in an error": (
        lambda: replying(502, b"<html><title>Bad Gateway</title>", **HTML),
        Severity.ERROR,
        "not available",
        "'Bad Gateway'",
        "load balancer",
    ),
    "a quota": (lambda: replying(429), Severity.WARNING, "takes no more at the moment", "HTTP 429", "send less"),
    "a gRPC quota": (lambda: answering_grpc(8), Severity.WARNING, "takes no more", "RESOURCE_EXHAUSTED", "send less"),
    "not ready": (lambda: replying(503), Severity.ERROR, "not available", "HTTP 503", "health"),
    "gRPC not ready": (lambda: answering_grpc(14), Severity.ERROR, "not available", "UNAVAILABLE", "health"),
    "it fails": (lambda: replying(500, b"boom"), Severity.ERROR, "the server failed", "'boom'", "log of the receiver"),
    "no such service": (
        lambda: answering_grpc(12),
        Severity.ERROR,
        "takes no traces over gRPC",
        "no such OTLP service",
        "send",
    ),
    "a strange status": (lambda: replying(418), Severity.ERROR, "does not take the request", "HTTP 418", "what it says"),
    "a part is refused": (
        lambda: replying(200, partial(1, "too old")),
        Severity.ERROR,
        "refused what was in it (partial success)",
        "'too old'",
        "its limits",
    ),
    "a part is refused, gRPC": (
        lambda: answering_grpc(body=partial(1, "too old")),
        Severity.ERROR,
        "refused what was in it (partial success)",
        "'too old'",
        "its limits",
    ),
    "a warning": (
        lambda: replying(200, partial(0, "use v2")),
        Severity.WARNING,
        "accepted, with a warning",
        "'use v2'",
        "do what it says",
    ),
}


def said(findings: list[Finding]) -> tuple[Severity, str, str, str]:
    (about,) = [finding for finding in findings if finding.check == "destination"]
    return about.severity, about.what, about.why, about.fix


@pytest.mark.parametrize("name", SETUPS)
def test_a_broken_set_up_is_named_with_its_cause_and_its_fix(name: str, destinations: Callable[..., list[Finding]]) -> None:
    setup, severity, what, why, fix = SETUPS[name]
    with setup() as wanted:
        found = said(destinations(wanted))
    assert found[0] is severity
    assert [part in text for part, text in zip((what, why, fix), found[1:], strict=True)] == [True] * 3, found
    assert "s3cr3t" not in "".join(found[1:])


FROM_A_STRANGER = (Severity.ERROR, "unknown authority", "'Test authority'", "ca_file")
EXPIRED = (Severity.ERROR, "has expired", "valid from 2001-01-01 to 2002-01-01", "renew")
ELSEWHERE = (Severity.ERROR, "for another host", "the certificate is for elsewhere.test", "a name that the certificate has")
OLD = (Severity.ERROR, "nothing newer than TLS 1.1", "RFC 8996", "TLS 1.2")
NO_CLIENT = (Severity.ERROR, "wants a client certificate", "none is set in tracing.exporters[0]", "cert_file")
STRANGE_CLIENT = (Severity.ERROR, "refuses the client certificate", "strange-client.pem", "that the server trusts")
NO_CLIENT_GRPC = (Severity.ERROR, "wants a client certificate, most likely", "shown no client certificate", "cert_file")
STRANGE_CLIENT_GRPC = (Severity.ERROR, "refuses the client certificate, most likely", "was shown a client", "server trusts")
PLAIN = (Severity.ERROR, "http:// to a port that speaks TLS", "HTTP/1.1 over TLS", "'https://localhost:")
PLAIN_GRPC = (Severity.ERROR, "http:// to a port that speaks TLS", "HTTP/2 over TLS", "'https://localhost:")
BOTH = (
    Severity.ERROR,
    "speaks TLS and HTTP to a gRPC port",
    "HTTP/2 over TLS",
    "protocol to 'grpc' and endpoint to 'https://",
)
ACROSS = (Severity.ERROR, "gRPC to a port that speaks HTTP/1.1", "HTTP/1.1 over TLS", "protocol to 'http'")
UNREADABLE = (Severity.ERROR, "cannot be used", "ca_file: given '/nowhere/ca.pem'", "correct tls")
FINE = (Severity.OK, "accepted in ", "", "")
TRUSTING = ("ca_file",)

# what the server shows, whose clients it wants, what the client is given, its protocol and scheme
ENCRYPTED = {
    "a good certificate": ("good", None, TRUSTING, "http", "https", FINE),
    "a good certificate, gRPC": ("good", None, TRUSTING, "grpc", "https", FINE),
    "an authority that nobody knows": ("good", None, (), "http", "https", FROM_A_STRANGER),
    "an authority that nobody knows, gRPC": ("good", None, (), "grpc", "https", FROM_A_STRANGER),
    "an expired certificate": ("expired", None, TRUSTING, "http", "https", EXPIRED),
    "an expired certificate, gRPC": ("expired", None, TRUSTING, "grpc", "https", EXPIRED),
    "the certificate of another host": ("elsewhere", None, TRUSTING, "http", "https", ELSEWHERE),
    "the certificate of another host, gRPC": ("elsewhere", None, TRUSTING, "grpc", "https", ELSEWHERE),
    "no client certificate": ("good", "ca_file", TRUSTING, "http", "https", NO_CLIENT),
    "no client certificate, gRPC": ("good", "ca_file", TRUSTING, "grpc", "https", NO_CLIENT_GRPC),
    "a strange client": ("good", "ca_file", ("ca_file", "strange_client"), "http", "https", STRANGE_CLIENT),
    "a strange client, gRPC": ("good", "ca_file", ("ca_file", "strange_client"), "grpc", "https", STRANGE_CLIENT_GRPC),
    "a good client": ("good", "ca_file", ("ca_file", "client"), "http", "https", FINE),
    "a good client, gRPC": ("good", "ca_file", ("ca_file", "client"), "grpc", "https", FINE),
    "http:// to TLS": ("good", None, (), "http", "http", PLAIN),
    "http:// to TLS, gRPC": ("good", None, (), "grpc", "http", PLAIN_GRPC),
}


def tls_options(certificates: Certificates, given: tuple[str, ...]) -> dict[str, str]:
    options = {"ca_file": certificates.ca_file} if "ca_file" in given else {}
    for name in given:
        if name.endswith("client"):
            shown = getattr(certificates, name)
            options |= {"cert_file": shown.cert_file, "key_file": shown.key_file}
    return options


@pytest.mark.parametrize("name", ENCRYPTED)
def test_what_is_wrong_with_tls_is_named(
    name: str, certificates: Certificates, destinations: Callable[..., list[Finding]]
) -> None:
    shown, clients, given, protocol, scheme, expected = ENCRYPTED[name]
    certificate, clients_of = getattr(certificates, shown), certificates.ca_file if clients else None
    server = (
        grpc_tls_server(certificate, clients_of=clients_of)
        if protocol == "grpc"
        else routed_server(others=Reply(), tls=server_context(certificate, clients_of=clients_of))
    )
    with server as url:
        tls = tls_options(certificates, given) or None
        found = said(destinations({"endpoint": swapped(url, scheme), "protocol": protocol, "tls": tls, "timeout": "3s"}))
    assert found[0] is expected[0], found
    assert [part in text for part, text in zip(expected[1:], found[1:], strict=True)] == [True] * 3, found


def test_gRPC_to_https_of_another_protocol_is_told_by_what_the_server_says(
    certificates: Certificates, destinations: Callable[..., list[Finding]]
) -> None:
    tls = {"ca_file": certificates.ca_file}
    with routed_server(tls=server_context(certificates.good)) as url:
        found = said(destinations({"endpoint": url, "protocol": "grpc", "tls": tls}))
    assert [part in text for part, text in zip(ACROSS[1:], found[1:], strict=True)] == [True] * 3, found
    with grpc_tls_server(certificates.good) as url:
        found = said(destinations({"endpoint": swapped(url, "http")}))
    assert [part in text for part, text in zip(BOTH[1:], found[1:], strict=True)] == [True] * 3, found


def test_a_server_that_is_too_old_is_named(certificates: Certificates, destinations: Callable[..., list[Finding]]) -> None:
    with tls_server(old_server_context(certificates.good), lambda _connection: None) as url:
        found = said(destinations({"endpoint": url, "tls": {"ca_file": certificates.ca_file}}))
    assert [part in text for part, text in zip(OLD[1:], found[1:], strict=True)] == [True] * 3, found


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_file_for_tls_that_cannot_be_read_is_named_once_for_all_signals(
    protocol: str, destinations: Callable[..., list[Finding]]
) -> None:
    wanted = {"endpoint": "https://localhost:1", "protocol": protocol, "tls": {"ca_file": "/nowhere/ca.pem"}}
    found = said(destinations(wanted, signals=("traces", "metrics", "logs")))
    assert [part in text for part, text in zip(UNREADABLE[1:], found[1:], strict=True)] == [True] * 3, found
