"""A port is taken, passed over or shared as asked, and who leaves a shared one lets nobody down."""

import errno
import socket
import sys
import threading
import time

import pytest

from heliograph.endpoint.listening import CAN_SHARE, first_free, leave, listen_on
from tests.support.processes import free_port

HOST = "127.0.0.1"

can_share = pytest.mark.skipif(not CAN_SHARE, reason="this system has no SO_REUSEPORT")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can turn away new connections")


def _listen(port: int, ports: int, *, is_shared: bool) -> socket.socket:
    return first_free(port, ports, lambda candidate: listen_on(HOST, candidate, is_shared=is_shared))


def _call(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), timeout=5)


def test_the_first_free_port_is_taken() -> None:
    with _listen(0, 1, is_shared=False) as taken:
        port = taken.getsockname()[1]
        with _listen(port, 20, is_shared=False) as listening:
            assert port < listening.getsockname()[1] < port + 20


def test_no_free_port_is_an_error() -> None:
    with _listen(0, 1, is_shared=False) as taken, pytest.raises(OSError, match="in use") as caught:
        _listen(taken.getsockname()[1], 1, is_shared=False)
    assert caught.value.errno == errno.EADDRINUSE


def test_no_port_above_the_highest_is_tried() -> None:
    with _listen(65535, 100, is_shared=False) as listening:
        assert listening.getsockname()[1] == 65535


def test_a_listening_socket_is_not_for_programs_that_this_one_starts() -> None:
    with _listen(0, 1, is_shared=True) as listening:
        assert not listening.get_inheritable()


@can_share
def test_a_port_is_shared_among_those_who_say_so() -> None:
    port = free_port()
    with (
        _listen(port, 5, is_shared=True) as one,
        _listen(port, 5, is_shared=True) as two,
    ):
        assert one.getsockname() == two.getsockname() == (HOST, port)


@can_share
@pytest.mark.parametrize("is_shared", [True, False])
def test_a_port_is_not_shared_with_those_who_do_not(is_shared: bool) -> None:
    with _listen(0, 1, is_shared=is_shared) as one:
        port = one.getsockname()[1]
        with _listen(port, 20, is_shared=not is_shared) as two:
            assert two.getsockname()[1] != port


@on_linux
def test_who_leaves_is_given_no_new_connection_and_the_others_are() -> None:
    port = free_port()
    with (
        _listen(port, 1, is_shared=True) as gone,
        _listen(port, 1, is_shared=True) as other,
    ):
        leave(gone, 1.0)
        other.settimeout(5)
        calls: list[socket.socket] = []
        callers = [threading.Thread(target=lambda: calls.append(_call(port))) for _number in range(12)]
        for caller in callers:
            caller.start()
        gone.setblocking(False)
        time.sleep(0.2)
        with pytest.raises(BlockingIOError):
            gone.accept()
        gone.close()  # from now on who was turned away comes to the other one
        for _number in range(12):
            other.accept()[0].close()
        for caller in callers:
            caller.join(5)
        assert len(calls) == 12
        for call in calls:
            call.close()


def test_leaving_waits_until_those_who_wait_have_been_accepted() -> None:
    with _listen(0, 1, is_shared=True) as listening:
        port = listening.getsockname()[1]
        calls = [_call(port) for _number in range(10)]
        leaving = threading.Thread(target=leave, args=(listening, 10.0))
        leaving.start()
        for _number in range(10):
            assert leaving.is_alive()
            listening.accept()[0].close()
            time.sleep(0.02)
        leaving.join(5)
        assert not leaving.is_alive()
        for call in calls:
            call.close()


def test_leaving_waits_no_longer_than_it_may() -> None:
    with _listen(0, 1, is_shared=True) as listening, _call(listening.getsockname()[1]):
        began_s = time.monotonic()
        leave(listening, 0.2)
        assert 0.15 < time.monotonic() - began_s < 1.0


def test_leaving_a_socket_that_is_closed_is_nothing() -> None:
    listening = _listen(0, 1, is_shared=True)
    listening.close()
    began_s = time.monotonic()
    leave(listening, 5.0)
    assert time.monotonic() - began_s < 1.0
