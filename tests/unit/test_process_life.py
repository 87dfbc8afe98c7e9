"""Heliograph in whole processes: import, every way to end, signals. Each test has interpreters of its own."""

from __future__ import annotations

import signal

import pytest

from tests.support.interpreter import run_script, start_script
from tests.support.otlp_receiver import Answer, http_receiver
from tests.support.recorded import RECORDERS
from tests.support.waiting import until

START = """
import os, signal, sys, threading
from heliograph import TelemetryManager
otlp = {"exporters": [{"type": "otlp", "endpoint": sys.argv[1]}]}
telemetry = TelemetryManager.start("app", recorder=sys.argv[2], tracing=otlp, logs=otlp, metrics=otlp, **QUIET)
def work(name):
    with telemetry.span(name):
        telemetry.event(name)
"""


@pytest.fixture(params=RECORDERS)
def recorder(request):
    return request.param


def names(receiver):
    return sorted(span.name for span in receiver.spans())


# Import


def test_an_import_starts_no_thread_connects_nowhere_and_reads_no_environment():
    run_script("""
        import os, sys, threading

        class Watched(type(os.environ)):
            reads = []
            def __getitem__(self, name):
                self.note(name)
                return super().__getitem__(name)
            def get(self, name, default=None):
                self.note(name)
                return super().get(name, default)
            def __contains__(self, name):
                self.note(name)
                return super().__contains__(name)
            def note(self, name):
                frame = sys._getframe(2)
                while frame.f_code.co_filename.endswith(("os.py", "_collections_abc.py")):
                    frame = frame.f_back
                if os.sep + "heliograph" + os.sep in frame.f_code.co_filename:
                    self.reads.append((name, frame.f_code.co_filename))

        os.environ.__class__ = Watched
        connections = []
        sys.addaudithook(lambda event, arguments: connections.append(arguments) if event == "socket.connect" else None)
        import heliograph
        from heliograph import TelemetryManager, TelemetrySettings
        assert TelemetrySettings() == TelemetrySettings()
        assert threading.active_count() == 1, threading.enumerate()
        assert Watched.reads == [], Watched.reads
        assert connections == [], connections
        TelemetryManager().is_enabled  # the watch does see a read
        names = {name for name, _file in Watched.reads}
        ours = {"HELIOGRAPH_ENABLED", "OTEL_SDK_DISABLED", "PROMETHEUS_MULTIPROC_DIR", "PYTEST_VERSION"}
        assert names == ours, Watched.reads
    """)


def test_an_import_registers_no_provider_no_handler_and_no_exit_hook_and_loads_no_web_server():
    run_script(
        """
        import atexit, logging, signal, sys
        from opentelemetry import metrics, trace
        before = [trace.get_tracer_provider(), metrics.get_meter_provider(), signal.getsignal(signal.SIGTERM)]
        import heliograph
        assert before == [trace.get_tracer_provider(), metrics.get_meter_provider(), signal.getsignal(signal.SIGTERM)]
        assert logging.getLogger().handlers == []
        loaded = {"uvicorn", "starlette", "asyncio", "grpc", "pydantic", "google.protobuf", "typer", "rich"} & set(sys.modules)
        assert loaded == set(), loaded
    """,
    )


def test_a_manager_that_is_made_and_not_initialised_starts_nothing():
    run_script("""
        import threading
        from opentelemetry import trace
        before = trace.get_tracer_provider()
        from heliograph import TelemetryManager
        telemetry = TelemetryManager()
        telemetry.counter("c").add(1)
        with telemetry.span("work"):
            telemetry.event("e")
        assert threading.active_count() == 1
        assert trace.get_tracer_provider() is before
    """)


# The end of a process


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("pass", 0),
        ("sys.exit(3)", 3),
        ("raise RuntimeError('unhandled')", 1),
        ("os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT),
        ("telemetry.shutdown()", 0),
    ],
    ids=["end of the script", "sys.exit", "unhandled exception", "Ctrl-C", "shutdown and exit"],
)
def test_a_process_that_ends_delivers_what_it_recorded(end, code, recorder):
    with http_receiver() as receiver:
        _out, err = run_script(
            START + f"work('a')\nwork('b')\ntelemetry.increment_counter('c')\n{end}\n",
            receiver.url,
            recorder,
            expected_code=code,
        )
        assert names(receiver) == ["a", "b"]
        assert sorted(record.event_name for record in receiver.log_records()) == ["a", "b"]
        assert "c" in receiver.metric_names()
    assert "heliograph" not in err


def test_a_span_that_ends_in_an_exit_hook_registered_after_the_start_is_delivered(recorder):
    with http_receiver() as receiver:
        run_script(START + "import atexit\natexit.register(work, 'at exit')\n", receiver.url, recorder)
        assert names(receiver) == ["at exit"]


def test_a_process_that_ends_with_an_unreachable_collector_does_not_wait_longer_than_its_shutdown_timeout(recorder):
    code = START.replace("**QUIET", "delivery={'shutdown_timeout': '500ms'}, **QUIET") + "work('a')\n"
    _out, err = run_script(code, "http://127.0.0.1:9", recorder, timeout_s=6)
    assert "Traceback" not in err


def test_a_process_that_delivers_before_its_end_and_at_its_end_leaves_no_socket_open(recorder):
    with http_receiver() as receiver:
        _out, err = run_script(START + "work('a')\nassert telemetry.force_flush()\nwork('b')\n", receiver.url, recorder)
        assert names(receiver) == ["a", "b"]
    assert "ResourceWarning" not in err


def test_a_process_that_ends_while_threads_still_record_ends_cleanly(recorder):
    code = (
        START
        + """
def forever():
    while True:
        work("t")
for _ in range(3):
    threading.Thread(target=forever, daemon=True).start()
while telemetry.ledger()["traces", "otlp"].accepted < 200:
    pass
sys.exit(4)
"""
    )
    with http_receiver() as receiver:
        _out, err = run_script(code, receiver.url, recorder, expected_code=4)
        assert len(receiver.spans()) >= 200
    assert "heliograph" not in err


def test_a_second_signal_during_the_shutdown_of_the_first_does_not_hang_the_process(recorder):
    code = (
        START
        + """
def stop(*_arguments):
    telemetry.shutdown(timeout_s=3)
    sys.exit(7)
signal.signal(signal.SIGTERM, stop)
work("a")
print("ready", flush=True)
signal.pause()
"""
    )
    with http_receiver() as receiver:
        receiver.answers = [Answer(delay_s=0.5)] * 3
        process = start_script(code, receiver.url, recorder)
        try:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGTERM)
            until(lambda: receiver.attempts)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=6)
            assert process.returncode == 7
            until(lambda: names(receiver) == ["a"])
        finally:
            process.kill()
            process.communicate()
