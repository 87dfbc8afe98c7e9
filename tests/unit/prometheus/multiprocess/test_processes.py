"""Real processes: what they say is one, whichever of them is asked, and whenever one of them dies."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from heliograph.prometheus.multiprocess.member import Member
from heliograph.prometheus.table import Collected
from tests.support.interpreter import run_script
from tests.support.waiting import until
from tests.unit.prometheus.multiprocess.subjects import Counting, Worker


def _member(path: Path) -> Member:
    return Member(path, lambda: Collected([], {}), pytest.fail)


def _total(member: Member) -> float:
    (found,) = (sum(table.values) for table in member.scrape().tables if table.family.name == "jobs")  # type: ignore[union-attr]
    return found


def test_whoever_is_asked_answers_for_all(start_worker: Callable[[], Worker]) -> None:
    first, second = start_worker(), start_worker()
    first.publish(jobs=3, in_flight=1, watched=5, memory=10)
    second.publish(jobs=4, in_flight=2, watched=6, memory=20)

    found = first.scrape()

    assert found == second.scrape()
    assert found["jobs"] == {"": 7}
    assert found["in_flight"] == {"": 3}
    assert found["watched"] == {"": 11}
    assert found["memory"] == {f'{{pid="{first.pid}"}}': 10, f'{{pid="{second.pid}"}}': 20}


def test_what_the_one_that_answers_has_not_published_yet_is_shown(start_worker: Callable[[], Worker]) -> None:
    first, second = start_worker(), start_worker()
    first.publish(jobs=3)
    second.publish(jobs=4)
    second.set(jobs=10)

    assert second.scrape()["jobs"] == {"": 13}
    second.kill()
    assert first.scrape()["jobs"] == {"": 13}


def test_what_the_resources_have_in_common_is_told(start_worker: Callable[[], Worker]) -> None:
    first, second = start_worker(), start_worker()
    second.publish(jobs=1)

    first.scrape()

    assert first.resource == {"service_name": "shop"}


def test_the_value_that_changed_last_is_the_latest_one(start_worker: Callable[[], Worker]) -> None:
    first, second = start_worker(), start_worker()
    first.publish(chosen=1)
    second.publish(chosen=2)
    first.publish(chosen=3)
    second.publish(chosen=2, jobs=1)

    assert second.scrape()["chosen"] == {"": 3}


def test_a_killed_process_leaves_its_counters_and_nothing_else(start_worker: Callable[[], Worker]) -> None:
    first, second = start_worker(), start_worker()
    first.publish(jobs=3, in_flight=1, watched=5, memory=10)
    second.publish(jobs=4, in_flight=2, watched=6, memory=20)

    second.kill()

    for _scrape in range(3):  # the first one puts it into the archive
        found = first.scrape()
        assert (found["jobs"], found["in_flight"], found["watched"]) == ({"": 7}, {"": 1}, {"": 5})
        assert found["memory"] == {f'{{pid="{first.pid}"}}': 10}


def test_a_process_that_ends_in_order_leaves_what_was_added_and_taken_back_too(start_worker: Callable[[], Worker]) -> None:
    first, second = start_worker(), start_worker()
    first.publish(in_flight=-2, watched=5)
    second.publish(in_flight=2, watched=6)

    second.set(jobs=9, in_flight=3)
    second.close()

    for _scrape in range(3):
        found = first.scrape()
        assert (found["jobs"], found["in_flight"], found["watched"]) == ({"": 9}, {"": 1}, {"": 5})


def test_a_counter_of_the_host_does_not_go_back_when_the_process_that_read_it_last_dies(
    start_worker: Callable[[], Worker],
) -> None:
    first, second = start_worker(), start_worker()
    first.publish(cpu=100)
    second.publish(cpu=107)
    assert first.scrape()["cpu"] == {"": 107}

    second.kill()

    assert [first.scrape()["cpu"] for _scrape in range(3)] == [{"": 107}] * 3
    first.publish(cpu=110)
    assert first.scrape()["cpu"] == {"": 110}


def test_ended_processes_become_one_file(start_worker: Callable[[], Worker], tmp_path: Path) -> None:
    first = start_worker()
    first.publish(jobs=1)
    for _worker in range(4):
        worker = start_worker()
        worker.publish(jobs=1)
        worker.kill()

    first.scrape()

    assert first.scrape()["jobs"] == {"": 5}
    left = sorted(path.suffix or path.name for path in (tmp_path / "shared").iterdir())
    assert left == [".alive", ".tables", "heliograph-archive", "heliograph-lock"]


def test_a_lone_worker_that_is_recycled_keeps_what_those_before_it_counted(start_worker: Callable[[], Worker]) -> None:
    for number in range(1, 5):
        worker = start_worker()  # this process is what starts them, and lives
        worker.publish(jobs=10)
        assert worker.scrape()["jobs"] == {"": 10 * number}
        worker.kill()


def test_what_an_earlier_run_left_is_removed_when_nothing_of_it_lives(tmp_path: Path) -> None:
    path = tmp_path / "shared"
    # The master is no member; its only worker is, and is killed. Nothing but the master tells the two runs apart.
    run_script(
        """
        import os, signal, subprocess, sys
        worker = '''
        import os, signal, sys
        from heliograph.prometheus.multiprocess.member import Member
        from heliograph.prometheus.table import Collected
        from heliograph.prometheus.table import Family, Numbers
        table = Numbers(family=Family(name="jobs", kind="counter"), labels=[""], values=[7.0])
        Member(sys.argv[1], lambda: Collected([table], {}), print).publish()
        os.kill(os.getpid(), signal.SIGKILL)
        '''
        import textwrap
        subprocess.run([sys.executable, "-c", textwrap.dedent(worker), sys.argv[1]])
        """,
        str(path),
    )
    (path / "counter_17.db").write_bytes(b"of prometheus_client")
    assert list(path.glob("heliograph-*.tables"))

    member = _member(path)
    member.publish()

    assert member.scrape().tables == []
    assert (path / "counter_17.db").read_bytes() == b"of prometheus_client"


def test_a_forked_child_is_a_member_of_its_own(start_worker: Callable[[], Worker]) -> None:
    worker = start_worker()
    worker.publish(jobs=5)

    worker.fork(jobs=2, memory=1)

    assert worker.scrape() == {"jobs": {"": 7}}
    worker.publish(jobs=6)
    assert worker.scrape() == {"jobs": {"": 8}}


@contextmanager
def _killed_and_replaced(path: Path, folder: Path) -> Iterator[list[Counting]]:
    """Three counting processes; one at random is killed in the middle of what it does, and another one started."""
    all_of_them: list[Counting] = []
    is_over = threading.Event()

    def start() -> Counting:
        all_of_them.append(Counting(path, folder / f"truth-{len(all_of_them)}"))
        return all_of_them[-1]

    def kill_and_replace() -> None:
        running = [start() for _worker in range(3)]
        while not is_over.wait(random.uniform(0.02, 0.2)):
            place = random.randrange(3)
            if running[place].true > 20:
                running[place].kill()
                running[place] = start()
        for worker in running:
            worker.kill()

    thread = threading.Thread(target=kill_and_replace)
    thread.start()
    try:
        yield all_of_them
    finally:
        is_over.set()
        thread.join()


def test_no_counter_goes_back_or_is_counted_twice_while_processes_are_killed(
    tmp_path: Path, start_worker: Callable[[], Worker]
) -> None:
    path = tmp_path / "shared"
    other = start_worker()
    other.publish(jobs=0)
    member = _member(path)
    seen: dict[str, float] = {}

    def check(found: dict[str, float]) -> None:
        for labels, value in seen.items():
            assert found.get(labels, -1.0) >= value, labels
        seen.update(found)

    def scraped() -> dict[str, float]:
        return {
            labels: value
            for table in member.scrape().tables
            for labels, value in zip(table.labels, table.values, strict=True)  # type: ignore[union-attr]
        }

    with _killed_and_replaced(path, tmp_path) as workers:
        until_s = time.monotonic() + 6
        while time.monotonic() < until_s:
            check(scraped())
            check(other.scrape()["jobs"])

    check(scraped())
    check(other.scrape()["jobs"])
    true = sum(worker.true for worker in workers)
    # Of each that was killed, at most what it counted between its last two publications is missing.
    assert true - len(workers) <= seen['{number="0"}'] <= true
    assert len(workers) > 5
    assert member.failures == 0


def test_many_scrapes_at_once_while_processes_die_agree_and_never_fail(
    tmp_path: Path, start_worker: Callable[[], Worker]
) -> None:
    others = [start_worker(), start_worker()]
    for other in others:
        other.publish(jobs=0)
    failed: list[BaseException] = []

    def scrape_all_the_time(scrape: Callable[[], float], until_s: float) -> None:
        try:
            last = 0.0
            while time.monotonic() < until_s:
                now = scrape()
                assert now >= last
                last = now
        except BaseException as error:
            failed.append(error)

    until_s = time.monotonic() + 2
    scrapes = [lambda other=other: other.scrape()["jobs"][""] for other in others]
    threads = [threading.Thread(target=scrape_all_the_time, args=(scrape, until_s)) for scrape in scrapes]
    for thread in threads:
        thread.start()
    born = 0
    while time.monotonic() < until_s:
        worker = start_worker()
        worker.publish(jobs=1)
        born += 1
        worker.kill()
    for thread in threads:
        thread.join()

    assert failed == []
    assert others[0].scrape()["jobs"] == others[1].scrape()["jobs"] == {"": born}


def test_a_shell_is_no_part_of_the_service() -> None:
    code = "from heliograph.prometheus.multiprocess.process import parent_process; print(parent_process())"
    command = ["sh", "-c", f'"{sys.executable}" -c "{code}"; true']

    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "None\n"


def test_the_program_that_starts_workers_is_a_part_of_the_service() -> None:
    code = "from heliograph.prometheus.multiprocess.process import parent_process; print(parent_process().pid)"

    assert (
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == f"{os.getpid()}\n"
    )


def test_a_process_that_nobody_has_waited_for_is_over(start_worker: Callable[[], Worker]) -> None:
    first, second = start_worker(), start_worker()
    first.publish(memory=1)
    second.publish(memory=2)

    os.kill(second.pid, 9)

    until(lambda: first.scrape()["memory"] == {f'{{pid="{first.pid}"}}': 1})
