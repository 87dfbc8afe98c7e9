"""The application's own metrics beside those of several processes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import prometheus_client
from prometheus_client import CollectorRegistry

from heliograph.prometheus.registry import Registry


def names(registry: Registry, taken: set[str] | None = None, *, is_of_one: bool = False) -> set[str]:
    return {family.name for family in registry.families(taken or set(), is_of_one=is_of_one)}


def test_what_prometheus_client_says_of_this_process_is_left_out_beside_several_and_the_rest_is_noted() -> None:
    notes: list[tuple[str, str]] = []
    ours = CollectorRegistry()
    prometheus_client.Counter("theirs", "Theirs.", registry=ours)
    for collector in (prometheus_client.PROCESS_COLLECTOR, prometheus_client.GC_COLLECTOR):
        ours.register(collector)
    registry = Registry(ours, lambda name, reason: notes.append((name, reason)))
    assert {"process_cpu_seconds", "python_gc_collections", "theirs"} <= names(registry)
    assert notes == []
    assert names(registry, is_of_one=True) == {"theirs"}
    ((name, reason),) = notes
    assert name == "theirs"
    assert "PROMETHEUS_MULTIPROC_DIR" in reason


def test_ours_of_the_name_of_one_of_its_own_needs_no_note() -> None:
    notes: list[str] = []
    registry = Registry(prometheus_client.REGISTRY, lambda name, _reason: notes.append(name))
    assert "process_start_time_seconds" not in names(registry, {"process_start_time_seconds"})
    assert notes == []


def test_what_it_keeps_in_files_for_several_processes_is_read_from_there(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import os
        import prometheus_client
        from heliograph.prometheus.registry import Registry
        counter = prometheus_client.Counter("theirs", "Theirs.")
        counter.inc(2)
        if os.fork() == 0:
            counter.inc(3)
            os._exit(0)
        os.wait()
        registry = Registry(prometheus_client.REGISTRY, lambda *_note: None)
        found = {family.name: family for family in registry.families(set(), is_of_one=True)}
        print(found["theirs"].samples[0].value)
    """)
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.stdout, ended.returncode) == ("5.0\n", 0), ended.stderr
