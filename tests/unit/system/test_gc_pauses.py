"""The time of garbage collections is added up by generation, from start to stop."""

import gc
import time

from heliograph.system.gc_pauses import GcPauses


class _Slow:
    """One whose end takes 20 ms, and which only a collection can bring about."""

    def __init__(self) -> None:
        self.myself = self

    def __del__(self) -> None:
        time.sleep(0.02)


def test_a_collection_that_takes_long_is_seen_in_its_generation() -> None:
    pauses = GcPauses()
    gc.collect()
    pauses.start()
    _Slow()
    gc.collect(2)
    pauses.stop()
    assert pauses.spent_ns[2] >= 20_000_000


def test_nothing_is_timed_before_the_start_and_after_the_stop() -> None:
    pauses = GcPauses()
    gc.collect()
    pauses.start()
    pauses.stop()
    before = list(pauses.spent_ns)
    gc.collect()
    assert pauses.spent_ns == before


def test_stopping_twice_or_without_a_start_is_no_error() -> None:
    pauses = GcPauses()
    pauses.stop()
    pauses.start()
    pauses.stop()
    pauses.stop()
    assert not [callback for callback in gc.callbacks if getattr(callback, "__self__", None) is pauses]


def test_a_collection_that_was_under_way_at_the_start_is_left_out() -> None:
    pauses = GcPauses()
    pauses._note("stop", {"generation": 2})
    assert pauses.spent_ns == [0, 0, 0]
