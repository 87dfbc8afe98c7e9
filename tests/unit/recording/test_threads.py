"""heliograph's threads end like any other, and are no trouble as greenlets in a forked child."""

from __future__ import annotations

from heliograph.recording.threads import are_greenlets, own_thread
from tests.support.interpreter import run_script


def test_a_thread_does_its_work_and_ends() -> None:
    done: list[str] = []
    thread = own_thread(lambda: done.append("work"), "heliograph-test")
    thread.start()
    thread.join(5)
    assert (done, thread.is_alive(), thread.daemon, thread.name) == (["work"], False, True, "heliograph-test")
    assert not are_greenlets()


GREENLETS = """
    import os, sys, threading
    from heliograph.recording.threads import are_greenlets, own_thread  # before gevent patches
    from gevent import monkey
    monkey.patch_all()
    import gevent

    thread = own_thread(lambda: gevent.sleep(0.05), "heliograph-test")
    thread.start()
    gevent.sleep(0.01)
    child = os.fork()
    if child == 0:
        gevent.sleep(0.2)
        sys.exit(0)
    thread.join(5)
    print(are_greenlets(), thread.is_alive(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_greenlet_that_a_forked_child_has_from_its_parent_ends_without_a_word() -> None:
    assert run_script(GREENLETS) == ("True False 0\n", "")
