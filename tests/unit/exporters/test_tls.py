"""TLS of the HTTP transport against real servers and certificates: who is trusted, what is refused, and what it is called."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest

from heliograph.errors import SettingsError
from heliograph.exporters.build import build_exporter
from heliograph.exporters.otlp_http import OtlpHttpTransport
from heliograph.exporters.tls import TlsFileError, client_context, refusal
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.outcome import Delivered, Outcome, Retry
from heliograph.settings.exporters import OtlpExporter, TlsFiles
from tests.support.certificates import Certificate, Certificates, make_certificates, run_openssl
from tests.support.raw_server import answering, raw_server
from tests.support.tls_server import old_server_context, server_context, tls_server

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def post() -> Iterator[Callable[..., Outcome]]:
    """Send a request to a URL and close the connections when the test is over."""
    opened: list[OtlpHttpTransport] = []

    def post_once(url: str, tls: TlsFiles | None, body: bytes = b"", timeout_s: float = 5.0) -> Outcome:
        opened.append(OtlpHttpTransport(SIGNALS["traces"], url, headers={}, compression="none", tls=tls, environ={}))
        return opened[-1].send(body, timeout_s)

    yield post_once
    for transport in opened:
        transport.close()


def _trusting(certificates: Certificates, client: Certificate | None = None) -> TlsFiles:
    if client is None:
        return TlsFiles(ca_file=certificates.ca_file)
    return TlsFiles(ca_file=certificates.ca_file, cert_file=client.cert_file, key_file=client.key_file)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_of_a_trusted_authority_is_delivered_to(
    certificates: Certificates, post: Callable[..., Outcome], host: str
) -> None:
    with tls_server(server_context(certificates.good), answering(OK)) as url:
        assert post(url.replace("127.0.0.1", host), _trusting(certificates)) == Delivered()


@pytest.mark.parametrize(
    ("which", "reason"),
    [
        ("expired", "TLS: certificate has expired"),
        ("elsewhere", "TLS: certificate is for another host"),
        ("strange", "TLS: certificate is of an unknown authority"),
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_that_cannot_prove_who_it_is_gets_nothing_and_is_named(
    certificates: Certificates, post: Callable[..., Outcome], which: str, reason: str, host: str
) -> None:
    with tls_server(server_context(getattr(certificates, which)), _unreachable) as at:
        url = at.replace("127.0.0.1", host)
        first, second = (post(url, _trusting(certificates)) for _ in range(2))
    assert first == Retry(reason=f"{reason} at {url.removeprefix('https://')}", is_refusal=True)
    assert second == first


def _unreachable(_connection: socket.socket) -> None:
    raise AssertionError("the client went on after a handshake that must fail")


def test_without_an_authority_of_its_own_a_server_is_still_verified(
    certificates: Certificates, post: Callable[..., Outcome]
) -> None:
    with tls_server(server_context(certificates.good), _unreachable) as url:
        outcome = post(url, None)
    assert isinstance(outcome, Retry)
    assert outcome.reason.startswith("TLS: certificate is of an unknown authority")


def test_a_client_with_its_certificate_is_let_in(certificates: Certificates, post: Callable[..., Outcome]) -> None:
    with tls_server(server_context(certificates.good, clients_of=certificates.ca_file), answering(OK)) as url:
        assert post(url, _trusting(certificates, certificates.client)) == Delivered()


def test_certificate_and_key_may_be_in_one_file(
    certificates: Certificates, post: Callable[..., Outcome], tmp_path: Path
) -> None:
    both = tmp_path / "both.pem"
    both.write_text(Path(certificates.client.key_file).read_text() + Path(certificates.client.cert_file).read_text())
    with tls_server(server_context(certificates.good, clients_of=certificates.ca_file), answering(OK)) as url:
        assert post(url, TlsFiles(ca_file=certificates.ca_file, cert_file=str(both))) == Delivered()


@pytest.mark.parametrize("body", [b"", b"x" * 1_000_000], ids=["small", "large"])
@pytest.mark.parametrize(
    ("client", "reason"),
    [
        (None, "TLS: the server wants a client certificate"),
        ("strange_client", "TLS: the server refuses the client certificate"),
        ("expired_client", "TLS: the server refuses the client certificate"),
    ],
)
def test_a_client_that_is_refused_is_told_so_and_knows_that_nothing_arrived(
    certificates: Certificates, post: Callable[..., Outcome], client: str | None, reason: str, body: bytes
) -> None:
    own = getattr(certificates, client) if client else None
    with tls_server(server_context(certificates.good, clients_of=certificates.ca_file), answering(OK)) as url:
        outcome = post(url, _trusting(certificates, own), body)
    assert outcome == Retry(reason=f"{reason} at {url.removeprefix('https://')}", is_refusal=True)


def test_a_server_with_tls_1_1_is_refused(certificates: Certificates, post: Callable[..., Outcome]) -> None:
    with tls_server(old_server_context(certificates.good), _unreachable) as url:
        outcome = post(url, _trusting(certificates))
    expected = f"TLS: the server offers nothing newer than TLS 1.1 at {url.removeprefix('https://')}"
    assert outcome == Retry(reason=expected, is_refusal=True)


def test_a_port_that_speaks_plain_http_is_named(post: Callable[..., Outcome]) -> None:
    with raw_server(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as url:
        outcome = post(url.replace("http://", "https://"), None)
    assert outcome == Retry(
        reason=f"TLS: the server speaks no TLS on this port at {url.removeprefix('http://')}", is_refusal=True
    )


def test_plain_http_to_a_port_that_speaks_tls_is_named(certificates: Certificates, post: Callable[..., Outcome]) -> None:
    with tls_server(server_context(certificates.good), _unreachable) as url:
        outcome = post(url.replace("https://", "http://"), None)
    assert isinstance(outcome, Retry)
    assert not outcome.reason.startswith("TLS: certificate")


def test_a_tls_alert_in_answer_to_plain_http_says_to_use_https(post: Callable[..., Outcome]) -> None:
    def alert(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"\x15\x03\x01\x00\x02\x02\x46")

    with raw_server(alert) as url:
        outcome = post(url, None)
    assert outcome == Retry(reason=f"TLS: the server expects https at {url.removeprefix('http://')}", is_refusal=True)


def _say_nothing(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def test_a_handshake_that_stalls_is_given_no_more_than_the_timeout(post: Callable[..., Outcome]) -> None:
    with raw_server(_say_nothing) as url:
        started_at = time.monotonic()
        outcome = post(url.replace("http://", "https://"), None, timeout_s=0.3)
        assert time.monotonic() - started_at < 0.8
    assert outcome == Retry(reason=f"TLS: no handshake in time at {url.removeprefix('http://')}")


def test_a_handshake_that_drips_in_is_given_no_more_than_the_timeout(post: Callable[..., Outcome]) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"\x16\x03\x03\x40\x00")  # a record of 16 KiB begins
        for _ in range(40):
            connection.sendall(b"\x02")
            time.sleep(0.05)

    with raw_server(drip) as url:
        started_at = time.monotonic()
        outcome = post(url.replace("http://", "https://"), None, timeout_s=0.3)
        assert time.monotonic() - started_at < 1.0
    assert isinstance(outcome, Retry)
    assert outcome.reason.startswith("TLS: ")


def test_a_connection_that_ends_in_the_handshake_is_no_refusal(post: Callable[..., Outcome]) -> None:
    with raw_server(lambda connection: connection.recv(10)) as url:
        outcome = post(url.replace("http://", "https://"), None)
    assert outcome == Retry(reason=f"TLS: connection closed during the handshake at {url.removeprefix('http://')}")


def test_an_answer_that_drips_in_over_tls_is_given_no_more_than_the_timeout(
    certificates: Certificates, post: Callable[..., Outcome]
) -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(40):
            connection.sendall(b"y")
            time.sleep(0.05)

    with tls_server(server_context(certificates.good), drip) as url:
        started_at = time.monotonic()
        outcome = post(url, _trusting(certificates), timeout_s=0.4)
        assert time.monotonic() - started_at < 1.2
    assert outcome == Retry(reason=f"no answer in time at {url.removeprefix('https://')}", may_have_arrived=True)


def test_one_connection_over_tls_serves_many_requests(certificates: Certificates) -> None:
    connections: list[socket.socket] = []

    def talk(connection: socket.socket) -> None:
        connections.append(connection)
        answering(OK)(connection)

    with tls_server(server_context(certificates.good), talk) as url:
        files = _trusting(certificates)
        transport = OtlpHttpTransport(SIGNALS["traces"], url, headers={}, compression="none", tls=files, environ={})
        assert [transport.send(b"", 5.0) for _ in range(5)] == [Delivered()] * 5
        transport.close()
    assert len(connections) == 1


def test_a_certificate_that_was_replaced_is_used_for_the_next_connection(certificates: Certificates, tmp_path: Path) -> None:
    mine = Certificate(cert_file=str(tmp_path / "mine.pem"), key_file=str(tmp_path / "mine.key"))

    def install(certificate: Certificate) -> None:
        Path(mine.cert_file).write_bytes(Path(certificate.cert_file).read_bytes())
        Path(mine.key_file).write_bytes(Path(certificate.key_file).read_bytes())

    install(certificates.expired_client)
    with tls_server(server_context(certificates.good, clients_of=certificates.ca_file), answering(OK)) as url:
        files = _trusting(certificates, mine)
        transport = OtlpHttpTransport(SIGNALS["traces"], url, headers={}, compression="none", tls=files, environ={})
        assert isinstance(transport.send(b"", 5.0), Retry)
        Path(mine.key_file).unlink()
        gone = transport.send(b"", 5.0)
        assert gone == Retry(reason=f"TLS: key_file cannot be used at {url.removeprefix('https://')}", is_refusal=True)
        install(certificates.client)
        assert transport.send(b"", 5.0) == Delivered()
        transport.close()


def test_files_that_are_right_make_a_context_that_checks_everything(certificates: Certificates) -> None:
    context = client_context(_trusting(certificates, certificates.client))
    assert (context.verify_mode.name, context.check_hostname) == ("CERT_REQUIRED", True)
    assert context.minimum_version.name == "TLSv1_2"


def _faulty_files(certificates: Certificates, folder: Path) -> dict[str, tuple[TlsFiles, str, str]]:
    garbage, locked = folder / "garbage.pem", folder / "locked.key"
    garbage.write_text("no PEM at all")
    run_openssl(["ec", "-in", certificates.client.key_file, "-aes128", "-passout", "pass:s3cret", "-out", str(locked)])
    good, cert = certificates.ca_file, certificates.client.cert_file
    nowhere = str(folder / "nowhere.pem")
    other_key = certificates.good.key_file
    return {
        "ca missing": (TlsFiles(ca_file=nowhere), "ca_file", "can be read (No such file or directory)"),
        "ca garbage": (TlsFiles(ca_file=str(garbage)), "ca_file", "at least one certificate"),
        "ca a folder": (TlsFiles(ca_file=str(folder)), "ca_file", "can be read (Is a directory)"),
        "cert missing": (TlsFiles(cert_file=nowhere, key_file=other_key), "cert_file", "can be read"),
        "cert garbage": (TlsFiles(cert_file=str(garbage), key_file=other_key), "cert_file", "at least one certificate"),
        "cert without key": (TlsFiles(cert_file=cert), "cert_file", "key_file set to where it is"),
        "key missing": (TlsFiles(cert_file=cert, key_file=nowhere), "key_file", "can be read"),
        "key garbage": (TlsFiles(cert_file=cert, key_file=str(garbage)), "key_file", "the private key"),
        "key of another": (TlsFiles(ca_file=good, cert_file=cert, key_file=other_key), "key_file", "the key of another"),
        "key encrypted": (TlsFiles(cert_file=cert, key_file=str(locked)), "key_file", "without a pass phrase"),
    }


@pytest.mark.parametrize(
    "case",
    [
        *("ca missing", "ca garbage", "ca a folder", "cert missing", "cert garbage", "cert without key"),
        *("key missing", "key garbage", "key of another", "key encrypted"),
    ],
)
@pytest.mark.timeout(20)
def test_a_file_that_cannot_be_used_is_named_when_the_transport_is_built(
    certificates: Certificates, tmp_path: Path, case: str
) -> None:
    files, option, expected = _faulty_files(certificates, tmp_path)[case]
    with pytest.raises(TlsFileError) as raised:
        OtlpHttpTransport(SIGNALS["traces"], "https://127.0.0.1:1", headers={}, compression="none", tls=files, environ={})
    assert (raised.value.option, raised.value.given) == (option, getattr(files, option))
    assert expected in raised.value.expected


def test_the_error_of_a_file_becomes_one_of_the_settings_with_its_path() -> None:
    error = TlsFileError("ca_file", "ca.pem", "a PEM file").as_settings_error("traces", "eu")
    assert str(error.faults[0]) == "tracing.exporters[eu].tls.ca_file: given 'ca.pem', expected a PEM file"


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_an_exporter_whose_files_cannot_be_used_is_not_built(protocol: Literal["http", "grpc"], tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere.pem")
    wanted = OtlpExporter(protocol=protocol, endpoint="https://127.0.0.1:1", tls=TlsFiles(ca_file=nowhere), name="eu")
    with pytest.raises(SettingsError) as raised:
        build_exporter("traces", wanted)
    (fault,) = raised.value.faults
    assert (fault.path, fault.given) == ("tracing.exporters[eu].tls.ca_file", repr(nowhere))


@pytest.mark.parametrize("text", ["", "[SSL: BAD_RECORD_MAC] bad record mac", "Connection refused"])
def test_what_tells_of_no_refusal_is_none(text: str) -> None:
    assert refusal(text) is None
