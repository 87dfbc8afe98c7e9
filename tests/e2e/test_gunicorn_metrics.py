"""gunicorn with workers that are recycled all the time: one ``/metrics`` counts every request once and never goes back."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

from tests.support.interpreter import own_environment
from tests.support.processes import free_port, get, running
from tests.support.scrapes import Scraper, scrape
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

_ROOT = Path(__file__).parents[2]
_COUNT = "http_server_request_duration_seconds_count"


@contextmanager
def _gunicorn(folder: Path, *options: str) -> Iterator[str]:
    """Four workers; gives the URL when they serve."""
    port = free_port()
    where = ["--workers", "4", "--bind", f"127.0.0.1:{port}", "--no-control-socket"]
    command = [sys.executable, "-m", "gunicorn", *where, *options, "tests.e2e.metrics_program:wsgi"]
    environ = own_environment({"SHOP_METRICS": str(folder / "shared")})
    with running(command, folder / "gunicorn.log", cwd=_ROOT, env=environ):
        url = f"http://127.0.0.1:{port}"
        until(lambda: get(f"{url}/metrics")[0] == 200, timeout_s=20)
        yield url


def _ask(url: str, count: int) -> None:
    """Ask until ``count`` requests were answered; one that meets a worker's end is asked again, since it was not counted."""
    with urllib3.PoolManager(maxsize=4) as pool, ThreadPoolExecutor(4) as threads:
        retries = urllib3.Retry(20, backoff_factor=0.01)
        for status in threads.map(lambda _number: pool.request("GET", f"{url}/", retries=retries).status, range(count)):
            assert status == 200


@pytest.mark.parametrize(
    ("requests", "options"),
    [(10_000, ["--preload", "--max-requests", "50"]), (1_000, ["--max-requests", "50"])],
    ids=["forked", "loaded by each"],
)
def test_every_request_is_counted_once_while_workers_are_recycled(tmp_path: Path, requests: int, options: list[str]) -> None:
    with _gunicorn(tmp_path, *options) as url:
        with Scraper(url) as scraper:
            _ask(url, requests)
            until(lambda: scrape(url).total(_COUNT) >= requests, timeout_s=5)
        found = scrape(url)
        left = len(list((tmp_path / "shared").glob("*.tables")))

    log = (tmp_path / "gunicorn.log").read_text()
    assert "metrics" not in log, log
    assert "Traceback" not in log, log
    scraper.assert_nothing_went_back()
    assert found.total(_COUNT) == requests
    assert found.total("http_server_active_requests") == 0
    assert left < 20


def test_what_a_worker_counted_is_seen_within_a_second_by_whoever_is_asked(tmp_path: Path) -> None:
    with _gunicorn(tmp_path) as url:
        _ask(url, 200)
        time.sleep(1)
        found = [scrape(url).total(_COUNT) for _time in range(20)]

    assert found == [200] * 20
