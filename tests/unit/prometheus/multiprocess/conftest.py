"""Real processes that are members."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.prometheus.multiprocess.subjects import Worker


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Callable[[], Worker]]:
    """Start a worker in the directory of the test; all are ended after it."""
    with contextlib.ExitStack() as stack:

        def start() -> Worker:
            worker = Worker(tmp_path / "shared")
            stack.callback(worker.kill)
            return worker

        yield start
