"""The processes of a service share a port with each other and with nobody else."""

import errno
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from heliograph.endpoint import sharing
from heliograph.endpoint.listening import CAN_SHARE, listen_on
from heliograph.endpoint.sharing import listen_among
from heliograph.prometheus.multiprocess.member import Member
from heliograph.prometheus.table import Collected
from tests.support.interpreter import start_script
from tests.support.processes import free_port

pytestmark = pytest.mark.skipif(not CAN_SHARE, reason="this system has no SO_REUSEPORT")

HOST = "127.0.0.1"

LISTENING = """
    import sys
    from pathlib import Path
    from heliograph.endpoint.sharing import listen_among
    shared = listen_among(Path(sys.argv[1]), "127.0.0.1", int(sys.argv[2]), 20)
    print(shared.listening.getsockname()[1], flush=True)
    sys.stdin.read()
"""


@contextmanager
def _listening(directory: Path, port: int, ports: int = 20) -> Iterator[int]:
    """The port that is listened on."""
    shared = listen_among(directory, HOST, port, ports)
    try:
        yield shared.listening.getsockname()[1]
    finally:
        shared.listening.close()
        os.close(shared.claim)


def _folders(folder: Path) -> tuple[Path, Path]:
    one, two = folder / "one", folder / "two"
    one.mkdir()
    two.mkdir()
    return one, two


def test_those_who_have_a_directory_in_common_share_a_port(tmp_path: Path) -> None:
    port = free_port()
    with _listening(tmp_path, port) as one, _listening(tmp_path, port) as two, _listening(tmp_path, port) as three:
        assert one == two == three == port


def test_those_of_another_directory_take_another_port_and_share_that(tmp_path: Path) -> None:
    (shop, bank), port = _folders(tmp_path), free_port()
    with _listening(shop, port) as first_shop, _listening(bank, port) as first_bank:
        assert first_bank != first_shop == port
        with _listening(shop, port) as second_shop, _listening(bank, port) as second_bank:
            assert (second_shop, second_bank) == (first_shop, first_bank)
        with pytest.raises(OSError, match="in use") as caught, _listening(bank, port, ports=1):
            pass
        assert caught.value.errno == errno.EADDRINUSE


def test_a_port_that_any_program_has_is_passed_over(tmp_path: Path) -> None:
    for is_shared in (True, False):
        with listen_on(HOST, 0, is_shared=is_shared) as other, _listening(tmp_path, other.getsockname()[1]) as port:
            assert port != other.getsockname()[1]


def test_a_port_whose_holders_have_all_ended_is_for_everybody(tmp_path: Path) -> None:
    (shop, bank), port = _folders(tmp_path), free_port()
    with _listening(shop, port), _listening(shop, port):
        pass
    with _listening(bank, port) as taken:
        assert taken == port
        with _listening(shop, port) as other:
            assert other != port
    with _listening(shop, port) as taken:
        assert taken == port


def test_one_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    (shop, bank), port = _folders(tmp_path), free_port()
    with start_script(LISTENING, str(shop), str(port)) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == port
        process.kill()
        process.communicate(timeout=10)
    with _listening(bank, port) as taken:
        assert taken == port


def test_many_that_start_at_once_agree_on_a_port(tmp_path: Path) -> None:
    held: list[sharing.Shared] = []
    with listen_on(HOST, 0) as taken:  # so that all have to look for another
        port = taken.getsockname()[1]
        threads = [
            threading.Thread(target=lambda: held.append(listen_among(tmp_path, HOST, port, 20))) for _number in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    ports = [shared.listening.getsockname()[1] for shared in held]
    for shared in held:
        shared.listening.close()
        assert shared.claim is not None
        os.close(shared.claim)
    assert len(ports) == 16
    assert len(set(ports)) == 1
    assert port not in ports


def test_one_that_hangs_in_its_turn_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "heliograph.ports", os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    began_s = time.monotonic()
    with _listening(tmp_path, free_port()):
        assert time.monotonic() - began_s < sharing._LONGEST_TURN_S + 1
    os.close(descriptor)


@pytest.mark.parametrize("directory", ["gone", "file/below"])
def test_without_a_directory_that_can_be_used_the_port_is_not_shared_which_is_said(
    tmp_path: Path, directory: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    port = free_port()
    shared = listen_among(tmp_path / directory, HOST, port, 1)
    with shared.listening:
        assert shared.claim is None
        assert shared.listening.getsockname()[1] == port
        assert "cannot be used" in caplog.text
        with pytest.raises(OSError, match="in use"):
            listen_among(tmp_path / directory, HOST, port, 1)


def test_a_run_of_metrics_that_is_over_takes_no_claim_with_it(tmp_path: Path) -> None:
    port = free_port()
    with _listening(tmp_path, port, ports=1):
        member = Member(tmp_path, lambda: Collected((), {}), lambda *_note: None)
        member.publish()  # the first of its run, so it cleans
        with _listening(tmp_path, port, ports=1) as second:
            assert second == port
        member.close()
