"""The system's clock reads the machine's time, the manual one stands still until told."""

import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import Clock, ManualClock, SystemClock

_SECOND = 1_000_000_000


def _readings(clock: Clock) -> tuple[int, int]:
    return clock.time_ns(), clock.monotonic_ns()


def test_the_system_clock_reads_the_machines_time() -> None:
    before = time.time_ns(), time.monotonic_ns()
    wall, monotonic = _readings(SystemClock())
    after = time.time_ns(), time.monotonic_ns()
    assert before[0] <= wall <= after[0]
    assert before[1] <= monotonic <= after[1]


def test_a_manual_clock_stands_still() -> None:
    clock = ManualClock()
    assert _readings(clock) == _readings(clock)


def test_a_manual_clock_starts_where_it_is_told() -> None:
    assert ManualClock(time_ns=5).time_ns() == 5


def test_time_that_passes_moves_both_readings() -> None:
    clock = ManualClock(time_ns=0)
    clock.advance(1.5)
    clock.advance(0)
    assert _readings(clock) == (1_500_000_000, 1_500_000_000)


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_jump_moves_the_wall_time_only(seconds: int) -> None:
    clock = ManualClock(time_ns=5000 * _SECOND)
    clock.advance(1)
    clock.jump(seconds)
    assert _readings(clock) == ((5001 + seconds) * _SECOND, _SECOND)


def test_time_does_not_pass_backwards() -> None:
    clock = ManualClock(time_ns=0)
    with pytest.raises(ValueError, match="-1"):
        clock.advance(-1)
    assert _readings(clock) == (0, 0)


@given(st.lists(st.integers(0, 10**6), max_size=20))
def test_steps_add_up_exactly(milliseconds: list[int]) -> None:
    clock = ManualClock(time_ns=0)
    for step in milliseconds:
        clock.advance(step / 1000)
    assert _readings(clock) == (sum(milliseconds) * 1_000_000,) * 2


def test_threads_that_advance_a_manual_clock_lose_no_time() -> None:
    clock, interval = ManualClock(time_ns=0), sys.getswitchinterval()
    threads = [threading.Thread(target=lambda: [clock.advance(1) for _ in range(2000)]) for _ in range(4)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert _readings(clock) == (8000 * _SECOND,) * 2
