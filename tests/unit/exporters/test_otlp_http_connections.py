"""OTLP over HTTP: connections that are kept, dropped, slow, forked or cut, and whether a batch may have arrived on them."""

from __future__ import annotations

import os
import socket
import threading
import time
import warnings
from collections.abc import Callable

import pytest

from heliograph.exporters.otlp_http import OtlpHttpTransport
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.outcome import Delivered, Outcome, Retry
from tests.support.processes import free_port
from tests.support.raw_server import answering, raw_server, read_request
from tests.support.waiting import until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
Talk = Callable[[socket.socket], None]


def _transport(url: str, headers: dict[str, str] | None = None) -> OtlpHttpTransport:
    return OtlpHttpTransport(SIGNALS["traces"], url, headers=headers or {}, compression="none", environ={})


def _send(url: str, body: bytes = b"", timeout_s: float = 5.0) -> Outcome:
    transport = _transport(url)
    try:
        return transport.send(body, timeout_s)
    finally:
        transport.close()


class _Counting:
    """Counts the connections and keeps the requests."""

    def __init__(self, *answers: bytes) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self._answers = answers or (OK,)

    def __call__(self, connection: socket.socket) -> None:
        self.connections += 1
        while request := read_request(connection):
            self.requests.append(request)
            connection.sendall(self._answers[min(len(self.requests), len(self._answers)) - 1])


def test_one_connection_serves_many_requests() -> None:
    server = _Counting()
    with raw_server(server) as url:
        transport = _transport(url)
        assert [transport.send(b"x", 5.0) for _ in range(10)] == [Delivered()] * 10
        transport.close()
    assert (server.connections, len(server.requests)) == (1, 10)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 503 Later\r\nContent-Length: 5\r\n\r\nlater",
        b"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbad\r\n0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 Nothing\r\n\r\n",
        b"HTTP/1.1 304 Not modified\r\n\r\n",
    ],
    ids=["503", "400", "302", "204", "304"],
)
def test_an_answer_that_was_read_to_its_end_keeps_the_connection(answer: bytes) -> None:
    server = _Counting(answer)
    with raw_server(server) as url:
        transport = _transport(url)
        for _ in range(3):
            transport.send(b"x", 5.0)
        transport.close()
    assert (server.connections, len(server.requests)) == (1, 3)


@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints", b"199 Unknown"])
def test_interim_answers_are_passed_over(interim: bytes) -> None:
    with raw_server(answering((b"HTTP/1.1 " + interim + b"\r\nLink: </x>\r\n\r\n") * 2 + OK)) as url:
        assert _send(url) == Delivered()


