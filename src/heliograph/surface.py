"""What is there from the manager's making to its end, running or not: health checks, and the endpoint's applications.

Checks can be added and the applications mounted before the manager is initialised; both outlive a shutdown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from heliograph.clock import Clock
from heliograph.endpoint.answers import Answers
from heliograph.endpoint.wsgi import wsgi_app
from heliograph.health.builtin import DiskSpaceHealthCheck, MemoryHealthCheck
from heliograph.health.manager import HealthCheckManager
from heliograph.prometheus.exposition import Exposition
from heliograph.prometheus.shown import Shown
from heliograph.settings import TelemetrySettings
from heliograph.settings.exporters import PrometheusExporter

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from starlette.applications import Starlette

_BUILT_IN_CHECKS = {"disk_space": DiskSpaceHealthCheck, "memory": MemoryHealthCheck}


class Surface:
    """The parts of a manager that other programs look at."""

    def __init__(self, settings: TelemetrySettings, clock: Clock) -> None:
        health = settings.health
        self.health = HealthCheckManager(
            cache_ttl_s=health.cache_ttl.total_seconds(),
            default_timeout_s=health.default_timeout.total_seconds(),
            is_parallel=health.parallel_checks,
            clock=clock,
        )
        if settings.enabled and health.enabled:
            for name in health.checks:
                self.health.add_check(_BUILT_IN_CHECKS[name](), critical=False)
        prometheus = settings.prometheus
        self.exposition = Exposition(shown=_shown(settings))
        self._answers = Answers(
            exposition=self.exposition,
            health=self.health,
            metrics_path=settings.effective_server.metrics_path,
            is_compressed=prometheus is None or prometheus.enable_compression,
        )

    def answer_as(self, other: Surface) -> Callable[[], None]:
        """Let what is mounted already answer what ``other`` does; returns what ends that. For a test."""
        answers, theirs = self._answers, other._answers
        own = answers._exposition, answers._health
        answers._exposition, answers._health = theirs._exposition, theirs._health

        def answer_itself() -> None:
            answers._exposition, answers._health = own

        return answer_itself

    def asgi_app(self, in_loop: Callable[[], None] | None = None) -> Starlette:
        # Starlette is loaded by who serves or mounts it, not by everybody who imports heliograph.
        from heliograph.endpoint.asgi import asgi_app  # noqa: PLC0415

        return asgi_app(self._answers, in_loop)

    def wsgi_app(self) -> WSGIApplication:
        return wsgi_app(self._answers)


def _shown(settings: TelemetrySettings) -> Shown:
    exporter = settings.prometheus or PrometheusExporter()
    return Shown(
        catalogue=settings.metrics.full_catalogue,
        legacy_names=settings.metrics.legacy_names,
        scope_labels=exporter.scope_labels,
        created_series=exporter.created_series,
    )
