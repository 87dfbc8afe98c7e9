"""The sockets that servers listen on: the first free port of several, one port for several processes, and leaving it.

Called by `server.py` and `sharing.py`. On a shared port (SO_REUSEPORT) the system gives each connection to one of those who
listen. One that just closed its socket would reset the connections that were given to it and that it has not accepted yet, so
it leaves in steps: it has new ones turned away, serves those that are there, and then closes.
"""

from __future__ import annotations

import array
import errno
import selectors
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

CAN_SHARE: Final = hasattr(socket, "SO_REUSEPORT")

_HIGHEST_PORT: Final = 65535
_WAITING_CONNECTIONS: Final = 128
# A handshake that had begun when new ones were turned away has ended by then, in one data centre. Longer is safer across
# continents, but who is turned away waits a second.
_QUIET_S: Final = 0.01
_POLL_S: Final = 0.002
_BUSY_S: Final = 0.25  # where new ones keep coming, those served in the end are as good as those at the start

_SO_ATTACH_FILTER: Final = 26  # asm-generic/socket.h; Python has no name for it
# As classic BPF, over a TCP segment: dropped when of the flags SYN and ACK only SYN is set, else passed whole.
_NO_NEW_CONNECTIONS: Final = (
    (0x30, 0, 0, 13),  # ldb [13]: the flags
    (0x54, 0, 0, 0x12),  # and SYN | ACK
    (0x15, 0, 1, 0x02),  # jeq SYN
    (0x06, 0, 0, 0),  # ret 0
    (0x06, 0, 0, 0xFFFFFFFF),  # ret all
)


def first_free(port: int, ports: int, listen: Callable[[int], T]) -> T:
    """What ``listen`` gives for the first of ``ports`` ports from ``port`` on that is not taken; port 0 is any free one.
    ``OSError`` when all are, or one cannot be had for another reason."""
    for candidate in range(port, min(port + ports, _HIGHEST_PORT + 1) - 1):
        try:
            return listen(candidate)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return listen(min(port + ports - 1, _HIGHEST_PORT))


def listen_on(host: str, port: int, *, is_shared: bool = False, is_first: bool = False) -> socket.socket:
    """Listen; ``is_shared`` with others who say so. ``is_first`` is for a shared port on which nobody is expected yet: it is
    taken when it is free only."""
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except UnicodeError as error:  # a label that is empty or too long
        raise OSError(f"{host!r} is no host name: {error}") from error
    listening = socket.socket(family, kind, protocol)
    try:
        # On Windows this option would let two processes share the port.
        if sys.platform != "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared and not is_first:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind(address)
        if is_shared and is_first:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.listen(_WAITING_CONNECTIONS)
    except OSError:
        listening.close()
        raise
    listening.set_inheritable(False)
    return listening


def leave(listening: socket.socket, timeout_s: float) -> None:
    """Prepare a shared ``listening`` socket for being closed, while its server still serves: returns when nobody waits to be
    accepted, or after ``timeout_s`` seconds. Does nothing with a socket that is closed."""
    try:
        longest_s = timeout_s if _turned_away_new(listening) else min(timeout_s, _BUSY_S)
        deadline_s = time.monotonic() + longest_s
        with selectors.DefaultSelector() as selector:
            selector.register(listening, selectors.EVENT_READ)
            while (left_s := deadline_s - time.monotonic()) > 0 and selector.select(min(_QUIET_S, left_s)):
                time.sleep(_POLL_S)
    except (OSError, ValueError):  # it has been closed, maybe just now: nobody waits
        return


def _turned_away_new(listening: socket.socket) -> bool:
    """Whether new connections are turned away from now on. Who is asks again a second later, as after any packet that is
    lost, and then comes to another process: the system asks those only that still listen."""
    if sys.platform != "linux":
        return False
    steps = array.array("B", b"".join(struct.pack("HBBI", *step) for step in _NO_NEW_CONNECTIONS))
    address, _length = steps.buffer_info()
    try:
        listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(_NO_NEW_CONNECTIONS), address))
    except OSError:  # closed, or a sandbox that does not know it
        return False
    return True
