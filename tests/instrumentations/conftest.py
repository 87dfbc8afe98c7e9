"""Servers that are other programs: started by a test for both of its runs, ended by their own ids."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.instrumentations.comparison import RECORDERS
from tests.support.processes import free_port, needed, running
from tests.support.waiting import until


@pytest.fixture
def redis_ports(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The port of an empty redis-server for each recorder."""
    with contextlib.ExitStack() as servers:
        yield {recorder: str(servers.enter_context(_redis(tmp_path / recorder))) for recorder in RECORDERS}


@contextlib.contextmanager
def _redis(folder: Path) -> Iterator[int]:
    folder.mkdir()
    port = free_port()
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    with running([needed("redis-server"), *arguments], folder / "redis.log"):
        until(lambda: _answers(port))
        yield port


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(16) == b"+PONG\r\n"
    return False
