"""The settings of a TelemetryManager: one frozen model with a section a concern.

Built once at the edge (``TelemetryManager.start`` or ``TelemetrySettings(...)``), read by the assembly, never changed. A
constructor call with faults raises one :class:`~heliograph.errors.SettingsError` that lists them all.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from heliograph.errors import SettingsError
from heliograph.settings.batching import BatchExport
from heliograph.settings.duration import Duration, parse_duration
from heliograph.settings.exporters import HttpPath, LogExporters, PrometheusExporter
from heliograph.settings.faults import duplicate_destinations, validation_faults
from heliograph.settings.metrics import MetricsSettings
from heliograph.settings.presets import with_preset
from heliograph.settings.section import Count, Port, Section, Text
from heliograph.settings.tracing import TracingSettings


class LogsSettings(Section):
    """Logs and events. ``level`` is the lowest level that the standard library handler passes on."""

    enabled: bool = True
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    exporters: LogExporters = ()
    batch_export: BatchExport = BatchExport()


class HealthSettings(Section):
    """Health checks. Each runs every ``check_interval`` and is answered from a cache for ``cache_ttl``; ``checks`` are the
    built-in ones to register at start (both are not critical: they warn, they do not take the service out)."""

    enabled: bool = True
    check_interval: Duration = parse_duration("30s")
    cache_ttl: Duration = parse_duration("60s")
    default_timeout: Duration = parse_duration("5s")
    parallel_checks: bool = True
    checks: tuple[Literal["disk_space", "memory"], ...] = ("disk_space", "memory")


class SystemSettings(Section):
    """CPU, memory, disk, network and process metrics, read with psutil at most once each collection interval."""

    enabled: bool = True


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class ServerSettings(Section):
    """The HTTP endpoint. Port 0 means any free port; when ``port`` is taken, the ``next`` free one is used or ``none``. A
    ``host`` that other machines reach needs
    ``allow_unauthenticated=True``, since what it shows is then open to them."""

    enabled: bool = True
    host: Text = "127.0.0.1"
    port: Port = 9464
    when_taken: Literal["none", "next"] = "none"
    metrics_path: HttpPath = "/metrics"
    allow_unauthenticated: bool = False

    @field_validator("allow_unauthenticated")
    @classmethod
    def _guard_open_bind(cls, allowed: bool, info: ValidationInfo) -> bool:
        host = info.data.get("host")
        if host is not None and not (allowed or _is_loopback(host)):
            raise ValueError(f"true, since host {host!r} is open to other machines; or a loopback host such as '127.0.0.1'")
        return allowed


def _default_spool(options: dict[str, Any]) -> Literal["off", "on_failure"]:
    return "on_failure" if options.get("spool_directory") is not None else "off"


class DeliverySettings(Section):
    """What happens after a recording call returned; docs/delivery.md says what each choice promises.

    ``queue_size`` (items) and ``queue_max_bytes`` (once encoded) bound what waits in memory for one destination;
    ``when_full`` says which item goes then. ``spool`` keeps OTLP requests on disk below ``spool_directory``: on failure of a
    destination (the default as soon as a directory is given), always, or never; up to ``spool_max_bytes`` a destination, for
    ``spool_max_age``. ``shutdown_timeout`` is the overall time that a shutdown may take.
    """

    queue_size: Count = 2048
    queue_max_bytes: Count = 64 * 1024 * 1024
    when_full: Literal["drop_newest", "drop_oldest"] = "drop_newest"
    spool_directory: Text | None = None
    spool: Literal["off", "on_failure", "always"] = Field(default_factory=_default_spool)
    spool_max_bytes: Count = 512 * 1024 * 1024
    spool_max_age: Duration = parse_duration("7d")
    shutdown_timeout: Duration = parse_duration("5s")


class TelemetrySettings(Section):
    """Everything a TelemetryManager needs to know.

    ``preset`` names a set of values that lie below those given here. ``recorder`` chooses who implements OpenTelemetry's
    providers. Raises :class:`~heliograph.errors.SettingsError` with every fault. Immutable and thread-safe; two are equal
    when all their values are.
    """

    enabled: bool = True
    service_name: Text = "unknown_service:python"
    service_version: str | None = None
    environment: str | None = None
    preset: Literal["development", "production", "high_load"] | None = None
    recorder: Literal["native", "opentelemetry-sdk"] = "native"
    resource: Mapping[str, str | bool | int | float] = Field(default_factory=dict)
    tracing: TracingSettings = TracingSettings()
    metrics: MetricsSettings = MetricsSettings()
    logs: LogsSettings = LogsSettings()
    health: HealthSettings = HealthSettings()
    system: SystemSettings = SystemSettings()
    server: ServerSettings = ServerSettings()
    delivery: DeliverySettings = DeliverySettings()

    if not TYPE_CHECKING:  # type checkers keep the signature that they derive from the fields

        def __init__(self, **given: Any) -> None:
            if set(given) == {"telemetry"} and isinstance(given["telemetry"], Mapping):
                given = dict(given["telemetry"])  # system B's files have everything under this key
            values = with_preset(given)
            faults = duplicate_destinations(values)
            try:
                super().__init__(**values)
            except ValidationError as error:
                raise SettingsError([*validation_faults(error, TelemetrySettings), *faults]) from error
            if faults:
                raise SettingsError(faults)

    @property
    def prometheus(self) -> PrometheusExporter | None:
        """The Prometheus exporter when metrics are served for scraping, else None."""
        found = (exporter for exporter in self.metrics.exporters if isinstance(exporter, PrometheusExporter))
        return next(found, None) if self.metrics.enabled else None

    @property
    def effective_server(self) -> ServerSettings:
        """The server section, with the port and path that the Prometheus exporter asks for, if it does."""
        exporter = self.prometheus
        if exporter is None:
            return self.server
        wanted = {"port": exporter.port, "metrics_path": exporter.path}
        return self.server.model_copy(update={name: value for name, value in wanted.items() if value is not None})


def differences(running: TelemetrySettings, wanted: TelemetrySettings) -> list[str]:
    """Name each setting that differs, as ``path: <running> is running, <wanted> was asked for``."""
    return _differences(running, wanted, prefix="")


def _differences(running: Section, wanted: Section, prefix: str) -> list[str]:
    found: list[str] = []
    for name in type(running).model_fields:
        left, right = getattr(running, name), getattr(wanted, name)
        if left == right:
            continue
        if isinstance(left, Section) and type(left) is type(right):
            found += _differences(left, right, f"{prefix}{name}.")
        else:
            found.append(f"{prefix}{name}: {left!r} is running, {right!r} was asked for")
    return found
