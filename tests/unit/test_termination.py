"""SIGTERM: what was accepted arrives, and the process ends as it would have without heliograph."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from heliograph.termination import TerminationHandler
from tests.support.interpreter import start_script
from tests.support.otlp_receiver import Answer, http_receiver

APPLICATION = """
    import signal, sys, threading, time
    from heliograph import TelemetryManager
    {before}
    telemetry = TelemetryManager.start("app", tracing={{"exporters": [{{"type": "otlp", "endpoint": sys.argv[1]}}]}}, **QUIET)
    {after}
    for number in range(100):
        with telemetry.span("work", number=number):
            pass
    print("ready", flush=True)
    {wait}
"""
WAIT = "time.sleep(30)"


def terminated(
    url: str, *, before: str = "", after: str = "", wait: str = WAIT, times: int = 1, every_s: float = 0.0
) -> tuple[int, str]:
    """Send SIGTERM to an application that has recorded 100 spans; returns its exit code and what it wrote to stderr."""
    process = start_script(APPLICATION.format(before=before, after=after, wait=wait), url)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for number in range(times):
            time.sleep(every_s if number else 0.0)
            process.send_signal(signal.SIGTERM)
        _out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()
    return process.returncode, err


def test_a_process_that_does_not_care_about_sigterm_delivers_and_ends_by_it() -> None:
    with http_receiver() as receiver:
        assert terminated(receiver.url) == (-signal.SIGTERM, "")
        assert len(set(receiver.span_ids())) == len(receiver.span_ids()) == 100


def test_a_parent_that_says_it_twice_in_a_row_takes_nothing() -> None:
    with http_receiver() as receiver:
        receiver.answers = [Answer(delay_s=0.4)]
        assert terminated(receiver.url, times=2, every_s=0.1) == (-signal.SIGTERM, "")
        assert len(receiver.span_ids()) == 100


def test_whoever_says_it_again_later_does_not_want_to_wait() -> None:
    with http_receiver() as receiver:
        receiver.answers = [Answer(delay_s=4.0)]
        started_at = time.monotonic()
        assert terminated(receiver.url, times=2, every_s=1.2) == (-signal.SIGTERM, "")
        assert time.monotonic() - started_at < 3.5


UVICORN = """
    import sys
    import uvicorn
    from heliograph import TelemetryManager

    async def application(scope, receive, send):
        await receive()
        telemetry = TelemetryManager.start(
            "app", tracing={"exporters": [{"type": "otlp", "endpoint": sys.argv[1]}]}, **QUIET
        )
        await send({"type": "lifespan.startup.complete"})
        print("ready", flush=True)
        await receive()
        with telemetry.span("at the end"):
            pass
        await send({"type": "lifespan.shutdown.complete"})

    uvicorn.run(application, port=0, log_level="critical")
"""


def test_uvicorn_which_ends_by_a_signal_of_its_own_delivers_what_the_application_does_last() -> None:
    with http_receiver() as receiver:
        process = start_script(UVICORN, receiver.url)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGTERM)
            _out, err = process.communicate(timeout=20)
        finally:
            process.kill()
            process.communicate()
        assert (process.returncode, err) == (-signal.SIGTERM, "")
        assert [span.name for span in receiver.spans()] == ["at the end"]


def test_a_lock_that_the_interrupted_code_holds_keeps_nothing_from_being_delivered() -> None:
    # The main thread sits in a measurement, inside the SDK's own lock, when the signal comes.
    wait = """
    counter = telemetry.meter.create_counter("c")
    while True:
        counter.add(1)
    """
    with http_receiver() as receiver:
        assert terminated(receiver.url, wait=wait) == (-signal.SIGTERM, "")
        assert len(receiver.span_ids()) == 100


@pytest.mark.parametrize("place", ["before", "after"])
def test_the_handler_of_an_application_is_left_alone_and_its_exit_delivers(place: str) -> None:
    handler = "signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(7))"
    with http_receiver() as receiver:
        assert terminated(receiver.url, **{place: handler}) == (7, "")
        assert len(receiver.span_ids()) == 100


def test_a_handler_that_ends_the_process_at_once_finds_everything_delivered() -> None:
    handler = "signal.signal(signal.SIGTERM, lambda number, frame: os._exit(9))"
    with http_receiver() as receiver:
        assert terminated(receiver.url, before=f"import os; {handler}") == (9, "")
        assert len(receiver.span_ids()) == 100


def test_a_handler_that_only_takes_notice_is_called_and_what_is_recorded_after_it_is_delivered_too() -> None:
    handler = "stop = threading.Event(); signal.signal(signal.SIGTERM, lambda number, frame: stop.set())"
    wait = "stop.wait(30); telemetry.span('last').__enter__().end(); sys.exit(4)"
    with http_receiver() as receiver:
        assert terminated(receiver.url, before=handler, wait=wait) == (4, "")
        assert len(receiver.span_ids()) == 101


def test_a_handler_of_the_applications_waits_for_a_dead_collector_a_moment_only() -> None:
    handler = "signal.signal(signal.SIGTERM, lambda number, frame: os._exit(9))"
    started_at = time.monotonic()
    assert terminated("http://127.0.0.1:9", before=f"import os; {handler}")[0] == 9
    assert time.monotonic() - started_at < 5


def test_the_handler_of_an_application_is_back_after_a_shutdown() -> None:
    handler = "handler = lambda number, frame: sys.exit(7); signal.signal(signal.SIGTERM, handler)"
    wait = "telemetry.shutdown(); assert signal.getsignal(15) is handler; time.sleep(30)"
    with http_receiver() as receiver:
        assert terminated(receiver.url, before=handler, wait=wait) == (7, "")


def test_an_ignored_sigterm_stays_ignored() -> None:
    ignoring = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    with http_receiver() as receiver:
        assert terminated(receiver.url, before=ignoring, wait="time.sleep(1); sys.exit(3)") == (3, "")
        assert len(receiver.span_ids()) == 100


def test_a_dead_collector_holds_the_process_no_longer_than_the_shutdown_may_take() -> None:
    code, _err = terminated("http://127.0.0.1:9", before='QUIET["delivery"] = {"shutdown_timeout": "1s"}')
    assert code == -signal.SIGTERM


def test_the_default_is_back_after_a_shutdown() -> None:
    with http_receiver() as receiver:
        code, _err = terminated(
            receiver.url, wait="telemetry.shutdown(); assert signal.getsignal(15) is signal.SIG_DFL; time.sleep(30)"
        )
        assert code == -signal.SIGTERM


def test_a_manager_that_is_started_on_another_thread_installs_no_handler() -> None:
    handler = TerminationHandler(lambda: None, lambda _timeout_s: None)
    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=handler.install)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before
