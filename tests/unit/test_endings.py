"""Children that leave with os._exit, as those of multiprocessing do, deliver what they recorded like any other process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.interpreter import own_environment
from tests.support.otlp_receiver import http_receiver
from tests.support.processes import run_file

APPLICATION = """
import concurrent.futures, multiprocessing, sys
from heliograph import TelemetryManager

QUIET = {"server": {"enabled": False}, "health": {"enabled": False}, "system": {"enabled": False}}


def start(url):
    otlp = {"exporters": [{"type": "otlp", "endpoint": url}]}
    return TelemetryManager.start("app", tracing=otlp, metrics={"exporters": []}, **QUIET)


def work(number, url=None):
    telemetry = TelemetryManager.current() if url is None else start(url)
    for step in range(10):
        with telemetry.span("work", number=number, step=step):
            pass


def join(processes):
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(processes)


if __name__ == "__main__":
    url, fork = sys.argv[1], multiprocessing.get_context("fork")
    {body}
"""
BODIES = {
    "processes": "start(url); join([fork.Process(target=work, args=(n,)) for n in range(8)])",
    "processes that start telemetry themselves": "join([fork.Process(target=work, args=(n, url)) for n in range(8)])",
    "spawned processes": """
    start(url)
    join([multiprocessing.get_context("spawn").Process(target=work, args=(n, url)) for n in range(8)])""",
    "processes of a fork server": """
    start(url)
    join([multiprocessing.get_context("forkserver").Process(target=work, args=(n, url)) for n in range(8)])""",
    "a pool that is terminated": """
    start(url)
    with fork.Pool(3) as pool:
        pool.map(work, range(8))
    pool.join()""",
    "a pool that is closed": """
    start(url)
    pool = fork.Pool(3)
    pool.map(work, range(8))
    pool.close()
    pool.join()""",
    "a pool with a new process for each task": """
    start(url)
    pool = fork.Pool(3, maxtasksperchild=1)
    pool.map(work, range(8), chunksize=1)
    pool.close()
    pool.join()""",
    "an executor": """
    start(url)
    with concurrent.futures.ProcessPoolExecutor(3, mp_context=fork) as executor:
        list(executor.map(work, range(8)))""",
}


@pytest.mark.parametrize("name", BODIES)
def test_what_children_record_arrives_once(tmp_path: Path, name: str) -> None:
    script = tmp_path / "app.py"
    script.write_text(APPLICATION.replace("{body}", BODIES[name].strip()))
    with http_receiver() as receiver:
        code, _out, err = run_file(script, receiver.url, environ=own_environment())
        assert code == 0, err
        assert len(receiver.span_ids()) == len(set(receiver.span_ids())) == 80
