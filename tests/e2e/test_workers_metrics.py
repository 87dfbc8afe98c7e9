"""uvicorn and celery with workers that are killed or replaced: one ``/metrics`` counts everything once and never goes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
import urllib3

from heliograph import TelemetryManager
from tests.support.interpreter import own_environment
from tests.support.processes import free_port, get, running
from tests.support.scrapes import AGAIN, Scraper, scrape
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

_ROOT = Path(__file__).parents[2]
_PROGRAM = "tests.e2e.workers_program"
_ORDERS = "shop_orders_total"
_REQUESTS = "http_server_request_duration_seconds_count"
_THREADS = 4
_SEEN_BY_ALL_S = 1.0  # after that every process knows what another one has counted


class _Shop(NamedTuple):
    """Where uvicorn answers, and where the port that telemetry opened does."""

    url: str
    own_url: str

    def ask(self, count: int) -> Counter[int]:
        """How many of ``count`` requests, all of which must be answered, each worker has answered."""
        with urllib3.PoolManager(maxsize=_THREADS) as pool, ThreadPoolExecutor(_THREADS) as threads:
            answers = list(threads.map(lambda _number: pool.request("GET", f"{self.url}/", retries=AGAIN), range(count)))
        assert {answer.status for answer in answers} == {204}
        return Counter(int(answer.headers["answered-by"]) for answer in answers)

    def ask_until(self, is_enough: Callable[[Counter[int]], bool]) -> Counter[int]:
        answered: Counter[int] = Counter()
        while not is_enough(answered):
            answered += self.ask(20)
        return answered


class _Traffic:
    """Asks all the time, each time on a new connection, so that a new worker gets its share: ``answers`` are the workers that
    answered and when, ``broken`` the requests that nobody did."""

    def __init__(self, shop: _Shop) -> None:
        self.answers: list[tuple[int, float]] = []
        self.broken: list[str] = []
        self._url = f"{shop.url}/"
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _number in range(_THREADS)]

    def _run(self) -> None:
        with urllib3.PoolManager() as pool:
            while not self._is_over.wait(0.002):
                try:
                    answer = pool.request("GET", self._url, headers={"Connection": "close"}, retries=False)
                except urllib3.exceptions.HTTPError as error:  # its worker is no more; it may have been counted before
                    self.broken.append(repr(error))
                else:
                    self.answers.append((int(answer.headers["answered-by"]), time.monotonic()))

    def workers(self) -> set[int]:
        return {worker for worker, _at_s in self.answers}

    def __enter__(self) -> _Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()


@contextmanager
def _workers(folder: Path, command: list[str], **environ: str) -> Iterator[psutil.Process]:
    """What starts them, a module of Python with its arguments; none is left when the block ends."""
    children: list[psutil.Process] = []
    options = {"cwd": _ROOT, "env": _environment(folder, **environ)}
    try:
        with running([sys.executable, "-m", *command], folder / "log", **options) as process:
            parent = psutil.Process(process.pid)
            try:
                yield parent
            finally:
                with suppress(psutil.NoSuchProcess):
                    children = parent.children(recursive=True)
    finally:
        _ended, left = psutil.wait_procs(children, timeout=5)
        for child in left:
            child.kill()


def _environment(folder: Path, **more: str) -> dict[str, str]:
    folders = {"SHOP_METRICS": str(folder / "shared"), "SHOP_BROKER": str(folder / "broker")}
    return own_environment({**folders, "SHOP_PORT": "0", "C_FORCE_ROOT": "1", **more})


@contextmanager
def _uvicorn(folder: Path) -> Iterator[_Shop]:
    """Two workers, both of which serve; nobody complains of anything on the log."""
    port, own_port = free_port(), free_port()
    command = ["uvicorn", "--workers", "2", "--port", str(port), "--log-level", "warning", f"{_PROGRAM}:asgi"]
    with _workers(folder, command, SHOP_PORT=str(own_port)) as parent:
        until(lambda: len(_listening(parent, own_port)) == 2, timeout_s=20)
        shop = _Shop(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{own_port}")
        until(lambda: get(f"{shop.url}/metrics")[0] == 200, timeout_s=20)
        yield shop
    assert (folder / "log").read_text() == ""


def _listening(parent: psutil.Process, port: int) -> list[int]:
    """The children that listen on ``port``."""
    found = []
    for child in parent.children():
        with suppress(psutil.Error):  # it has ended
            sockets = child.net_connections("tcp")
            found += [child.pid for each in sockets if (each.status, each.laddr.port) == (psutil.CONN_LISTEN, port)]
    return found


@pytest.mark.timeout(60)
def test_every_request_is_counted_once_when_a_worker_is_killed_and_started_again(tmp_path: Path) -> None:
    with _uvicorn(tmp_path) as shop, Scraper(shop.url, shop.own_url) as scraper:
        answered = shop.ask(1000) + shop.ask_until(lambda found: len(found) == 2)
        time.sleep(_SEEN_BY_ALL_S)
        before, shown = answered, scrape(shop.url)
        os.kill(answered.most_common(1)[0][0], signal.SIGKILL)
        answered = answered + shop.ask(1000)
        answered += shop.ask_until(lambda found: len(found - answered) == 1)
        time.sleep(_SEEN_BY_ALL_S)
        found = [scrape(url) for url in (shop.url, shop.own_url) for _time in range(10)]

    assert shown.by_worker(_ORDERS) == before
    assert [one.by_worker(_ORDERS) for one in found] == [answered] * 20
    assert [scrape.total(_REQUESTS) for scrape in found] == [answered.total()] * 20
    scraper.assert_nothing_went_back()


@pytest.mark.timeout(60)
def test_a_worker_that_is_killed_while_it_answers_takes_at_most_what_nobody_was_shown(tmp_path: Path) -> None:
    with _uvicorn(tmp_path) as shop, Scraper(shop.url, shop.own_url) as scraper:
        with _Traffic(shop) as traffic:
            until(lambda: len(traffic.workers()) == 2)
            time.sleep(0.7)
            killed, _at_s = traffic.answers[-1]
            killed_at_s = time.monotonic()
            os.kill(killed, signal.SIGKILL)
            until(lambda: len(traffic.workers()) == 3, timeout_s=20)
        time.sleep(_SEEN_BY_ALL_S)
        found = [scrape(url) for url in (shop.url, shop.own_url) for _time in range(5)]

    lost = sum(worker == killed and at_s > killed_at_s - _SEEN_BY_ALL_S for worker, at_s in traffic.answers)
    least, most = len(traffic.answers) - lost, len(traffic.answers) + len(traffic.broken)
    for name in (_ORDERS, _REQUESTS):
        totals = {scrape.total(name) for scrape in found}
        assert len(totals) == 1, totals
        assert least <= totals.pop() <= most
    answered = Counter(worker for worker, _at_s in traffic.answers if worker != killed)
    assert found[0].by_worker(_ORDERS) - Counter({killed: most}) == answered
    scraper.assert_nothing_went_back()


@contextmanager
def _celery(folder: Path, **environ: str) -> Iterator[psutil.Process]:
    """Two children at a time, each of which does five tasks."""
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "warning"]
    prefork = ["--pool", "prefork", "--concurrency", "2", "--max-tasks-per-child", "5"]
    with _workers(folder, ["celery", "-A", f"{_PROGRAM}:tasks", "worker", *prefork, *quiet], **environ) as parent:
        yield parent
    log = (folder / "log").read_text()
    assert "Traceback" not in log, log
    assert "heliograph" not in log, log


@pytest.mark.timeout(60)
@pytest.mark.parametrize("starts", ["in each child", "in the parent"])
def test_every_task_is_counted_once_while_celery_replaces_its_children(
    tmp_path: Path, start: Callable[..., TelemetryManager], starts: str
) -> None:
    command = [sys.executable, "-m", _PROGRAM]
    subprocess.run(command, cwd=_ROOT, env=_environment(tmp_path, SHOP_TASKS="60"), check=True, timeout=30)
    own_port = free_port()
    telemetry = start(metrics={"exporters": ["prometheus"], "multiprocess_dir": str(tmp_path / "shared")})
    urls = [str(telemetry.endpoint_url)]
    with _celery(tmp_path, SHOP_STARTS=starts, SHOP_PORT=str(own_port)):
        if starts == "in the parent":  # which goes on listening, whatever becomes of its children
            urls.append(f"http://127.0.0.1:{own_port}")
            until(lambda: get(f"{urls[-1]}/metrics")[0] == 200, timeout_s=20)
        with Scraper(*urls) as scraper:
            until(lambda: scrape(urls[0]).total(_ORDERS) >= 60, timeout_s=20)
            time.sleep(_SEEN_BY_ALL_S)
            found = [scrape(url).by_worker(_ORDERS) for url in urls]
    found.append(scrape(urls[0]).by_worker(_ORDERS))

    for done in found:
        assert done.total() == 60
        assert len(done) >= 12
        assert max(done.values()) == 5
    scraper.assert_nothing_went_back()
