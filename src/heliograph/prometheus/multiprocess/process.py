"""Which process somebody is, and whether it still runs.

Called by `member.py`, which records its own process and the one that started it, and by `directory.py`, which asks after them.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import psutil

_PROC: Final = Path("/proc")
_ENDED: Final = frozenset({b"Z", b"X", b"x"})  # states of those that nobody has waited for yet


class Process(NamedTuple):
    """One process for good, though its number is given to others later.

    ``started`` is a time that only means something beside others of this machine, 0 where the system does not tell;
    ``namespace`` is where the number is valid, empty where there is only one such place.
    """

    pid: int
    started: float
    namespace: str


def this_process() -> Process:
    """The one that asks."""
    pid = os.getpid()
    return Process(pid, _started(pid) or 0.0, _namespace())


def parent_process() -> Process | None:
    """The one that started this one, when that is a part of the service as well: it runs the same program. A shell or an init
    system does not, and says nothing of a service: it lives on after it."""
    pid = os.getppid()
    started = _started(pid) if pid > 0 else None
    return Process(pid, started, _namespace()) if started and _is_same_program(pid) else None


def is_running(process: Process) -> bool | None:
    """Whether it has not ended; None when that cannot be told from here."""
    if process.namespace != _namespace() or not process.started:
        return None
    try:
        return _started(process.pid) == process.started
    except (PermissionError, psutil.AccessDenied):
        return None


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115  # it is no path of a file
    except OSError:
        return ""


def _started(pid: int) -> float | None:
    """When the process was started, None when it has ended. On Linux not in time, which an administrator may set."""
    if sys.platform != "linux":
        try:
            return psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            return None
    try:
        stat = (_PROC / str(pid) / "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = stat[stat.rindex(b")") + 2 :].split()  # behind the name of the program, which may be odd
    return None if state in _ENDED else float(fields[18])


def _is_same_program(pid: int) -> bool:
    with suppress(OSError, psutil.Error):
        return psutil.Process(pid).exe() == psutil.Process().exe()
    return False
