"""What is said of Python is what the interpreter counts."""

import gc
import threading

from heliograph.system.probe import Probe, Read
from heliograph.system.readings import runtime


def _by_generation(read: Read, probe: Probe) -> dict[int, float]:
    return {attributes["cpython.gc.generation"]: value or 0.0 for value, attributes in read(probe)}


def test_collections_are_counted_by_generation() -> None:
    probe = Probe()
    before = _by_generation(runtime.collections, probe)
    for _ in range(3):
        gc.collect(2)
    probe.begin()
    after = _by_generation(runtime.collections, probe)
    assert list(after) == [0, 1, 2]
    assert after[2] >= before[2] + 3


def test_collected_objects_are_counted() -> None:
    probe = Probe()
    before = sum(_by_generation(runtime.collected_objects, probe).values())
    for _ in range(50):
        circle: list[object] = []
        circle.append(circle)
    del circle
    gc.collect()
    probe.begin()
    assert sum(_by_generation(runtime.collected_objects, probe).values()) >= before + 50


def test_objects_that_nothing_can_free_are_counted() -> None:
    said = [counts["uncollectable"] for counts in gc.get_stats()]
    assert list(_by_generation(runtime.uncollectable_objects, Probe()).values()) == said


def test_what_was_counted_before_a_fork_was_the_parents() -> None:
    gc.collect()
    child = Probe(is_child=True)
    assert sum(_by_generation(runtime.collections, child).values()) <= 1
    gc.collect()
    child.begin()
    assert _by_generation(runtime.collections, child)[2] >= 1


def test_pauses_are_in_seconds() -> None:
    probe = Probe()
    probe.gc_pauses.spent_ns[1] = 1_500_000_000
    assert _by_generation(runtime.pause_time, probe) == {0: 0, 1: 1.5, 2: 0}


def test_python_knows_its_threads() -> None:
    ((value, attributes),) = runtime.threads(Probe())
    assert (value, attributes) == (threading.active_count(), {})
