"""What rows of the fault matrix need: an oracle, and the healthy run that a faulty one is measured against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.rig.receiving import Oracle
from tests.faults.rig.subjects import Run, run_to_end
from tests.faults.rig.work import Work, otlp_settings

Healthy = Callable[..., Run]


@pytest.fixture
def oracle(tmp_path: Path) -> Iterator[Oracle]:
    with Oracle(tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Healthy:
    """The run of the same work when nothing is wrong; each kind of work is done once a session, or anew."""
    runs: dict[tuple[object, ...], Run] = {}

    def healthy_run(run: Run, *, is_anew: bool = False) -> Run:
        given = run.work
        protocol = given.settings["tracing"]["exporters"][0]["protocol"]
        # A long run has many calls to take the percentile of, and a shorter one of its kind has enough.
        items = min(given.items, 20_000)
        key = (run.script, protocol, items, given.rate, given.threads, given.signals)
        if is_anew or key not in runs:
            with Oracle(tmp_path_factory.mktemp("healthy"), protocol=protocol) as oracle:
                settings = otlp_settings(oracle.url, protocol=protocol)
                usual = Work(items=items, rate=given.rate, threads=given.threads, signals=given.signals, settings=settings)
                runs[key] = run_to_end(usual, run.script)
        return runs[key]

    return healthy_run
