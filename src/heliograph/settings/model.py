"""The settings of a TelemetryManager: one frozen model with a section a concern.

Built once at the edge (``TelemetryManager.start`` or ``TelemetrySettings(...)``), read by the assembly, never changed. A
constructor call with faults raises one :class:`~heliograph.errors.SettingsError` that lists them all.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from heliograph.errors import SettingsError
from heliograph.settings.batching import BatchExport
from heliograph.settings.destinations import duplicate_destinations
from heliograph.settings.duration import parse_duration
from heliograph.settings.exporters import LogExporter, PrometheusExporter, http_path, log_exporters
from heliograph.settings.kinds import Scalar, choice, filled_text, flag, list_of, mapping_of, optional, scalar, text, whole
from heliograph.settings.metrics import MetricsSettings
from heliograph.settings.presets import with_preset
from heliograph.settings.section import Section, Siblings, setting
from heliograph.settings.system import SystemSettings
from heliograph.settings.tracing import TracingSettings

Level: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
Check: TypeAlias = Literal["disk_space", "memory"]
WhenTaken: TypeAlias = Literal["none", "next"]
WhenFull: TypeAlias = Literal["drop_newest", "drop_oldest"]
Spool: TypeAlias = Literal["off", "on_failure", "always"]
Preset: TypeAlias = Literal["development", "production", "high_load"]
Recorder: TypeAlias = Literal["native", "opentelemetry-sdk"]


class LogsSettings(Section):
    """Logs and events. ``level`` is the lowest level that the standard library handler passes on."""

    enabled: bool = setting(flag, default=True)
    level: Level = setting(choice(Level), default="INFO")
    exporters: tuple[LogExporter, ...] = setting(log_exporters, default=())
    batch_export: BatchExport = setting(BatchExport.read, default=BatchExport())


class HealthSettings(Section):
    """Health checks. Each runs every ``check_interval`` and is answered from a cache for ``cache_ttl``; ``checks`` are the
    built-in ones to register at start (both are not critical: they warn, they do not take the service out)."""

    enabled: bool = setting(flag, default=True)
    check_interval: timedelta = setting(parse_duration, default=timedelta(seconds=30))
    cache_ttl: timedelta = setting(parse_duration, default=timedelta(seconds=60))
    default_timeout: timedelta = setting(parse_duration, default=timedelta(seconds=5))
    parallel_checks: bool = setting(flag, default=True)
    checks: tuple[Check, ...] = setting(list_of(choice(Check)), default=("disk_space", "memory"))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _check_open_bind(allowed: bool, above: Siblings) -> None:
    host = above.get("host")
    if host is not None and not (allowed or _is_loopback(host)):
        raise ValueError(f"true, since host {host!r} is open to other machines; or a loopback host such as '127.0.0.1'")


class ServerSettings(Section):
    """The HTTP endpoint. Port 0 means any free port; when ``port`` is taken, the ``next`` free one is used or ``none``. A
    ``host`` that other machines reach needs
    ``allow_unauthenticated=True``, since what it shows is then open to them."""

    enabled: bool = setting(flag, default=True)
    host: str = setting(filled_text, default="127.0.0.1")
    port: int = setting(whole(0, 65535), default=9464)
    when_taken: WhenTaken = setting(choice(WhenTaken), default="none")
    metrics_path: str = setting(http_path, default="/metrics")
    allow_unauthenticated: bool = setting(flag, default=False, check=_check_open_bind)


def _default_spool(above: Siblings) -> Literal["off", "on_failure"]:
    return "on_failure" if above["spool_directory"] is not None else "off"


class DeliverySettings(Section):
    """What happens after a recording call returned; docs/delivery.md says what each choice promises.

    ``queue_size`` (items) and ``queue_max_bytes`` (once encoded) bound what waits in memory for one destination;
    ``when_full`` says which item goes then. ``spool`` keeps OTLP requests on disk below ``spool_directory``: on failure of a
    destination (the default as soon as a directory is given), always, or never; up to ``spool_max_bytes`` a destination, for
    ``spool_max_age``. ``shutdown_timeout`` is the overall time that a shutdown may take.
    """

    queue_size: int = setting(whole(1), default=2048)
    queue_max_bytes: int = setting(whole(1), default=64 * 1024 * 1024)
    when_full: WhenFull = setting(choice(WhenFull), default="drop_newest")
    spool_directory: str | None = setting(optional(filled_text), default=None)
    spool: Spool = setting(choice(Spool), default_factory=_default_spool)
    spool_max_bytes: int = setting(whole(1), default=512 * 1024 * 1024)
    spool_max_age: timedelta = setting(parse_duration, default=timedelta(days=7))
    shutdown_timeout: timedelta = setting(parse_duration, default=timedelta(seconds=5))


class TelemetrySettings(Section):
    """Everything a TelemetryManager needs to know.

    ``preset`` names a set of values that lie below those given here. ``recorder`` chooses who implements OpenTelemetry's
    providers. Raises :class:`~heliograph.errors.SettingsError` with every fault. Immutable and thread-safe; two are equal
    when all their values are.
    """

    enabled: bool = setting(flag, default=True)
    service_name: str = setting(filled_text, default="unknown_service:python")
    service_version: str | None = setting(optional(text), default=None)
    environment: str | None = setting(optional(text), default=None)
    preset: Preset | None = setting(optional(choice(Preset)), default=None)
    recorder: Recorder = setting(choice(Recorder), default="native")
    resource: Mapping[str, Scalar] = setting(mapping_of(scalar), default={})
    tracing: TracingSettings = setting(TracingSettings.read, default=TracingSettings())
    metrics: MetricsSettings = setting(MetricsSettings.read, default=MetricsSettings())
    logs: LogsSettings = setting(LogsSettings.read, default=LogsSettings())
    health: HealthSettings = setting(HealthSettings.read, default=HealthSettings())
    system: SystemSettings = setting(SystemSettings.read, default=SystemSettings())
    server: ServerSettings = setting(ServerSettings.read, default=ServerSettings())
    delivery: DeliverySettings = setting(DeliverySettings.read, default=DeliverySettings())

    if not TYPE_CHECKING:  # type checkers keep the signature that they derive from the fields

        def __init__(self, **given: Any) -> None:
            if set(given) == {"telemetry"} and isinstance(given["telemetry"], Mapping):
                given = dict(given["telemetry"])  # system B's files have everything under this key
            values = with_preset(given)
            faults = duplicate_destinations(values)
            try:
                self._fill(values)
            except SettingsError as error:
                raise SettingsError([*error.faults, *faults]) from None
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
        return self.server.replace(**{name: value for name, value in wanted.items() if value is not None})


def differences(running: TelemetrySettings, wanted: TelemetrySettings) -> list[str]:
    """Name each setting that differs, as ``path: <running> is running, <wanted> was asked for``."""
    return _differences(running, wanted, prefix="")


def _differences(running: Section, wanted: Section, prefix: str) -> list[str]:
    found: list[str] = []
    for name in type(running).fields:
        left, right = getattr(running, name), getattr(wanted, name)
        if left == right:
            continue
        if isinstance(left, Section) and type(left) is type(right):
            found += _differences(left, right, f"{prefix}{name}.")
        else:
            found.append(f"{prefix}{name}: {left!r} is running, {right!r} was asked for")
    return found
