"""Scrapes of a service of several processes, and whoever scrapes it all the time to see that nothing goes back."""

from __future__ import annotations

import threading
from collections import Counter
from typing import NamedTuple

import urllib3
from prometheus_client.parser import text_string_to_metric_families

AGAIN = urllib3.Retry(20, backoff_factor=0.01)  # a connection to the process that was killed breaks; another one answers

Key = tuple[str, ...]


class Scrape(NamedTuple):
    """The value of each series by its name and labels, and which of them may only grow."""

    values: dict[Key, float]
    growing: set[Key]

    def total(self, name: str) -> float:
        return sum(value for (found, *_labels), value in self.values.items() if found == name)

    def by_worker(self, counter: str) -> Counter[int]:
        """What ``counter`` says of each, by its label ``worker``."""
        pids = {labels[0].removeprefix("worker="): value for (name, *labels), value in self.values.items() if name == counter}
        return Counter({int(pid): int(value) for pid, value in pids.items()})


def scrape(url: str) -> Scrape:
    """By whichever process answers, on a new connection; fails when a series comes twice."""
    answer = urllib3.PoolManager().request("GET", f"{url}/metrics", retries=AGAIN)
    assert answer.status == 200, answer.data
    found = Scrape({}, set())
    for family in text_string_to_metric_families(answer.data.decode()):
        for sample in family.samples:
            key = (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items())))
            assert key not in found.values
            found.values[key] = sample.value
            if family.type in {"counter", "histogram"}:
                found.growing.add(key)
    return found


class Scraper:
    """Scrapes one URL after the other, all the time; ``went_back`` are the counters that once were smaller than before."""

    def __init__(self, *urls: str) -> None:
        self.went_back: list[str] = []
        self.failures: list[BaseException] = []
        self.scrapes = 0
        self._urls = urls
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        before: dict[Key, float] = {}
        while not self._is_over.wait(0.05):
            url = self._urls[self.scrapes % len(self._urls)]
            try:
                now = scrape(url)
            except BaseException as error:  # of any kind; said by the test, on its own thread
                self.failures.append(error)
                return
            for key, value in before.items():
                if now.values.get(key, -1.0) < value:
                    self.went_back.append(f"{key} from {value} to {now.values.get(key)} at {url}")
            before = {key: now.values[key] for key in now.growing}
            self.scrapes += 1

    def __enter__(self) -> Scraper:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def assert_nothing_went_back(self) -> None:
        assert self.failures == []
        assert self.went_back == []
        assert self.scrapes > 10
