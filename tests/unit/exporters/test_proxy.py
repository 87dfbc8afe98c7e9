"""Proxies of the environment: which one is chosen, requests and tunnels through a real one, what its failures are called."""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Callable, Iterator, Mapping

import pytest

from heliograph.exporters.http_deadline import AttemptError
from heliograph.exporters.otlp_http import OtlpHttpTransport
from heliograph.exporters.proxy import Proxy, is_direct, proxy_for
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.outcome import Delivered, Outcome, Rejected, Retry
from heliograph.settings.exporters import TlsFiles
from tests.support.certificates import Certificates, make_certificates
from tests.support.otlp_receiver import Answer, OtlpReceiver, http_receiver
from tests.support.otlp_requests import spans_request
from tests.support.processes import free_port
from tests.support.proxy_server import ProxyServer, proxy_server
from tests.support.raw_server import answering, raw_server, read_request
from tests.support.tls_server import server_context, tls_server

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("environ", "scheme", "expected"),
    [
        ({}, "http", None),
        ({"HTTP_PROXY": "http://p:1"}, "http", "p:1"),
        ({"http_proxy": "http://p:1"}, "http", "p:1"),
        ({"http_proxy": "http://lower:1", "HTTP_PROXY": "http://upper:1"}, "http", "lower:1"),
        ({"http_proxy": "", "HTTP_PROXY": "http://upper:1"}, "http", None),
        ({"HTTP_PROXY": "http://p:1"}, "https", None),
        ({"HTTPS_PROXY": "http://p:1"}, "https", "p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, "http", None),
        ({"ALL_PROXY": "http://p:1"}, "http", "p:1"),
        ({"all_proxy": "http://p:1"}, "https", "p:1"),
        ({"ALL_PROXY": "http://all:1", "HTTPS_PROXY": "http://own:1"}, "https", "own:1"),
        ({"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, "http", None),
        ({"http_proxy": "http://p:1", "REQUEST_METHOD": "GET"}, "http", "p:1"),
        ({"HTTPS_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, "https", "p:1"),
        ({"http_proxy": "p:3128"}, "http", "p:3128"),
        ({"http_proxy": "http://p"}, "http", "p:80"),
        ({"http_proxy": "http://[::1]:3128/"}, "http", "[::1]:3128"),
        ({"http_proxy": "http://p:1", "no_proxy": "c.test"}, "http", None),
        ({"http_proxy": "http://p:1", "NO_PROXY": "c.test"}, "http", None),
        ({"http_proxy": "http://p:1", "no_proxy": "", "NO_PROXY": "c.test"}, "http", "p:1"),
    ],
)
def test_the_environment_names_the_proxy(environ: Mapping[str, str], scheme: str, expected: str | None) -> None:
    proxy = proxy_for(scheme, "c.test", 4318, environ)
    assert (proxy.place if proxy else None) == expected


@pytest.mark.parametrize(
    ("no_proxy", "host", "expected"),
    [
        ("", "c.test", False),
        (" , ", "c.test", False),
        ("*", "c.test", True),
        ("other, *", "c.test", True),
        ("c.test", "c.test", True),
        ("C.Test", "c.TEST.", True),
        ("test", "c.test", True),
        (".test", "c.test", True),
        ("*.test", "c.test", True),
        (".c.test", "c.test", True),
        ("est", "c.test", False),
        ("xc.test", "c.test", False),
        ("c.test:4318", "c.test", True),
        ("c.test:4317", "c.test", False),
        ("c.test:", "c.test", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.1.2.9/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "c.test", False),
        ("10.0.0.0/99", "10.1.2.3", False),
        ("127.0.0.1:4318", "127.0.0.1", True),
        ("::1", "::1", True),
        ("[::1]", "::1", True),
        ("[::1]:4318", "::1", True),
        ("fd00::/8", "fd00::1", True),
        ("fd00::/8", "10.1.2.3", False),
    ],
)
def test_a_host_for_which_no_proxy_holds_is_reached_directly(no_proxy: str, host: str, expected: bool) -> None:
    assert is_direct(no_proxy, host, 4318) is expected


@pytest.mark.parametrize("url", ["socks5://p:1", "https://p:1", "http://", "http://user:s3cret@p:x", "http://[::1", "://"])
def test_a_proxy_that_cannot_be_used_is_a_refusal_and_nothing_goes_round_it(url: str) -> None:
    with pytest.raises(AttemptError):
        proxy_for("http", "c.test", 4318, {"http_proxy": url})
    with http_receiver() as receiver:
        outcome = _post(receiver.url, {"http_proxy": url})
        assert receiver.attempts == 0
    place = receiver.url.removeprefix("http://")
    assert outcome == Retry(reason=f"proxy: HTTP_PROXY holds no URL such as http://proxy:3128 at {place}", is_refusal=True)


def test_the_credentials_of_a_proxy_are_in_no_repr() -> None:
    proxy = proxy_for("http", "c.test", 80, {"http_proxy": "http://user:s3cret@p:1"})
    assert isinstance(proxy, Proxy)
    assert "s3cret" not in repr(proxy)
    assert base64.b64encode(b"user:s3cret").decode() not in repr(proxy)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with http_receiver() as running:
        yield running


@pytest.fixture
def proxy() -> Iterator[ProxyServer]:
    with proxy_server() as running:
        yield running


def _post(
    url: str, environ: Mapping[str, str], *, times: int = 1, timeout_s: float = 5.0, tls: TlsFiles | None = None
) -> Outcome:
    transport = OtlpHttpTransport(SIGNALS["traces"], url, headers={}, compression="none", tls=tls, environ=environ)
    try:
        outcomes = [transport.send(transport.pack(spans_request("work")), timeout_s) for _ in range(times)]
    finally:
        transport.close()
    assert all(outcome == outcomes[0] for outcome in outcomes)
    return outcomes[0]


def test_a_plain_request_goes_through_the_proxy_with_the_whole_url(receiver: OtlpReceiver, proxy: ProxyServer) -> None:
    assert _post(f"{receiver.url}/otlp", {"http_proxy": proxy.url}) == Delivered()
    assert proxy.requested == [f"POST {receiver.url}/otlp/v1/traces HTTP/1.1"]
    assert [span.name for span in receiver.spans()] == ["work"]


def test_a_host_that_only_the_proxy_knows_is_reached(receiver: OtlpReceiver) -> None:
    with proxy_server({"collector.test:4318": receiver.url.removeprefix("http://")}) as proxy:
        assert _post("http://collector.test:4318", {"ALL_PROXY": proxy.url}) == Delivered()
    assert "Host: collector.test:4318" in proxy.heads[0]


def test_the_credentials_of_the_proxys_url_are_shown_to_the_proxy(receiver: OtlpReceiver, proxy: ProxyServer) -> None:
    url = proxy.url.replace("http://", "http://us%40er:p%3Ass@")
    assert _post(receiver.url, {"http_proxy": url}) == Delivered()
    token = base64.b64encode(b"us@er:p:ss").decode()
    assert f"Proxy-Authorization: Basic {token}" in proxy.heads[0]


def test_https_goes_through_a_tunnel_and_is_verified_against_the_endpoint(certificates: Certificates) -> None:
    files = TlsFiles(ca_file=certificates.ca_file, **_client(certificates))
    context = server_context(certificates.good, clients_of=certificates.ca_file)
    with tls_server(context, answering(OK)) as url, proxy_server({"collector.test:443": url[len("https://") :]}) as proxy:
        proxy_url = proxy.url.replace("http://", "http://user:s3cret@")
        assert _post("https://collector.test", {"HTTPS_PROXY": proxy_url}, times=3, tls=files) == Delivered()
    assert proxy.requested == ["CONNECT collector.test:443 HTTP/1.1"]
    assert "Proxy-Authorization: Basic " in proxy.heads[0]
    assert "v1/traces" not in proxy.heads[0]


def _client(certificates: Certificates) -> dict[str, str]:
    return {"cert_file": certificates.client.cert_file, "key_file": certificates.client.key_file}


def test_the_proxys_credentials_are_not_shown_to_the_endpoint_behind_a_tunnel(certificates: Certificates) -> None:
    seen: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        connection.sendall(OK)

    with tls_server(server_context(certificates.good), talk) as url, proxy_server() as proxy:
        environ = {"https_proxy": proxy.url.replace("http://", "http://user:s3cret@")}
        assert _post(url, environ, tls=TlsFiles(ca_file=certificates.ca_file)) == Delivered()
    assert b"Proxy-Authorization" not in seen[0]


def test_a_certificate_for_another_host_is_refused_through_a_tunnel_too(certificates: Certificates) -> None:
    with (
        tls_server(server_context(certificates.elsewhere), answering(OK)) as url,
        proxy_server({"collector.test:443": url.removeprefix("https://")}) as proxy,
    ):
        outcome = _post("https://collector.test", {"https_proxy": proxy.url}, tls=TlsFiles(ca_file=certificates.ca_file))
    assert outcome == Retry(reason="TLS: certificate is for another host at collector.test", is_refusal=True)


def test_no_proxy_leads_around_the_proxy(receiver: OtlpReceiver, proxy: ProxyServer) -> None:
    assert _post(receiver.url, {"http_proxy": proxy.url, "NO_PROXY": "127.0.0.0/8"}) == Delivered()
    assert proxy.heads == []


def test_the_environment_is_read_when_the_transport_is_built(receiver: OtlpReceiver, proxy: ProxyServer) -> None:
    environ = {"http_proxy": proxy.url}
    transport = OtlpHttpTransport(SIGNALS["traces"], receiver.url, headers={}, compression="none", environ=environ)
    environ.clear()
    assert transport.send(b"", 5.0) == Delivered()
    transport.close()
    assert len(proxy.heads) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_there_is_named_without_its_credentials(scheme: str) -> None:
    port = free_port()
    outcome = _post(f"{scheme}://c.test", {f"{scheme}_proxy": f"http://user:s3cret@127.0.0.1:{port}"})
    assert outcome == Retry(reason=f"proxy: connection refused or unreachable at 127.0.0.1:{port}")


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(("status", "is_refusal"), [(407, True)])
def test_a_proxy_that_wants_other_credentials_is_a_refusal(
    proxy: ProxyServer, scheme: str, status: int, is_refusal: bool
) -> None:
    proxy.answer = b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status
    outcome = _post(f"{scheme}://c.test", {f"{scheme}_proxy": proxy.url.replace("//", "//user:s3cret@")}, times=2)
    place = proxy.url.removeprefix("http://")
    assert outcome == Retry(reason=f"proxy: HTTP {status} at {place}", is_refusal=is_refusal)


@pytest.mark.parametrize(
    ("status", "is_refusal"), [(301, False), (403, True), (408, False), (429, False), (500, False), (502, False), (503, False)]
)
def test_a_tunnel_that_the_proxy_does_not_open_is_tried_again(proxy: ProxyServer, status: int, is_refusal: bool) -> None:
    proxy.answer = b"HTTP/1.1 %d No\r\nContent-Length: 3\r\n\r\nno\n" % status
    outcome = _post("https://c.test", {"https_proxy": proxy.url})
    place = proxy.url.removeprefix("http://")
    assert outcome == Retry(reason=f"proxy: HTTP {status} at {place}", is_refusal=is_refusal)


def test_without_a_proxy_407_is_an_answer_like_any_other(receiver: OtlpReceiver) -> None:
    receiver.answers = [Answer(407)]
    assert isinstance(_post(receiver.url, {}), Rejected)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(b"", "proxy: connection closed early"), (b"SSH-2.0-x\r\n", "proxy: no HTTP answer")],
    ids=["nothing", "no http"],
)
def test_a_proxy_that_speaks_no_http_is_named(answer: bytes, reason: str) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    with raw_server(talk) as url:
        outcome = _post("https://c.test", {"https_proxy": url})
    assert outcome == Retry(reason=f"{reason} at {url.removeprefix('http://')}")


def _stalling(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def _dripping(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 Fine\r\nX: ")
    for _ in range(40):
        connection.sendall(b"y")
        time.sleep(0.05)


@pytest.mark.parametrize("talk", [_stalling, _dripping])
@pytest.mark.parametrize(
    ("scheme", "reason", "may_have_arrived"),
    [("https", "proxy: no answer in time", False), ("http", "no answer in time", True)],
)
def test_a_proxy_that_takes_its_time_is_given_no_more_than_the_timeout(
    talk: Callable[[socket.socket], None], scheme: str, reason: str, may_have_arrived: bool
) -> None:
    with raw_server(talk) as url:
        started_at = time.monotonic()
        outcome = _post(f"{scheme}://c.test", {f"{scheme}_proxy": url}, timeout_s=0.3)
        assert time.monotonic() - started_at < 1.0
    assert isinstance(outcome, Retry)
    assert outcome.reason.startswith(reason)
    assert outcome.may_have_arrived is may_have_arrived


def test_a_server_that_stalls_behind_a_tunnel_is_given_no_more_than_the_timeout(proxy: ProxyServer) -> None:
    with raw_server(_stalling) as url:
        started_at = time.monotonic()
        outcome = _post(url.replace("http://", "https://"), {"https_proxy": proxy.url}, timeout_s=0.3)
        assert time.monotonic() - started_at < 1.0
    assert outcome == Retry(reason=f"TLS: no handshake in time at {url.removeprefix('http://')}")
