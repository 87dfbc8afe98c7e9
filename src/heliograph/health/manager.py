"""The health of the service: its checks, their cached results, and the worst of them.

Called by application code (``telemetry.health``), by the endpoint and by the scheduler. Waits for checks, so async code calls
it on a thread (``await asyncio.to_thread(telemetry.health.check_all)``).
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from heliograph import names
from heliograph.clock import Clock, SystemClock
from heliograph.errors import HealthCheckError
from heliograph.health.check import WORST_LAST, HealthCheck, HealthCheckResult, HealthStatus
from heliograph.health.runner import CheckRunner

GROUPS = ("live", "ready")


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """The worst status of the checks asked for, and the result of each by name. No checks at all are healthy."""

    status: HealthStatus
    checks: Mapping[str, HealthCheckResult] = field(default_factory=dict)

    @property
    def is_available(self) -> bool:
        """Whether the service can take traffic: HTTP 200 rather than 503."""
        return self.status in (HealthStatus.HEALTHY, HealthStatus.WARNING)


@dataclass(slots=True)
class _Registered:
    runner: CheckRunner
    is_critical: bool
    groups: tuple[str, ...]
    timeout_s: float | None
    result: HealthCheckResult | None = None
    checked_at_ns: int = 0


class HealthCheckManager:
    """Holds checks and answers from a cache. Thread-safe; the lock is held for look-ups, never while a check runs.

    Times are in seconds: a result is answered from the cache for ``cache_ttl_s``, a check is given ``default_timeout_s``.
    """

    def __init__(
        self,
        *,
        cache_ttl_s: float = 60.0,
        default_timeout_s: float = 5.0,
        is_parallel: bool = True,
        clock: Clock | None = None,
    ) -> None:
        self._cache_ttl_s = cache_ttl_s
        self._default_timeout_s = default_timeout_s
        self._is_parallel = is_parallel
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._checks: dict[str, _Registered] = {}

    def after_fork_in_child(self) -> None:
        """Keep the checks and their results; the parent's locks and runs are not ours."""
        self._lock = threading.Lock()
        for registered in self._checks.values():
            registered.runner.after_fork_in_child()

    def restart(self) -> None:
        """Forget the checks and what they said, for a test."""
        with self._lock:
            self._checks = {}

    def copy(self, other: HealthCheckManager, *, but: Collection[str] = ()) -> None:
        """Take on the checks of ``other`` whose names are not among ``but``, without what they said, and its times. Those
        that are here already stay."""
        with other._lock:
            checks = dict(other._checks)
        self._cache_ttl_s, self._default_timeout_s = other._cache_ttl_s, other._default_timeout_s
        for name, known in checks.items():
            if name not in but and name not in self._checks:
                self.add_check(known.runner.check, critical=known.is_critical, groups=known.groups, timeout_s=known.timeout_s)

    def add_check(
        self,
        check: HealthCheck,
        *,
        critical: bool = True,
        groups: Sequence[str] = ("ready",),
        timeout_s: float | None = None,
    ) -> None:
        """Register ``check``. One that is not ``critical`` counts as a warning at worst. ``groups`` (any of "live" and
        "ready") say which endpoints ask it; ``/health`` asks all. Raises :class:`~heliograph.errors.HealthCheckError` for
        a name that is taken or empty, or an unknown group."""
        unknown = [group for group in groups if group not in GROUPS]
        if unknown or isinstance(groups, str):
            raise HealthCheckError(f"add_check() was given groups {groups!r}, expected a list of any of {GROUPS}")
        name = getattr(check, "name", None)
        if not isinstance(name, str) or not name or not callable(getattr(check, "check", None)):
            raise HealthCheckError(f"add_check() was given a check named {name!r}, expected a name that is not empty")
        if timeout_s is not None:
            _above_zero(timeout_s, "timeout_s")
        with self._lock:
            if name in self._checks:
                raise HealthCheckError(f"a check named {name!r} is registered already; remove it first or rename this one")
            self._checks[name] = _Registered(CheckRunner(check, self._clock), critical, tuple(groups), timeout_s)

    def remove_check(self, name: str) -> None:
        """Forget the check; raises :class:`~heliograph.errors.HealthCheckError` when there is none of that name."""
        with self._lock:
            self._find(name)
            del self._checks[name]

    def set_cache_ttl(self, seconds: float) -> None:
        """Answer from the cache for this long; 0 asks the check each time."""
        if not seconds >= 0:
            raise HealthCheckError(f"set_cache_ttl() was given {seconds!r}, expected seconds >= 0")
        self._cache_ttl_s = seconds

    def set_default_timeout(self, seconds: float) -> None:
        """Give a check without a time-out of its own this long."""
        self._default_timeout_s = _above_zero(seconds, "set_default_timeout()")

    def check(self, name: str) -> HealthCheckResult:
        """The result of one check: from the cache while it is fresh, else from a run now."""
        with self._lock:
            registered = self._find(name)
        return self._results({name: registered}, is_forced=False)[name]

    def check_all(self, group: str | None = None) -> HealthReport:
        """The results of all checks, or of those in ``group`` ("live" or "ready"), and the worst of them."""
        if group is not None and group not in GROUPS:
            raise HealthCheckError(f"check_all() was given group {group!r}, expected one of {GROUPS} or None")
        with self._lock:
            asked = {name: check for name, check in self._checks.items() if group is None or group in check.groups}
        results = self._results(asked, is_forced=False)
        return HealthReport(status=_worst(asked, results), checks=results)

    def run_all(self) -> None:
        """Run every check now and remember the results: the periodic round."""
        with self._lock:
            checks = dict(self._checks)
        self._results(checks, is_forced=True)

    def age_s(self, result: HealthCheckResult) -> float:
        """How long ago ``result`` was found, in seconds."""
        return max(0.0, self._clock.time_ns() / 1e9 - result.timestamp)

    def register_gauges(self, meter: Meter) -> None:
        """Expose the latest results; a scrape runs no check."""
        meter.create_observable_gauge(
            names.HEALTH_CHECK_STATUS,
            [self._observe_each],
            description="Latest result of each check: 0 unknown, 1 healthy, 2 warning, 3 unhealthy.",
        )
        meter.create_observable_gauge(
            names.HEALTH_STATUS,
            [self._observe_worst],
            description="Worst latest result: 0 unknown, 1 healthy, 2 warning, 3 unhealthy.",
        )

    def _observe_each(self, _options: CallbackOptions) -> Iterable[Observation]:
        with self._lock:
            latest = {name: check.result for name, check in self._checks.items()}
        return [
            Observation((result.status if result else HealthStatus.UNKNOWN).number, {names.HEALTH_CHECK_NAME: name})
            for name, result in latest.items()
        ]

    def _observe_worst(self, _options: CallbackOptions) -> Iterable[Observation]:
        with self._lock:
            checks = dict(self._checks)
        unknown = HealthCheckResult.unknown("has not run yet")
        return [Observation(_worst(checks, {name: check.result or unknown for name, check in checks.items()}).number)]

    def _find(self, name: str) -> _Registered:
        try:
            return self._checks[name]
        except KeyError:
            known = ", ".join(sorted(self._checks)) or "none"
            raise HealthCheckError(f"no check is named {name!r}; registered: {known}") from None

    def _results(self, checks: Mapping[str, _Registered], *, is_forced: bool) -> dict[str, HealthCheckResult]:
        stale = {name: check for name, check in checks.items() if is_forced or not self._is_fresh(check)}
        runs = {name: check.runner.begin() for name, check in stale.items()} if self._is_parallel else {}
        for name, check in stale.items():
            run = runs.get(name) or check.runner.begin()
            result = check.runner.wait(run, check.timeout_s or self._default_timeout_s)
            with self._lock:
                check.result, check.checked_at_ns = result, self._clock.monotonic_ns()
        return {name: check.result for name, check in checks.items() if check.result is not None}

    def _is_fresh(self, check: _Registered) -> bool:
        age_ns = self._clock.monotonic_ns() - check.checked_at_ns
        return check.result is not None and age_ns < self._cache_ttl_s * 1e9


def _worst(checks: Mapping[str, _Registered], results: Mapping[str, HealthCheckResult]) -> HealthStatus:
    statuses = [
        result.status if checks[name].is_critical or result.status is HealthStatus.HEALTHY else HealthStatus.WARNING
        for name, result in results.items()
    ]
    return max(statuses, key=WORST_LAST.index, default=HealthStatus.HEALTHY)


def _above_zero(seconds: float, what: str) -> float:
    if not seconds > 0:
        raise HealthCheckError(f"{what} was given {seconds!r}, expected seconds above 0")
    return seconds
