"""Health over HTTP: 503 when a critical check fails, 200 again when it is well."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from heliograph import CallableHealthCheck, TelemetryManager
from tests.support.processes import get
from tests.support.waiting import until

pytestmark = pytest.mark.e2e


class Switch:
    """Something that works or does not."""

    def __init__(self) -> None:
        self.works = True

    def __call__(self) -> bool:
        return self.works


def test_health_turns_503_when_a_critical_check_fails_and_back(start: Callable[..., TelemetryManager], recorder: str) -> None:
    telemetry = start(recorder=recorder, health={"check_interval": "100ms", "cache_ttl": "100ms"})
    database = Switch()
    telemetry.health.add_check(CallableHealthCheck("database", database))

    def statuses() -> list[int]:
        return [get(f"{telemetry.endpoint_url}{path}")[0] for path in ("/health", "/health/ready", "/health/live")]

    assert statuses() == [200, 200, 200]
    database.works = False
    until(lambda: statuses() == [503, 503, 200])
    document: dict[str, Any] = json.loads(get(f"{telemetry.endpoint_url}/health")[1])
    assert document["status"] == "unhealthy"
    assert document["checks"]["database"]["status"] == "unhealthy"
    until(lambda: b'health_check_status{health_check_name="database"} 3.0' in get(f"{telemetry.endpoint_url}/metrics")[1])
    database.works = True
    until(lambda: statuses() == [200, 200, 200])


def test_a_check_that_is_not_critical_warns_and_leaves_the_service_in(start: Callable[..., TelemetryManager]) -> None:
    telemetry = start()
    telemetry.health.add_check(CallableHealthCheck("external_api", lambda: False), critical=False)
    status, body = get(f"{telemetry.endpoint_url}/health")
    assert (status, json.loads(body)["status"]) == (200, "warning")
