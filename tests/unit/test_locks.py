"""Recording from a finaliser never makes two threads wait for each other."""

from __future__ import annotations

import threading
import time

from heliograph.locks import recording_lock
from tests.support.interpreter import run_script


def test_a_thread_that_records_while_it_holds_one_part_meets_one_that_does_so_while_it_holds_another(start):
    telemetry = start(tracing={"sample_rate": 0.5, "exporters": ["memory"]}, metrics={"exporters": ["memory"]})
    counter = telemetry.counter("work")
    (pipeline,) = [found for found in telemetry._assembly._pipelines.values() if found.signal == "traces"]
    parts = [pipeline._lock, telemetry._assembly._tail._lock, counter._made._series.guard.lock, telemetry._mishaps._lock]

    def finalised():
        with telemetry.span("finalised"):
            counter.add(1, {"at": time.monotonic_ns()})

    def hold(lock):
        with lock:
            time.sleep(0.05)  # the other is in its part by now
            finalised()

    for first in parts:
        for second in parts:
            threads = [threading.Thread(target=hold, args=(lock,), daemon=True) for lock in (first, second)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(10)
                assert not thread.is_alive()


def test_a_forked_child_has_a_lock_of_its_own():
    run_script(
        """
        import os, threading
        from heliograph.locks import recording_lock
        assert recording_lock() is recording_lock()
        threading.Thread(target=lambda: recording_lock().acquire()).start()
        child = os.fork()
        if child == 0:
            os._exit(0 if recording_lock().acquire(timeout=1) else 1)
        assert os.waitpid(child, 0)[1] == 0
        """
    )


def test_the_lock_is_reentrant():
    with recording_lock(), recording_lock():
        pass
