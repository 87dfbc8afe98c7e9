"""Processes that are spawned, and those in which gevent takes the place of threads, go on with telemetry."""

from __future__ import annotations

import json
import logging
import pickle
from pathlib import Path
from typing import Any

import pytest

from heliograph.rearming import Inheritance, start_spawned
from tests.support.interpreter import own_environment, run_script
from tests.support.processes import free_port, run_file

_METHODS = ("spawn", "forkserver")

APPLICATION = """
import json, multiprocessing, sys
from heliograph import TelemetryManager

QUIET = {"health": {"enabled": False}, "system": {"enabled": False}, "logs": {"enabled": False}}


def start(name, port, **metrics):
    metrics = {"exporters": ["prometheus"], **metrics}
    return TelemetryManager.start(name, tracing={"exporters": ["memory"]}, metrics=metrics, server={"port": port}, **QUIET)


def spawned(context, target, *arguments):
    queue = context.SimpleQueue()
    process = context.Process(target=target, args=(queue, *arguments))
    process.start()
    process.join()
    assert process.exitcode == 0
    return queue.get()


def look(queue):
    try:
        telemetry = TelemetryManager.current()
    except LookupError:
        queue.put(None)
    else:
        queue.put((telemetry.settings.service_name, telemetry.endpoint_url))


def look_further(queue):
    queue.put(spawned(multiprocessing.get_context("spawn"), look))


def start_another(queue):
    telemetry = start("another", 0)
    with telemetry.span("own"):
        pass
    telemetry.force_flush(5)
    names = [span.name for span in telemetry.exporter("traces", "memory").items()]
    queue.put((TelemetryManager.current().settings.service_name, telemetry.endpoint_url is not None, names))


def start_the_same(queue, port):
    before = TelemetryManager.current()
    queue.put(start("shop", port) is before)


if __name__ == "__main__":
    context, port = multiprocessing.get_context(sys.argv[1]), int(sys.argv[2])
    {body}
"""


def ran(folder: Path, method: str, body: str, port: int = 0, *arguments: str) -> Any:
    """What the program printed as JSON; nothing else may be said."""
    program = folder / "application.py"
    program.write_text(APPLICATION.replace("{body}", body))
    environ = own_environment({"HELIOGRAPH_ENABLED": "true"})
    code, out, err = run_file(program, method, str(port), *arguments, environ=environ, timeout_s=30)
    assert (code, err) == (0, "")
    return json.loads(out)


@pytest.mark.parametrize("method", _METHODS)
def test_a_spawned_process_has_its_parents_telemetry_but_not_its_port(tmp_path: Path, method: str) -> None:
    body = 'start("shop", port); print(json.dumps(spawned(context, look)))'
    assert ran(tmp_path, method, body, free_port()) == ["shop", None]


def test_processes_that_share_a_directory_of_metrics_share_the_port(tmp_path: Path) -> None:
    body = 'start("shop", port, multiprocess_dir=sys.argv[3]); print(json.dumps(spawned(context, look)))'
    port = free_port()
    assert ran(tmp_path, "spawn", body, port, str(tmp_path / "shared")) == ["shop", f"http://127.0.0.1:{port}"]


def test_a_process_that_is_spawned_by_a_spawned_one_has_it_too(tmp_path: Path) -> None:
    body = 'start("shop", port); print(json.dumps(spawned(context, look_further)))'
    assert ran(tmp_path, "spawn", body) == ["shop", None]


def test_a_spawned_process_that_starts_telemetry_of_its_own_has_that(tmp_path: Path) -> None:
    body = 'start("shop", port); print(json.dumps(spawned(context, start_another)))'
    assert ran(tmp_path, "spawn", body, free_port()) == ["another", True, ["own"]]


def test_a_spawned_process_that_starts_the_same_again_goes_on(tmp_path: Path) -> None:
    port = free_port()
    body = 'start("shop", port); print(json.dumps(spawned(context, start_the_same, port)))'
    assert ran(tmp_path, "spawn", body, port) is True


def test_a_process_that_is_spawned_after_the_shutdown_has_none(tmp_path: Path) -> None:
    body = 'start("shop", port).shutdown(); print(json.dumps(spawned(context, look)))'
    assert ran(tmp_path, "spawn", body) is None


UNGUARDED = """
import multiprocessing, sys
from heliograph import TelemetryManager

telemetry = TelemetryManager.start("shop", server={"port": int(sys.argv[2])}, tracing={"exporters": ["memory"]})


def look(queue):
    queue.put((telemetry.is_running, telemetry.endpoint_url))


if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    queue = context.SimpleQueue()
    process = context.Process(target=look, args=(queue,))
    process.start()
    process.join()
    print(queue.get())
"""


@pytest.mark.parametrize("method", _METHODS)
def test_a_program_that_starts_telemetry_wherever_it_is_imported_wants_its_port_once(tmp_path: Path, method: str) -> None:
    program = tmp_path / "application.py"
    program.write_text(UNGUARDED)
    environ = own_environment({"HELIOGRAPH_ENABLED": "true"})
    assert run_file(program, method, str(free_port()), environ=environ, timeout_s=30) == (0, "(True, None)\n", "")


def take(settings: object) -> None:
    if settings == "bad":
        raise ValueError("not these")


def test_what_is_inherited_is_inherited_again(caplog: pytest.LogCaptureFixture) -> None:
    found = pickle.loads(pickle.dumps(Inheritance(take, "good")))
    assert isinstance(found, Inheritance)
    assert isinstance(pickle.loads(pickle.dumps(found)), Inheritance)
    assert caplog.messages == []


def test_settings_that_cannot_be_pickled_keep_no_process_from_starting(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert pickle.loads(pickle.dumps(Inheritance(take, lambda: None))) is None
    assert "settings cannot be pickled" in caplog.text


@pytest.mark.parametrize("settings", [pickle.dumps("bad"), b"no pickle"], ids=["refused", "unreadable"])
def test_telemetry_that_cannot_start_keeps_no_process_from_starting(settings: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert start_spawned(take, settings) is None
    assert "goes without the telemetry of its parent" in caplog.text


LATE_PATCH = """
    import gevent
    from heliograph import TelemetryManager

    memory = {"exporters": ["memory"]}
    telemetry = TelemetryManager.start("shop", tracing=memory, metrics=memory, **QUIET)
    counter = telemetry.counter("done")
    exporter = telemetry.exporter("traces", "memory")
    with telemetry.span("before"):
        counter.add(1)

    import gevent.monkey
    gevent.monkey.patch_all()

    def work():
        with telemetry.span("greenlet"):
            gevent.sleep(0.01)
            counter.add(1)

    gevent.joinall([gevent.spawn(work) for _number in range(20)])
    assert telemetry.is_running and TelemetryManager.current() is telemetry
    assert telemetry.force_flush(5.0)
    spans = exporter.items() + telemetry.exporter("traces", "memory").items()
    print(sorted({span.name for span in spans}), len(spans))
    print(telemetry.shutdown().is_complete)
"""


def test_telemetry_that_was_started_before_gevent_patches_goes_on_with_greenlets() -> None:
    out, err = run_script(LATE_PATCH, environ={"HELIOGRAPH_ENABLED": "true"})
    assert (out, err) == ("['before', 'greenlet'] 21\nTrue\n", "")