def test_another_protocol_than_http_is_no_success() -> None:
    with raw_server(answering(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n")) as url:
        assert not isinstance(_send(url), Delivered)


def test_what_a_server_says_unasked_is_not_taken_for_an_answer() -> None:
    late = b"HTTP/1.1 400 Late\r\nContent-Length: 0\r\n\r\n"

    def talk(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(OK)
        time.sleep(0.05)
        connection.sendall(late)
        read_request(connection)

    with raw_server(talk) as url:
        transport = _transport(url)
        assert transport.send(b"", 5.0) == Delivered()
        time.sleep(0.2)
        assert transport.send(b"", 5.0) == Delivered()
        transport.close()


def _end_after(requests: int) -> Talk:
    def talk(connection: socket.socket) -> None:
        for number in range(1, requests + 1):
            read_request(connection)
            if number < requests:
                connection.sendall(OK)

    return talk


def test_a_kept_connection_that_is_closed_in_answer_to_a_request_leaves_open_whether_it_arrived() -> None:
    with raw_server(_end_after(2)) as url:
        transport = _transport(url)
        assert transport.send(b"x", 5.0) == Delivered()
        expected = Retry(reason=f"connection closed early at {url.removeprefix('http://')}", may_have_arrived=True)
        assert transport.send(b"x", 5.0) == expected
        assert transport.send(b"x", 5.0) == Delivered()
        transport.close()


def test_a_connection_that_was_reset_while_idle_is_replaced_without_a_failure() -> None:
    def reset(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(OK)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        connection.close()

    with raw_server(reset) as url:
        transport = _transport(url)
        for _ in range(3):
            assert transport.send(b"x", 5.0) == Delivered()
            time.sleep(0.05)
        transport.close()


def _after_the_request(connection: socket.socket) -> None:
    read_request(connection)


def _stalling(connection: socket.socket) -> None:
    read_request(connection)
    connection.settimeout(3)
    connection.recv(1)


def _no_http(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"nonsense\r\n")


@pytest.mark.parametrize(
    ("talk", "reason"),
    [(_after_the_request, "connection closed early"), (_stalling, "no answer in time"), (_no_http, "no HTTP answer")],
)
def test_a_request_without_an_answer_may_have_arrived(talk: Talk, reason: str) -> None:
    with raw_server(talk) as url:
        outcome = _send(url, b"x", timeout_s=0.3)
    assert outcome == Retry(reason=f"{reason} at {url.removeprefix('http://')}", may_have_arrived=True)


def _cut_the_request(connection: socket.socket) -> None:
    connection.recv(1000)


def _read_nothing(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    time.sleep(1.0)


@pytest.mark.parametrize(
    ("talk", "reason"), [(_cut_the_request, "connection closed early"), (_read_nothing, "request not sent in time")]
)
def test_a_request_that_was_not_sent_to_its_end_has_not_arrived(talk: Talk, reason: str) -> None:
    with raw_server(talk) as url:
        started_at = time.monotonic()
        outcome = _send(url, b"x" * 30_000_000, timeout_s=0.4)
        assert time.monotonic() - started_at < 0.9
    assert outcome == Retry(reason=f"{reason} at {url.removeprefix('http://')}")


def test_a_request_that_is_read_drop_by_drop_is_given_no_more_than_the_timeout() -> None:
    def sip(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(40):
            connection.recv(2000)
            time.sleep(0.05)

    with raw_server(sip) as url:
        started_at = time.monotonic()
        assert isinstance(_send(url, b"x" * 30_000_000, timeout_s=0.4), Retry)
        assert time.monotonic() - started_at < 0.9


def test_a_port_where_nobody_listens_has_received_nothing() -> None:
    place = f"127.0.0.1:{free_port()}"
    assert _send(f"http://{place}") == Retry(reason=f"connection refused or unreachable at {place}")


def test_a_full_backlog_is_given_no_more_than_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        started_at = time.monotonic()
        outcome = _send(f"http://{place}", timeout_s=0.3)
        assert time.monotonic() - started_at < 0.8
        for one in waiting:
            one.close()
    assert outcome == Retry(reason=f"no connection in time at {place}")


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".test", "."])
def test_a_name_that_no_dns_can_hold_does_not_resolve(host: str) -> None:
    assert _send(f"http://{host}:4318") == Retry(reason=f"DNS: the name does not resolve at {host}:4318")


@pytest.mark.parametrize(
    ("ending", "line"),
    [
        ("", b"POST /v1/traces HTTP/1.1"),
        ("/otlp/?tenant=a&x=%20", b"POST /otlp/v1/traces?tenant=a&x=%20 HTTP/1.1"),
        ("/a b/\u00e9", b"POST /a%20b/%C3%A9/v1/traces HTTP/1.1"),
        ("/otlp#part", b"POST /otlp/v1/traces HTTP/1.1"),
    ],
)
def test_path_and_query_of_the_endpoint_are_sent(ending: str, line: bytes) -> None:
    server = _Counting()
    with raw_server(server) as url:
        assert _send(url + ending) == Delivered()
    assert server.requests[0].split(b"\r\n")[0] == line


def test_an_ipv6_endpoint_is_reached() -> None:
    if not socket.has_ipv6:
        pytest.skip("needs IPv6")
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("needs IPv6 on loopback")
    with listener:
        place = f"[::1]:{listener.getsockname()[1]}"
        transport = _transport(f"http://{place}")
        refused = transport.send(b"", 0.2)
        assert refused == Retry(reason=f"no answer in time at {place}", may_have_arrived=True)
        connection, _address = listener.accept()
        with connection:
            assert f"Host: {place}".encode() in read_request(connection)
        transport.close()


def test_a_forked_child_uses_a_connection_of_its_own_and_leaves_the_parents_alone() -> None:
    server = _Counting()
    with raw_server(lambda connection: _in_a_thread(server, connection)) as url:
        transport = _transport(url)
        assert transport.send(b"parent", 5.0) == Delivered()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the server has threads; none of them matters to the child
            child = os.fork()
        if child == 0:
            os._exit(0 if transport.send(b"child", 5.0) == Delivered() else 1)
        _pid, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert transport.send(b"parent again", 5.0) == Delivered()
        transport.close()
        until(lambda: len(server.requests) == 3)
    assert server.connections == 2


def _in_a_thread(talk: Talk, connection: socket.socket) -> None:
    own = connection.dup()  # the server closes its own when this returns

    def run() -> None:
        with own:
            talk(own)

    threading.Thread(target=run, daemon=True).start()
