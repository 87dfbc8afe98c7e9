"""Processes that share a port leave no gap: whoever listens answers, and who stops answers those that wait first."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from heliograph.endpoint.listening import CAN_SHARE
from heliograph.endpoint.server import ThreadedServer
from tests.support.processes import free_port

pytestmark = pytest.mark.skipif(not CAN_SHARE, reason="this system has no SO_REUSEPORT")

REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"

# Serves until it reads a line, then stops and starts again; ends with its input.
RESTARTING = """
import sys
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from heliograph.endpoint.server import ThreadedServer

async def hello(_request):
    return PlainTextResponse("hello")

def start():
    app = Starlette(routes=[Route("/", hello)])
    return ThreadedServer.start(lambda: app, "127.0.0.1", int(sys.argv[1]), thread_name="shared", shared=True)

server = start()
print("serving", flush=True)
for _line in sys.stdin:
    server.stop(5)
    server = start()
    print("serving", flush=True)
server.stop(5)
"""


def _app(name: str) -> Starlette:
    async def say(_request: Request) -> PlainTextResponse:
        return PlainTextResponse(name)

    return Starlette(routes=[Route("/", say)])


@contextmanager
def _sharing(name: str, port: int) -> Iterator[ThreadedServer]:
    server = ThreadedServer.start(lambda: _app(name), "127.0.0.1", port, thread_name="shared", shared=True)
    try:
        yield server
    finally:
        server.stop(5)


def _call(port: int) -> socket.socket:
    call = socket.create_connection(("127.0.0.1", port), timeout=10)
    call.sendall(REQUEST)
    return call


def _answer(call: socket.socket) -> str:
    with call:
        data = b""
        while got := call.recv(65536):
            data += got
    head, _blank, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), data
    return body.decode()


def test_each_of_those_who_share_a_port_answers() -> None:
    port = free_port()
    with _sharing("one", port) as one, _sharing("two", port) as two:
        assert one.url == two.url == f"http://127.0.0.1:{port}"
        answers = [_answer(_call(port)) for _number in range(60)]
    assert set(answers) == {"one", "two"}


def test_who_does_not_share_does_not_get_a_port_that_is_shared() -> None:
    port = free_port()
    with _sharing("one", port), pytest.raises(OSError, match="in use"):
        ThreadedServer.start(lambda: _app("other"), "127.0.0.1", port, thread_name="other")


def test_a_service_shares_its_port_with_its_own_processes_only_and_gives_it_back(tmp_path: Path) -> None:
    port, started = free_port(), list[ThreadedServer]()
    for service in ("shop", "shop", "bank", "bank"):
        (tmp_path / service).mkdir(exist_ok=True)
        started.append(
            ThreadedServer.start(
                lambda service=service: _app(service),  # type: ignore[misc]
                "127.0.0.1",
                port,
                thread_name="shared",
                ports=20,
                shared=True,
                among=tmp_path / service,
            )
        )
    shop, _shop, bank, _bank = [server.port for server in started]
    assert (shop, _shop, _bank) == (port, port, bank)
    assert bank != port
    assert {_answer(_call(shop)) for _number in range(20)} == {"shop"}
    assert {_answer(_call(bank)) for _number in range(20)} == {"bank"}
    for server in started:
        server.stop(5)
    again = ThreadedServer.start(
        lambda: _app("bank"), "127.0.0.1", port, thread_name="shared", shared=True, among=tmp_path / "bank"
    )
    assert _answer(_call(port)) == "bank"
    again.stop(5)


@pytest.mark.parametrize("has_sibling", [True, False])
@pytest.mark.parametrize("is_loaded", [True, False])
def test_connections_that_wait_when_it_stops_are_answered(is_loaded: bool, has_sibling: bool) -> None:
    port = free_port()
    with ExitStack() as stack:
        server = stack.enter_context(_sharing("one", port))
        if is_loaded:
            _answer(_call(port))
        if has_sibling:
            stack.enter_context(_sharing("two", port))
        calls = [_call(port) for _number in range(40)]
        server.stop(10)
        answers = [_answer(call) for call in calls]
    assert len(answers) == 40
    assert "one" in answers
    assert ("two" in answers) is has_sibling


def test_stopping_when_nobody_waits_takes_a_moment_and_frees_the_port() -> None:
    port = free_port()
    with _sharing("one", port) as server:
        began_s = time.monotonic()
        server.stop(10)
        assert time.monotonic() - began_s < 1.0
    other = ThreadedServer.start(lambda: _app("two"), "127.0.0.1", port, thread_name="other")
    assert _answer(_call(port)) == "two"
    other.stop(5)


def test_no_request_fails_while_two_processes_restart_in_turn() -> None:
    port, failed, answered, is_over = free_port(), list[BaseException](), list[float](), threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            began_s = time.monotonic()
            try:
                assert _answer(_call(port)) == "hello"
            except (OSError, AssertionError) as error:
                failed.append(error)
            answered.append(time.monotonic() - began_s)

    command = [sys.executable, "-c", RESTARTING, str(port)]
    with ExitStack() as stack:
        workers = [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
            for _number in range(2)
        ]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"serving\n"
        clients = [threading.Thread(target=ask) for _number in range(3)]
        for client in clients:
            client.start()
        for turn in range(8):
            time.sleep(0.3)
            worker = workers[turn % 2]
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.write(b"again\n")
            worker.stdin.flush()
            assert worker.stdout.readline() == b"serving\n"
        is_over.set()
        for client in clients:
            client.join(10)
        for worker in workers:
            worker.communicate(timeout=10)
    assert failed == []
    assert len(answered) > 100
    assert max(answered) < 5.0
