"""A child that is forked while the parent collects metrics can measure and collect itself."""

from __future__ import annotations

from tests.support.interpreter import run_script


def test_a_child_forked_in_the_middle_of_a_collection_measures_and_collects() -> None:
    run_script(
        """
        import os, signal, threading, time
        from opentelemetry.metrics import Observation
        from heliograph import TelemetryManager
        telemetry = TelemetryManager.start("app", metrics={"exporters": ["memory"], "collection_interval": "1h"}, **QUIET)
        inside, counter = threading.Event(), telemetry.counter("c")
        def slow(_options):
            inside.set()
            time.sleep(0.2)
            return [Observation(1)]
        telemetry.meter.create_observable_gauge("slow", [slow])
        for _ in range(3):
            threading.Thread(target=telemetry.force_flush, daemon=True).start()
            assert inside.wait(5)
            inside.clear()
            child = os.fork()
            if child == 0:
                signal.alarm(5)  # a child that hangs is ended, and seen
                counter.add(1)
                telemetry.counter("of the child".replace(" ", ".")).add(1)
                os._exit(0 if telemetry.force_flush() else 1)
            assert os.waitpid(child, 0)[1] == 0
        """
    )


def test_a_callback_that_hangs_delays_a_fork_for_a_moment_only() -> None:
    run_script(
        """
        import os, threading, time
        from heliograph import TelemetryManager
        telemetry = TelemetryManager.start("app", metrics={"exporters": ["memory"], "collection_interval": "1h"}, **QUIET)
        inside, over = threading.Event(), threading.Event()
        telemetry.meter.create_observable_gauge("hangs", [lambda _options: (inside.set(), over.wait(10)) and []])
        threading.Thread(target=telemetry.force_flush, daemon=True).start()
        assert inside.wait(5)
        started_at = time.monotonic()
        child = os.fork()
        if child == 0:
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert time.monotonic() - started_at < 3
        over.set()
        """
    )


def test_a_child_forked_during_another_threads_shutdown_ends() -> None:
    run_script(
        """
        import os, signal, socket, sys, threading, time
        from heliograph import TelemetryManager
        deaf = socket.create_server(("127.0.0.1", 0))
        otlp = {"exporters": [{"type": "otlp", "endpoint": f"http://127.0.0.1:{deaf.getsockname()[1]}"}]}
        telemetry = TelemetryManager.start("app", tracing=otlp, metrics={"exporters": []}, **QUIET)
        with telemetry.span("work"):
            pass
        ending = threading.Thread(target=telemetry.shutdown, args=(2,))
        ending.start()
        time.sleep(0.5)
        child = os.fork()
        if child == 0:
            signal.alarm(5)
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        ending.join()
        """
    )
