"""A result is a frozen value, a status has a number for the gauges and a rank among the others."""

import dataclasses

import pytest

from heliograph.health.check import WORST_LAST, HealthCheckResult, HealthStatus


@pytest.mark.parametrize(
    ("status", "number"),
    [(HealthStatus.UNKNOWN, 0), (HealthStatus.HEALTHY, 1), (HealthStatus.WARNING, 2), (HealthStatus.UNHEALTHY, 3)],
)
def test_a_status_has_the_number_of_system_b(status: HealthStatus, number: int) -> None:
    assert status.number == number


def test_every_status_has_a_rank_and_unhealthy_is_worst() -> None:
    assert set(WORST_LAST) == set(HealthStatus)
    assert WORST_LAST[0] is HealthStatus.HEALTHY
    assert WORST_LAST[-1] is HealthStatus.UNHEALTHY


@pytest.mark.parametrize("status", list(HealthStatus))
def test_there_is_a_short_way_to_say_each_status(status: HealthStatus) -> None:
    result = getattr(HealthCheckResult, status.value)("so it is", queue=3)
    assert (result.status, result.message, result.metadata) == (status, "so it is", {"queue": 3})


def test_a_healthy_result_needs_no_message() -> None:
    assert HealthCheckResult.healthy() == HealthCheckResult(status=HealthStatus.HEALTHY)


def test_a_result_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        HealthCheckResult.healthy().message = "x"  # type: ignore[misc]


def test_results_share_no_metadata() -> None:
    assert HealthCheckResult.healthy().metadata is not HealthCheckResult.healthy().metadata
