"""A port for the processes of one service: shared by them, and by nobody else.

The system shares a port among all processes of a user that ask for it (SO_REUSEPORT). Two services that both do, on the same
port, would answer for each other. So the processes of one know each other by a lock in a directory that they have in common:
who finds it held shares the port with the holder, who does not takes the port only if it is free. Called by `server.py`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from heliograph.endpoint.listening import first_free, listen_on
from heliograph.pipeline.filelock import try_lock

logger = logging.getLogger("heliograph")

# Not of the names that the metrics of the processes have there, which are removed with a run that is over.
_TURN: Final = "heliograph.ports"
_PORT: Final = "heliograph.port-{}"
_LONGEST_TURN_S: Final = 2.0  # after that whoever holds it is stopped or hangs, and is not waited for
_BETWEEN_TRIES_S: Final = 0.005


class Shared(NamedTuple):
    """A listening socket, and the open file whose lock says so, to be closed after the socket; None when it is not shared."""

    listening: socket.socket
    claim: int | None


def listen_among(directory: Path, host: str, port: int, ports: int) -> Shared:
    """Listen on the first of ``ports`` ports from ``port`` on that is free or is held by processes that share ``directory``.
    ``OSError`` when there is none. Where the directory cannot be written to, which is said, the port is not shared."""
    try:
        turn = _opened(directory, _TURN)
    except OSError as error:
        logger.warning("port %s is not shared, since %s cannot be used: %s", port, directory, error.strerror or error)
        return first_free(port, ports, lambda candidate: Shared(listen_on(host, candidate), None))
    with _held(turn):
        return first_free(port, ports, lambda candidate: _claimed(directory, host, candidate))


def _claimed(directory: Path, host: str, port: int) -> Shared:
    try:
        claim = _opened(directory, _PORT.format(port))
    except OSError:  # the disk is full by now, for one
        return Shared(listen_on(host, port), None)
    try:
        listening = listen_on(host, port, is_shared=True, is_first=try_lock(claim))
    except OSError:
        os.close(claim)
        raise
    _share(claim)
    return Shared(listening, claim)


def _share(claim: int) -> None:
    if sys.platform != "win32":
        import fcntl  # noqa: PLC0415

        with contextlib.suppress(OSError):  # a file system without locks: then nobody is the first, and all share
            fcntl.flock(claim, fcntl.LOCK_SH)


def _opened(directory: Path, name: str) -> int:
    return os.open(directory / name, os.O_RDONLY | os.O_CREAT, 0o644)


@contextlib.contextmanager
def _held(descriptor: int) -> Iterator[None]:
    """One process at a time looks at the locks, or two could each take the other for settled."""
    try:
        latest_s = time.monotonic() + _LONGEST_TURN_S
        while not try_lock(descriptor) and time.monotonic() < latest_s:
            time.sleep(_BETWEEN_TRIES_S)
        yield
    finally:
        os.close(descriptor)
