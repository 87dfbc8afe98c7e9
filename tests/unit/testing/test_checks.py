"""The conformance suite of health checks finds what is wrong with one, and nothing wrong with one that is right."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

RIGHT = """
from heliograph import HealthCheckResult
from heliograph.testing import HealthCheckConformance


class QueueCheck:
    name = "queue"

    def __init__(self, size):
        self.size = size

    async def check(self):
        if self.size > 100:
            return HealthCheckResult.unhealthy("the queue is full", size=self.size)
        return HealthCheckResult.healthy(size=self.size)


class TestQueueCheck(HealthCheckConformance):
    within_s = 5.0

    def well(self):
        return QueueCheck(1)

    def broken(self):
        return QueueCheck(101)
"""

WRONG = [
    ('name = "queue"', 'name = " queue"', "name_is_text"),
    ("within_s = 5.0", "within_s = 1e-9", "healthy_in_time"),
    ("return HealthCheckResult.healthy(size=self.size)", "return True", "what_is_well_is_healthy"),
    ('HealthCheckResult.unhealthy("the queue is full", size', "HealthCheckResult.healthy(size", "broken_is_not_healthy"),
    ('"the queue is full"', '""', "says_why"),
    (
        "HealthCheckResult.healthy(size=self.size)",
        "HealthCheckResult(status=HealthCheckResult.healthy().status, metadata={1: 2})",
        "served_as_json",
    ),
    ("        if self.size", "        self.size += 100\n        if self.size", "asked_again"),
]


def test_a_right_check_passes_and_a_wrong_one_fails_the_test_that_says_so(pytester: pytest.Pytester) -> None:
    assert all(right in RIGHT for right, _wrong, _failing in WRONG)
    wrong = {f"test_wrong_{at}": RIGHT.replace(right, wrong) for at, (right, wrong, _failing) in enumerate(WRONG)}
    unbreakable = RIGHT.replace("return QueueCheck(101)", "return None")
    pytester.makepyfile(test_right=RIGHT, test_unbreakable=unbreakable, **wrong)
    # All in one run of pytest, which takes longer to start than they do.
    ended = pytester.runpytest_inprocess("--tb=no", "-rfs", "-p", "no:randomly").stdout
    assert "FAILED test_right.py" not in ended.str()
    assert "FAILED test_unbreakable.py" not in ended.str()
    ended.fnmatch_lines_random([f"FAILED test_wrong_{at}.py*{failing}*" for at, (_, _, failing) in enumerate(WRONG)])
    ended.fnmatch_lines(["SKIPPED*broken() gives no check of something that is not well"])
