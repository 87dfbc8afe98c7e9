"""How things are measured: contenders in turn, each on fresh work of the same kind, the middle of many rounds.

In turn, because the speed of a machine wanders; what disturbs one round disturbs all contenders alike. Fresh work each round,
because an encoder that has seen the very same objects before is faster than it is in an application. CPU time, because other
programs interrupt who takes long more often than who is quick; on a machine that is quiet it is the time that passes.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import thread_time_ns
from typing import Final, TypeVar

_Work = TypeVar("_Work")

_WARM_UP_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is measured: ``rounds`` of each comparison, each on ``size`` items."""

    rounds: int
    size: int


FULL: Final = Effort(rounds=101, size=512)
QUICK: Final = Effort(rounds=3, size=16)  # shows that it runs, not how fast


def medians_ns(
    make_work: Callable[[], _Work],
    contenders: Sequence[Callable[[_Work], object]],
    rounds: int,
    now_ns: Callable[[], int] = thread_time_ns,
) -> list[float]:
    """The median time in ns that each of ``contenders`` takes for one work, over ``rounds`` rounds (>= 1).

    ``make_work`` makes the work of one contender in one round right before, as a program records what is delivered soon after;
    it is not timed. ``now_ns`` is read before and after: the CPU time of this thread, or of the whole process where other
    threads have a share in the work. The garbage collector stays on, as it is in an application. Some rounds to warm up come
    first.
    """
    taken_ns: list[list[int]] = [[] for _ in contenders]
    for number in range(_WARM_UP_ROUNDS + rounds):
        order = range(len(contenders))
        for at in order if number % 2 else reversed(order):
            work = make_work()
            started_ns = now_ns()
            contenders[at](work)
            taken_ns[at].append(now_ns() - started_ns)
    return [statistics.median(taken[_WARM_UP_ROUNDS:]) for taken in taken_ns]
