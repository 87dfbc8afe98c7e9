"""Children of one process, made as the arguments say: ``children.py spawn pool 12``. The parent does a share of the units.

Nothing below the line at the end runs in a child that imports this module, and no child starts telemetry itself.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import sys
from collections.abc import Sequence
from typing import Any

from tests.e2e.lifecycle.programs import units

_CHILDREN = 3


def do_all(numbers: Sequence[int]) -> None:
    for number in numbers:
        units.do(str(number))


def in_processes(context: Any, shares: list[list[int]]) -> None:
    children = [context.Process(target=do_all, args=(share,)) for share in shares]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0


def in_pool(context: Any, shares: list[list[int]]) -> None:
    with context.Pool(_CHILDREN) as pool:  # its end is SIGTERM to each
        pool.map(do_all, shares, chunksize=1)


def in_executor(context: Any, shares: list[list[int]]) -> None:
    with concurrent.futures.ProcessPoolExecutor(_CHILDREN, mp_context=context) as executor:
        list(executor.map(do_all, shares))


_WAYS = {"process": in_processes, "pool": in_pool, "executor": in_executor}

if __name__ == "__main__":
    _program, method, way, count = sys.argv
    units.start()
    every = list(range(int(count)))
    _WAYS[way](multiprocessing.get_context(method), [every[index :: _CHILDREN + 1] for index in range(_CHILDREN)])
    do_all(every[_CHILDREN :: _CHILDREN + 1])
