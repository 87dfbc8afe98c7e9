"""The server serves from a daemon thread, says at once when it cannot, and gives its port back when it stops."""

import errno
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import urllib3
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from heliograph.endpoint.server import ThreadedServer
from tests.support.interpreter import run_script
from tests.support.waiting import until


def _app(let_go: threading.Event | None = None) -> Starlette:
    async def hello(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    async def slow(_request: Request) -> PlainTextResponse:
        await run_in_threadpool((let_go or threading.Event()).wait, 10)
        return PlainTextResponse("at last")

    async def broken(_request: Request) -> PlainTextResponse:
        raise RuntimeError("broken on purpose")

    return Starlette(routes=[Route("/", hello), Route("/slow", slow), Route("/broken", broken)])


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "server-under-test"]


@contextmanager
def _serving(app: Starlette | None = None, host: str = "127.0.0.1", port: int = 0) -> Iterator[ThreadedServer]:
    server = ThreadedServer.start(lambda: app or _app(), host, port, thread_name="server-under-test")
    try:
        yield server
    finally:
        server.stop(5)


def _get(url: str, method: str = "GET") -> tuple[int, bytes]:
    with urllib3.PoolManager(retries=False, timeout=5) as http:
        answer = http.request(method, url)
        return answer.status, answer.data


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return False
    return True


def test_port_zero_is_any_free_port_and_requests_are_answered_as_soon_as_it_is_known() -> None:
    with _serving() as one, _serving() as two:
        assert one.port not in (0, two.port)
        assert one.url == f"http://127.0.0.1:{one.port}"
        assert _get(one.url) == _get(two.url) == (200, b"hello")


def test_it_serves_from_a_daemon_thread_of_the_name_given() -> None:
    with _serving():
        assert [thread.daemon for thread in _threads()] == [True]
    assert _threads() == []


def test_a_head_request_gets_no_body() -> None:
    with _serving() as server:
        assert _get(server.url, "HEAD") == (200, b"")


def test_it_serves_on_ipv6() -> None:
    with _serving(host="::1") as server:
        assert server.url == f"http://[::1]:{server.port}"
        assert _get(server.url) == (200, b"hello")


def test_a_port_that_is_taken_is_an_error_at_once_and_leaves_nothing_behind() -> None:
    with _serving() as server:
        with pytest.raises(OSError, match="in use") as caught:
            ThreadedServer.start(_app, "127.0.0.1", server.port, thread_name="second")
        assert caught.value.errno == errno.EADDRINUSE
        assert "second" not in {thread.name for thread in threading.enumerate()}
        assert _get(server.url) == (200, b"hello")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1", "a..b", "a" * 70, "[::1]"])
def test_a_host_that_cannot_be_had_is_an_os_error(host: str) -> None:
    with pytest.raises(OSError), _serving(host=host):
        pass
    assert _threads() == []


def test_stopping_frees_the_port_for_the_next_one() -> None:
    with _serving() as first:
        _get(first.url)
    assert _is_free(first.port)
    with _serving(port=first.port) as second:
        assert second.port == first.port
        assert _get(second.url) == (200, b"hello")


def test_stopping_right_after_starting_frees_the_port_and_ends_the_thread() -> None:
    for _turn in range(10):
        with _serving() as server:
            pass
        assert _threads() == []
        assert _is_free(server.port)


def test_the_web_server_is_loaded_by_the_first_visitor_who_waits_for_it() -> None:
    run_script(
        """
        import sys, urllib.request
        from heliograph import TelemetryManager
        telemetry = TelemetryManager.start(service_name="a", server={"port": 0})
        assert not {"uvicorn", "starlette", "asyncio"} & set(sys.modules), set(sys.modules)
        assert b"target_info" in urllib.request.urlopen(telemetry.endpoint_url + "/metrics").read()
        assert "uvicorn" in sys.modules
        telemetry.shutdown()
    """,
    )


def test_stopping_twice_is_the_same_as_once() -> None:
    with _serving() as server:
        server.stop(5)
    assert _is_free(server.port)


def test_stopping_lets_open_requests_end_and_takes_no_new_ones() -> None:
    let_go, answers = threading.Event(), list[tuple[int, bytes]]()
    with _serving(_app(let_go)) as server:
        client = threading.Thread(target=lambda: answers.append(_get(f"{server.url}/slow")))
        client.start()
        until(lambda: server._server is not None and server._server.server_state.tasks)
        stopping = threading.Thread(target=server.stop, args=(5,))
        stopping.start()
        until(lambda: _is_free(server.port))
        let_go.set()
        stopping.join()
        client.join()
    assert answers == [(200, b"at last")]


@pytest.mark.parametrize("timeout_s", [0.0, 0.01])
def test_stopping_without_time_to_wait_frees_the_port_and_the_thread_ends_in_peace(timeout_s: float) -> None:
    with _serving() as server:
        _get(server.url)
        server.stop(timeout_s)
        until(lambda: _is_free(server.port))
        until(lambda: not _threads())


def test_starting_is_no_news_in_the_applications_log_and_a_broken_request_is(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), _serving() as server:
        assert _get(server.url)[0] == 200
        assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []
        assert _get(f"{server.url}/broken")[0] == 500
        until(lambda: [record for record in caplog.records if record.name == "uvicorn.error"])
    assert {record.levelno for record in caplog.records if record.name.startswith("uvicorn")} == {logging.ERROR}
    assert logging.getLogger("uvicorn.error").filters == []


def test_a_forked_child_closes_its_copy_of_the_socket() -> None:
    with _serving() as server:
        copy = socket.socket(fileno=socket.dup(server._socket.fileno()))
        child = ThreadedServer(copy, _app, "child")
        child.after_fork_in_child()
        assert copy.fileno() == -1
        assert _get(server.url) == (200, b"hello")
