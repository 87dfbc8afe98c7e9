"""What every health check promises to the manager that asks it, as tests that users run over their own.

Subclass `HealthCheckConformance` in a test file, say how a check of something that is well is made, and pytest runs the rest.
"""

from __future__ import annotations

import json
import threading
import time
from typing import ClassVar, Final

import pytest

from heliograph.endpoint.answers import Answers, Request
from heliograph.health.check import HealthCheck, HealthCheckResult, HealthStatus
from heliograph.health.manager import HealthCheckManager
from heliograph.prometheus.exposition import Exposition

_ASKING_AT_ONCE: Final = 4


class HealthCheckConformance:
    """The tests of a health check. Override :meth:`well`, and :meth:`broken` if a test can break what is checked.

    ``within_s`` is how long an answer may take, in seconds.
    """

    within_s: ClassVar[float] = 5.0

    def well(self) -> HealthCheck:
        """A new check, of something that is well."""
        raise NotImplementedError(f"{type(self).__name__} is to override well()")

    def broken(self) -> HealthCheck | None:
        """A new check, of something that is not well; None when a test cannot have that."""
        return None

    def test_its_name_is_text_and_stays_the_same(self) -> None:
        check = self.well()
        assert isinstance(check.name, str)
        assert check.name.strip() == check.name != ""
        assert check.name == self.well().name

    def test_what_is_well_is_healthy_in_time(self) -> None:
        started_at = time.monotonic()
        result = self._asked(self.well())
        assert result.status is HealthStatus.HEALTHY, result
        assert time.monotonic() - started_at <= self.within_s
        assert result.timestamp > 0

    def test_what_is_broken_is_not_healthy_and_says_why(self) -> None:
        result = self._asked(self._broken())
        assert result.status in (HealthStatus.WARNING, HealthStatus.UNHEALTHY, HealthStatus.UNKNOWN), result
        assert result.message, "a check that is not healthy is to say why"

    def test_it_can_be_asked_again(self) -> None:
        check = self.well()
        assert [self._asked(check).status for _ in range(3)] == [HealthStatus.HEALTHY] * 3

    def test_it_can_be_asked_by_several_threads(self) -> None:
        found: list[HealthCheckResult] = []
        manager = self._manager(self.well())
        threads = [threading.Thread(target=lambda: found.append(self._of(manager))) for _ in range(_ASKING_AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(self.within_s)
        assert [result.status for result in found] == [HealthStatus.HEALTHY] * _ASKING_AT_ONCE

    def test_what_it_says_can_be_served_as_json(self) -> None:
        check = self.well()
        answers = Answers(exposition=Exposition(), health=self._manager(check), metrics_path="/metrics", is_compressed=False)
        answer = answers.answer(Request(method="GET", path="/health", client="127.0.0.1"))
        shown = json.loads(answer.body)["checks"][check.name]
        result = self._asked(check)
        assert (answer.status, shown["status"]) == (200, "healthy")
        assert isinstance(result.message, str)
        assert all(isinstance(key, str) for key in result.metadata)
        assert shown["metadata"].keys() == result.metadata.keys()

    def _broken(self) -> HealthCheck:
        check = self.broken()
        if check is None:
            pytest.skip("broken() gives no check of something that is not well")
        return check

    def _asked(self, check: HealthCheck) -> HealthCheckResult:
        return self._of(self._manager(check))

    def _of(self, manager: HealthCheckManager) -> HealthCheckResult:
        (result,) = manager.check_all().checks.values()
        return result

    def _manager(self, check: HealthCheck) -> HealthCheckManager:
        manager = HealthCheckManager(cache_ttl_s=0, default_timeout_s=self.within_s)
        manager.add_check(check)
        return manager
