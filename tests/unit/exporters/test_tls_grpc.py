"""TLS of the gRPC transport against real servers and certificates."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from heliograph.exporters.otlp_grpc import OtlpGrpcTransport
from heliograph.exporters.tls import TlsFileError
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.outcome import Delivered, Outcome, Retry
from heliograph.settings.exporters import TlsFiles
from tests.support.certificates import Certificate, Certificates, make_certificates
from tests.support.raw_server import answering, raw_server
from tests.support.tls_server import old_server_context, server_context, tls_server


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@contextmanager
def _server(certificate: Certificate, clients_of: str | None = None, port: int = 0) -> Iterator[str]:
    class Service(grpc.GenericRpcHandler):
        def service(self, _details: Any) -> Any:
            return grpc.unary_unary_rpc_method_handler(lambda _body, _context: b"")

    pair = (Path(certificate.key_file).read_bytes(), Path(certificate.cert_file).read_bytes())
    authority = Path(clients_of).read_bytes() if clients_of is not None else None
    credentials = grpc.ssl_server_credentials([pair], authority, require_client_auth=authority is not None)
    server = grpc.server(futures.ThreadPoolExecutor(1), handlers=(Service(),))
    bound = server.add_secure_port(f"127.0.0.1:{port}", credentials)
    server.start()
    try:
        yield f"https://127.0.0.1:{bound}"
    finally:
        server.stop(0).wait()


@pytest.fixture
def call() -> Iterator[Callable[..., Outcome]]:
    """Call a URL once and close the channel when the test is over."""
    opened: list[OtlpGrpcTransport] = []

    def call_once(url: str, tls: TlsFiles | None, timeout_s: float = 5.0) -> Outcome:
        opened.append(OtlpGrpcTransport(SIGNALS["traces"], url, headers={}, compression="none", tls=tls))
        return opened[-1].send(b"", timeout_s)

    yield call_once
    for transport in opened:
        transport.close()


def _trusting(certificates: Certificates, client: Certificate | None = None) -> TlsFiles:
    if client is None:
        return TlsFiles(ca_file=certificates.ca_file)
    return TlsFiles(ca_file=certificates.ca_file, cert_file=client.cert_file, key_file=client.key_file)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_of_a_trusted_authority_is_delivered_to(
    certificates: Certificates, call: Callable[..., Outcome], host: str
) -> None:
    with _server(certificates.good) as url:
        assert call(url.replace("127.0.0.1", host), _trusting(certificates)) == Delivered()


@pytest.mark.parametrize(
    ("which", "reason"),
    [
        ("expired", "TLS: certificate has expired"),
        ("elsewhere", "TLS: certificate is for another host"),
        ("strange", "TLS: certificate is of an unknown authority"),
    ],
)
def test_a_server_that_cannot_prove_who_it_is_is_named_in_the_words_of_http(
    certificates: Certificates, call: Callable[..., Outcome], which: str, reason: str
) -> None:
    with _server(getattr(certificates, which)) as url:
        outcome = call(url, _trusting(certificates))
    assert outcome == Retry(reason=f"{reason} at {url.removeprefix('https://')}", is_refusal=True)


def test_without_an_authority_of_its_own_a_server_is_still_verified(
    certificates: Certificates, call: Callable[..., Outcome]
) -> None:
    with _server(certificates.good) as url:
        outcome = call(url, None)
    assert isinstance(outcome, Retry)
    assert outcome.reason.startswith("TLS: certificate is of an unknown authority")


def test_a_client_with_its_certificate_is_let_in(certificates: Certificates, call: Callable[..., Outcome]) -> None:
    with _server(certificates.good, certificates.ca_file) as url:
        assert call(url, _trusting(certificates, certificates.client)) == Delivered()


@pytest.mark.parametrize("client", [None, "strange_client", "expired_client"])
def test_a_client_that_is_refused_knows_that_nothing_arrived(
    certificates: Certificates, call: Callable[..., Outcome], client: str | None
) -> None:
    with _server(certificates.good, certificates.ca_file) as url:
        outcome = call(url, _trusting(certificates, getattr(certificates, client) if client else None))
    assert isinstance(outcome, Retry)
    assert outcome.reason.startswith("TLS: ")
    assert not outcome.may_have_arrived


def test_a_server_with_tls_1_1_is_refused(certificates: Certificates, call: Callable[..., Outcome]) -> None:
    with tls_server(old_server_context(certificates.good), answering(b"")) as url:
        outcome = call(url, _trusting(certificates))
    expected = f"TLS: the server offers nothing newer than TLS 1.1 at {url.removeprefix('https://')}"
    assert outcome == Retry(reason=expected, is_refusal=True)


def test_a_server_of_http_1_over_tls_is_named(certificates: Certificates, call: Callable[..., Outcome]) -> None:
    with tls_server(server_context(certificates.good), answering(b"")) as url:
        outcome = call(url, _trusting(certificates))
    expected = f"TLS: the server speaks no HTTP/2 on this port at {url.removeprefix('https://')}"
    assert outcome == Retry(reason=expected, is_refusal=True)


def test_a_port_that_speaks_no_tls_is_named(call: Callable[..., Outcome]) -> None:
    with raw_server(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as url:
        outcome = call(url.replace("http://", "https://"), None)
    expected = f"TLS: the server speaks no TLS on this port at {url.removeprefix('http://')}"
    assert outcome == Retry(reason=expected, is_refusal=True)


def _say_nothing(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def test_a_handshake_that_stalls_is_given_no_more_than_the_timeout(call: Callable[..., Outcome]) -> None:
    with raw_server(_say_nothing) as url:
        started_at = time.monotonic()
        outcome = call(url.replace("http://", "https://"), None, timeout_s=1.5)  # gRPC's timers tick ten times a second
        assert time.monotonic() - started_at < 2.0
    assert outcome == Retry(reason=f"TLS: no handshake in time at {url.removeprefix('http://')}")


def test_a_certificate_that_was_replaced_is_used_after_a_failure(certificates: Certificates, tmp_path: Path) -> None:
    mine = Certificate(cert_file=str(tmp_path / "mine.pem"), key_file=str(tmp_path / "mine.key"))

    def install(certificate: Certificate) -> None:
        Path(mine.cert_file).write_bytes(Path(certificate.cert_file).read_bytes())
        Path(mine.key_file).write_bytes(Path(certificate.key_file).read_bytes())

    install(certificates.expired_client)
    with _server(certificates.good, certificates.ca_file) as url:
        files = _trusting(certificates, mine)
        transport = OtlpGrpcTransport(SIGNALS["traces"], url, headers={}, compression="none", tls=files)
        assert isinstance(transport.send(b"", 5.0), Retry)
        Path(mine.key_file).unlink()
        gone = transport.send(b"", 5.0)
        assert gone == Retry(reason=f"TLS: key_file cannot be used at {url.removeprefix('https://')}", is_refusal=True)
        install(certificates.client)
        assert transport.send(b"", 5.0) == Delivered()
        transport.close()


def test_a_file_that_cannot_be_used_is_named_when_the_transport_is_built(tmp_path: Path) -> None:
    files = TlsFiles(ca_file=str(tmp_path / "nowhere.pem"))
    with pytest.raises(TlsFileError, match="nowhere"):
        OtlpGrpcTransport(SIGNALS["traces"], "https://127.0.0.1:1", headers={}, compression="none", tls=files)
