"""The manager answers from its cache, the worst check wins, and no check keeps another from being heard."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from heliograph.clock import ManualClock
from heliograph.errors import HealthCheckError
from heliograph.health.builtin import CallableHealthCheck
from heliograph.health.check import WORST_LAST, HealthCheckResult, HealthStatus
from heliograph.health.manager import HealthCheckManager, HealthReport
from tests.support.waiting import until

HEALTHY, WARNING, UNHEALTHY, UNKNOWN = (
    *(HealthStatus.HEALTHY, HealthStatus.WARNING),
    *(HealthStatus.UNHEALTHY, HealthStatus.UNKNOWN),
)


def _says(name: str, status: Any) -> CallableHealthCheck:
    return CallableHealthCheck(name, lambda: HealthCheckResult(status=status))


class _Counting:
    """A check that says in its message how often it was asked."""

    def __init__(self, name: str = "counted") -> None:
        self.name = name
        self.calls = 0

    def check(self) -> HealthCheckResult:
        self.calls += 1
        return HealthCheckResult.healthy(f"call {self.calls}")


def _waiting(name: str, event: threading.Event) -> CallableHealthCheck:
    return CallableHealthCheck(name, lambda: event.wait(10))


def _gauges(manager: HealthCheckManager) -> dict[str, dict[str, float]]:
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    manager.register_gauges(provider.get_meter("test"))
    metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    found = {
        metric.name: {str(point.attributes.get("health.check.name", "")): point.value for point in metric.data.data_points}
        for metric in metrics
    }
    provider.shutdown()
    return found


def test_no_checks_at_all_are_healthy() -> None:
    assert HealthCheckManager().check_all() == HealthReport(status=HEALTHY, checks={})


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [
        ([HEALTHY, HEALTHY], HEALTHY),
        ([HEALTHY, WARNING], WARNING),
        ([WARNING, UNKNOWN], UNKNOWN),
        ([UNKNOWN, UNHEALTHY, HEALTHY], UNHEALTHY),
    ],
)
def test_the_worst_critical_check_wins(statuses: list[HealthStatus], worst: HealthStatus) -> None:
    manager = HealthCheckManager()
    for position, status in enumerate(statuses):
        manager.add_check(_says(str(position), status))
    report = manager.check_all()
    assert report.status is worst
    assert [result.status for result in report.checks.values()] == statuses


@pytest.mark.parametrize(
    ("status", "counts_as"), [(HEALTHY, HEALTHY), (WARNING, WARNING), (UNKNOWN, WARNING), (UNHEALTHY, WARNING)]
)
def test_a_check_that_is_not_critical_counts_as_a_warning_at_worst(status: HealthStatus, counts_as: HealthStatus) -> None:
    manager = HealthCheckManager()
    manager.add_check(_says("cache", status), critical=False)
    report = manager.check_all()
    assert report.status is counts_as
    assert report.checks["cache"].status is status


@given(st.lists(st.tuples(st.sampled_from(list(HealthStatus)), st.booleans()), max_size=4))
def test_the_report_is_available_unless_a_critical_check_is_neither_healthy_nor_a_warning(
    checks: list[tuple[HealthStatus, bool]],
) -> None:
    manager = HealthCheckManager()
    for position, (status, is_critical) in enumerate(checks):
        manager.add_check(_says(str(position), status), critical=is_critical)
    report = manager.check_all()
    assert report.is_available == all(status in (HEALTHY, WARNING) for status, is_critical in checks if is_critical)
    assert report.status in WORST_LAST


def test_a_check_that_raises_or_answers_nonsense_stops_no_other() -> None:
    manager = HealthCheckManager()
    manager.add_check(CallableHealthCheck("raises", lambda: 1 / 0))
    manager.add_check(_says("nonsense", "bogus"))
    manager.add_check(_says("fine", HEALTHY))
    report = manager.check_all()
    statuses = {name: result.status for name, result in report.checks.items()}
    assert statuses == {"raises": UNHEALTHY, "nonsense": UNHEALTHY, "fine": HEALTHY}
    assert report.status is UNHEALTHY
    assert _gauges(manager)["health.check.status"] == {"raises": 3, "nonsense": 3, "fine": 1}


def test_a_result_is_answered_from_the_cache_until_its_time_is_up() -> None:
    clock, check = ManualClock(), _Counting()
    manager = HealthCheckManager(cache_ttl_s=60, clock=clock)
    manager.add_check(check)
    assert manager.check("counted").message == manager.check_all().checks["counted"].message == "call 1"
    clock.advance(59.9)
    assert manager.check("counted").message == "call 1"
    clock.advance(0.1)
    assert manager.check("counted").message == "call 2"


def test_a_jump_of_the_wall_time_does_not_age_the_cache() -> None:
    clock, check = ManualClock(), _Counting()
    manager = HealthCheckManager(cache_ttl_s=60, clock=clock)
    manager.add_check(check)
    result = manager.check("counted")
    clock.jump(86400)
    assert manager.check("counted").message == "call 1"
    clock.jump(-2 * 86400)
    assert manager.check("counted").message == "call 1"
    assert manager.age_s(result) == 0


def test_every_result_has_an_age() -> None:
    clock = ManualClock()
    manager = HealthCheckManager(clock=clock)
    manager.add_check(_says("db", HEALTHY))
    result = manager.check("db")
    clock.advance(12.5)
    assert manager.age_s(result) == pytest.approx(12.5)


def test_the_periodic_round_asks_fresh_checks_too() -> None:
    check = _Counting()
    manager = HealthCheckManager(cache_ttl_s=60, clock=ManualClock())
    manager.add_check(check)
    manager.run_all()
    manager.run_all()
    assert (manager.check("counted").message, check.calls) == ("call 2", 2)


def test_a_cache_of_no_time_asks_each_time() -> None:
    check = _Counting()
    manager = HealthCheckManager(clock=ManualClock())
    manager.add_check(check)
    manager.set_cache_ttl(0)
    assert [manager.check("counted").message for _ in range(3)] == ["call 1", "call 2", "call 3"]


def test_groups_say_which_endpoint_asks_a_check() -> None:
    manager = HealthCheckManager()
    for name, groups in {"a": ("live",), "b": ("ready",), "c": ("live", "ready"), "d": ()}.items():
        manager.add_check(_says(name, HEALTHY), groups=groups)
    manager.add_check(_says("e", HEALTHY))
    assert list(manager.check_all("live").checks) == ["a", "c"]
    assert list(manager.check_all("ready").checks) == ["b", "c", "e"]
    assert list(manager.check_all().checks) == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("groups", ["live", ["liveness"], ["live", None], b"live"])
def test_groups_that_there_are_not_are_refused(groups: Any) -> None:
    with pytest.raises(HealthCheckError, match="expected a list of any of"):
        HealthCheckManager().add_check(_says("a", HEALTHY), groups=groups)
    with pytest.raises(HealthCheckError, match="'liveness'"):
        HealthCheckManager().check_all("liveness")


def test_a_name_is_registered_once_and_can_be_removed() -> None:
    manager = HealthCheckManager()
    manager.add_check(_says("db", HEALTHY))
    with pytest.raises(HealthCheckError, match="'db' is registered already"):
        manager.add_check(_says("db", UNHEALTHY))
    assert manager.check("db").status is HEALTHY
    manager.remove_check("db")
    assert manager.check_all().checks == {}
    manager.add_check(_says("db", UNHEALTHY))
    assert manager.check("db").status is UNHEALTHY


@pytest.mark.parametrize("name", ["", None, 5, b"db"])
def test_a_check_without_a_proper_name_is_refused(name: Any) -> None:
    with pytest.raises(HealthCheckError, match="expected a name"):
        HealthCheckManager().add_check(_says(name, HEALTHY))


@pytest.mark.parametrize("check", [lambda: True, "disk_space", None], ids=["function", "text", "None"])
def test_what_is_no_check_is_refused_when_it_is_added(check: Any) -> None:
    with pytest.raises(HealthCheckError):
        HealthCheckManager().add_check(check)


@pytest.mark.parametrize("ask", [HealthCheckManager.check, HealthCheckManager.remove_check])
def test_an_unknown_name_is_answered_with_the_names_that_there_are(ask: Callable[..., Any]) -> None:
    manager = HealthCheckManager()
    with pytest.raises(HealthCheckError, match="no check is named 'bd'; registered: none"):
        ask(manager, "bd")
    manager.add_check(_says("db", HEALTHY))
    with pytest.raises(HealthCheckError, match="registered: db"):
        ask(manager, "bd")


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_time_out_is_above_zero(seconds: float) -> None:
    manager = HealthCheckManager()
    with pytest.raises(HealthCheckError, match="seconds above 0"):
        manager.set_default_timeout(seconds)
    with pytest.raises(HealthCheckError, match="seconds above 0"):
        manager.add_check(_says("a", HEALTHY), timeout_s=seconds)
    assert manager.check_all().checks == {}


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_the_time_of_the_cache_is_not_below_zero(seconds: float) -> None:
    with pytest.raises(HealthCheckError, match="seconds >= 0"):
        HealthCheckManager().set_cache_ttl(seconds)


def test_a_checks_own_time_out_goes_before_the_default() -> None:
    let_go, manager = threading.Event(), HealthCheckManager(default_timeout_s=0.02)
    manager.add_check(_waiting("default", let_go))
    manager.add_check(_waiting("own", let_go), timeout_s=0.05)
    messages = {name: result.message for name, result in manager.check_all().checks.items()}
    assert messages == {"default": "no answer within 0.02 s", "own": "no answer within 0.05 s"}
    let_go.set()


def test_parallel_checks_wait_for_the_slowest_and_not_for_the_sum() -> None:
    let_go, manager = threading.Event(), HealthCheckManager(default_timeout_s=0.3)
    for position in range(5):
        manager.add_check(_waiting(str(position), let_go))
    started = time.monotonic()
    assert manager.check_all().status is UNHEALTHY
    assert time.monotonic() - started < 1.0
    let_go.set()


@pytest.mark.parametrize("is_parallel", [True, False])
def test_checks_run_at_once_or_one_after_the_other(is_parallel: bool) -> None:
    met = threading.Barrier(2)

    def meet() -> bool:
        try:
            met.wait(10 if is_parallel else 0.1)
        except threading.BrokenBarrierError:
            return False
        return True

    manager = HealthCheckManager(is_parallel=is_parallel)
    manager.add_check(CallableHealthCheck("one", meet))
    manager.add_check(CallableHealthCheck("two", meet))
    assert manager.check_all().status is (HEALTHY if is_parallel else UNHEALTHY)


def test_a_hanging_check_does_not_hold_up_a_caller_who_asks_for_another() -> None:
    let_go, manager = threading.Event(), HealthCheckManager(default_timeout_s=10)
    manager.add_check(_waiting("hangs", let_go))
    manager.add_check(_says("fine", HEALTHY))
    caller = threading.Thread(target=manager.check_all)
    caller.start()
    until(lambda: "heliograph-health-hangs" in {thread.name for thread in threading.enumerate()})
    assert manager.check("fine").status is HEALTHY
    manager.remove_check("hangs")
    let_go.set()
    caller.join()


def test_checks_may_come_and_go_while_others_ask() -> None:
    manager, is_over, errors = HealthCheckManager(cache_ttl_s=0), threading.Event(), []

    def ask() -> None:
        while not is_over.is_set():
            try:
                manager.check_all()
                manager.run_all()
            except Exception as error:
                errors.append(error)

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    for turn in range(60):
        manager.add_check(_says(f"check {turn}", HEALTHY))
        manager.remove_check(f"check {turn}")
    is_over.set()
    for asker in askers:
        asker.join()
    assert errors == []


def test_the_gauges_show_the_latest_results_and_run_no_check() -> None:
    check, manager = _Counting(), HealthCheckManager()
    manager.add_check(check)
    manager.add_check(_says("cache", UNHEALTHY), critical=False)
    assert _gauges(manager) == {"health.check.status": {"counted": 0, "cache": 0}, "health.status": {"": 0}}
    assert check.calls == 0
    manager.run_all()
    assert _gauges(manager) == {"health.check.status": {"counted": 1, "cache": 3}, "health.status": {"": 2}}


def test_without_checks_the_gauge_of_the_whole_is_healthy() -> None:
    assert _gauges(HealthCheckManager())["health.status"] == {"": 1}


def test_a_forked_child_keeps_checks_and_results() -> None:
    check = _Counting()
    manager = HealthCheckManager(clock=ManualClock())
    manager.add_check(check)
    manager.check_all()
    manager.after_fork_in_child()
    assert manager.check("counted").message == "call 1"
    manager.run_all()
    assert manager.check("counted").message == "call 2"
