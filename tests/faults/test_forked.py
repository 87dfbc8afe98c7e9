"""Row "fork holding every lock; gunicorn --preload; multiprocessing; celery max-tasks-per-child=1": 0 lost, 0 doubled."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.rig.invariants import i2_nothing_is_raised_into_the_application, i6_log_lines_are_few, is_balanced
from tests.faults.rig.receiving import Oracle
from tests.faults.rig.servers import Traffic, celery_worker, send_tasks, web_server
from tests.faults.rig.subjects import Run, follow, run_to_end
from tests.faults.rig.work import Work, otlp_settings

CHILDREN = 4  # as forking.py makes them
WAYS = [
    "os_fork",
    "process-fork",
    "process-spawn",
    "pool-fork",
    "terminated-fork",
    "executor-fork",
    pytest.param("executor-spawn", marks=pytest.mark.soak),
]


def by_process(oracle: Oracle) -> dict[str, Counter[str]]:
    """What arrived, by the prefix of the process that recorded it."""
    found: dict[str, Counter[str]] = {}
    for number, times in oracle.received().items():
        found.setdefault(number.rpartition("-")[0], Counter())[number] = times
    return found


def assert_all_arrived_once(run: Run, oracle: Oracle, items: int) -> None:
    received = by_process(oracle)
    for index in range(CHILDREN):
        expected = Counter(f"child{index}-{count}" for count in range(items))
        arrived = received.get(f"child{index}", Counter())
        assert arrived == expected, f"child {index}: {len(arrived)} of {items} arrived, {arrived.total()} with doubles"
    parents = Counter({prefix: len(numbers) for prefix, numbers in received.items() if prefix.startswith("parent")})
    assert parents.total() == run.final["recorded"] == run.account()["delivered"]
    assert oracle.received().total() == oracle.unique()
    assert is_balanced(run.account())


@pytest.mark.parametrize("way", WAYS)
def test_children_of_a_process_whose_threads_record_lose_and_double_nothing(way: str, oracle: Oracle) -> None:
    work = Work(settings=otlp_settings(oracle.url), items=200, rate=2000, kind=way)
    run = run_to_end(work, "forking")
    assert run.exit_code == 0, run.errors
    said = [line for line in run.said if "recorded" in line]
    assert [line["recorded"] for line in said] == [200] * CHILDREN
    assert [line["raised"] for line in said] == [[]] * CHILDREN
    assert_all_arrived_once(run, oracle, 200)
    i2_nothing_is_raised_into_the_application(run)


@pytest.mark.parametrize("way", ["os_fork", "process-fork", "executor-fork"])
def test_children_without_a_collector_leave_everything_in_the_spool(way: str, oracle: Oracle, tmp_path: Path) -> None:
    oracle.kill()
    settings = otlp_settings(oracle.url, delivery={"spool_directory": str(tmp_path / "spool"), "shutdown_timeout": "1s"})
    run = run_to_end(Work(settings=settings, items=200, rate=2000, kind=way), "forking")
    assert run.exit_code == 0, run.errors
    oracle.start()
    expected = CHILDREN * 200 + run.final["recorded"]
    follow(settings, lambda: oracle.unique() > expected, 15.0)
    received = by_process(oracle)
    assert {f"child{index}": 200 for index in range(CHILDREN)} == {
        prefix: numbers.total() for prefix, numbers in received.items() if prefix.startswith("child")
    }
    parents = sum(numbers.total() for prefix, numbers in received.items() if prefix.startswith("parent"))
    assert parents == run.final["recorded"]
    i6_log_lines_are_few(run)


def test_gunicorn_that_loads_before_it_forks_loses_and_doubles_nothing(oracle: Oracle) -> None:
    with web_server("gunicorn --preload", Work(settings=otlp_settings(oracle.url))) as (run, url):
        traffic = Traffic(url)
        traffic.run(800)
        run.process.send_signal(signal.SIGTERM)
        run.wait(20)
    assert len(traffic.answered) == 800
    assert oracle.received() == Counter(traffic.answered.keys())
    assert len(set(traffic.answered.values())) >= 2
    i2_nothing_is_raised_into_the_application(run)


def test_celery_that_replaces_its_children_after_each_task_loses_and_doubles_nothing(oracle: Oracle, tmp_path: Path) -> None:
    send_tasks(tmp_path / "broker", 12)
    with celery_worker(Work(settings=otlp_settings(oracle.url)), tmp_path / "broker", "--max-tasks-per-child", "1") as run:
        run.until(lambda run: len(run.said) == 12, timeout_s=40)
        run.process.send_signal(signal.SIGTERM)
        run.wait(20)
    assert len({line["pid"] for line in run.said}) == 12
    assert oracle.received() == Counter(f"task-{task}.{part}" for task in range(12) for part in range(5))
    i2_nothing_is_raised_into_the_application(run)
