"""Every way of running a Python service: as many spans as units, as many in the counter, an instance of the service for each
process, a quick end, and nothing on standard error.

Two rows run at a time, beside the test that waits for the next one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.lifecycle.stage import staged
from tests.e2e.lifecycle.ways import WAYS, Way, folder_of

pytestmark = pytest.mark.e2e

_BY_NAME = {way.name: way for way in WAYS}


@dataclass(frozen=True)
class Outcome:
    """What a row came to."""

    done: set[str]
    arrived: Counter[str]
    instances: dict[str, set[str]]
    counted: dict[str, int]
    said: list[str]
    ended_in_s: float


def outcome_of(way: Way, folder: Path) -> Outcome:
    folder.mkdir()
    with staged(folder, way.environ) as stage:
        done = set(way.run(stage))
        return Outcome(done, stage.units(), stage.instances(), stage.counted(), stage.said(), stage.ended_in_s)


@pytest.fixture(scope="module")
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Way], Outcome]]:
    """What a row came to, of those that are to be tested in this session, which begin in the order of their tests."""
    root = tmp_path_factory.mktemp("lifecycle")
    chosen = [item.callspec.params["name"] for item in request.session.items if item.module is request.module]
    with ThreadPoolExecutor(2) as two:
        running: dict[str, Future[Outcome]] = {
            name: two.submit(outcome_of, _BY_NAME[name], folder_of(_BY_NAME[name], root)) for name in chosen
        }
        yield lambda way: running[way.name].result()
        for future in running.values():
            future.cancel()  # an interrupted session does not wait for what has not begun


@pytest.mark.parametrize("name", [way.name for way in WAYS])
def test_each_unit_is_one_span_and_one_in_the_counter_of_its_process(name: str, outcome: Callable[[Way], Outcome]) -> None:
    way = _BY_NAME[name]
    found = outcome(way)

    assert way.unexpected(found.said) == []
    assert found.arrived == Counter(set(found.arrived) | found.done)
    assert sum(found.counted.values()) == len(found.arrived)
    assert {instance for instances in found.instances.values() for instance in instances} == set(found.counted)
    assert [len(instances) for instances in found.instances.values()] == [1] * len(found.counted)
    assert len(found.instances) >= way.processes
    assert found.ended_in_s <= way.ends_in_s
