"""The settings of a TelemetryManager: one frozen model with a section a concern.

Built once at the edge (``TelemetryManager.start`` or ``TelemetrySettings(...)``), read by the assembly, never changed. A
constructor call with faults raises one :class:`~heliograph.errors.SettingsError` that lists them all.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from heliograph.errors import SettingsError
from heliograph.settings.delivery import DeliverySettings
from heliograph.settings.destinations import duplicate_destinations
from heliograph.settings.exporters import PrometheusExporter
from heliograph.settings.health import HealthSettings
from heliograph.settings.kinds import (
    Scalar,
    choice,
    filled_text,
    flag,
    list_of,
    mapping_of,
    optional,
    scalar,
    section_of,
    text,
)
from heliograph.settings.logs import Level, LogsSettings
from heliograph.settings.metrics import MetricsSettings
from heliograph.settings.presets import with_preset
from heliograph.settings.section import Section, setting
from heliograph.settings.server import ServerSettings
from heliograph.settings.system import SystemSettings
from heliograph.settings.tracing import TracingSettings

Preset: TypeAlias = Literal["development", "production", "high_load"]
Recorder: TypeAlias = Literal["native", "opentelemetry-sdk"]


class TelemetrySettings(Section):
    """Everything a TelemetryManager needs to know. Raises :class:`~heliograph.errors.SettingsError` with every fault.

    Immutable and thread-safe; two are equal when all their values are.
    """

    enabled: bool = setting(flag, default=True, doc="Whether there is telemetry at all; if not, every call does nothing.")
    service_name: str = setting(
        filled_text, default="unknown_service:python", doc="What the service is called, the same for all its instances."
    )
    service_version: str | None = setting(optional(text), default=None, doc="Its version.")
    environment: str | None = setting(optional(text), default=None, doc="Where it is deployed: `production`, `staging`.")
    preset: Preset | None = setting(
        optional(choice(Preset)), default=None, doc="A set of values that lie below those given here, see [Presets](#presets)."
    )
    recorder: Recorder = setting(
        choice(Recorder),
        default="native",
        doc="Who implements OpenTelemetry: heliograph itself, or OpenTelemetry's own SDK, which costs more.",
    )
    resource: Mapping[str, Scalar] = setting(
        mapping_of(scalar), default={}, doc="Attributes of the service, on everything that it sends: `team`, `region`."
    )
    resource_detectors: tuple[str, ...] = setting(
        list_of(filled_text),
        default=(),
        doc="What finds out more about where the service runs: names of OpenTelemetry's resource detectors that are installed "
        "(`process`, `os`, `host`), `*` for all. One that is not installed is left out, with a warning.",
    )
    propagators: tuple[str, ...] | None = setting(
        optional(list_of(filled_text)),
        default=None,
        doc="How trace ids travel from service to service: names of OpenTelemetry's propagators that are installed "
        "(`tracecontext`, `baggage`, `b3`), or `none` alone. None leaves it to `OTEL_PROPAGATORS`.",
    )
    log_level: Level | None = setting(
        optional(choice(Level)),
        default=None,
        doc="From which level on heliograph and OpenTelemetry log what befalls themselves, on Python's loggers `heliograph` "
        "and `opentelemetry`. None leaves it to the application. The level of the application's own logs is `logs.level`.",
    )
    tracing: TracingSettings = setting(section_of(TracingSettings), default=TracingSettings(), doc="Spans.")
    metrics: MetricsSettings = setting(section_of(MetricsSettings), default=MetricsSettings(), doc="Metrics.")
    logs: LogsSettings = setting(section_of(LogsSettings), default=LogsSettings(), doc="Logs and events.")
    health: HealthSettings = setting(section_of(HealthSettings), default=HealthSettings(), doc="Health checks.")
    system: SystemSettings = setting(section_of(SystemSettings), default=SystemSettings(), doc="System metrics.")
    server: ServerSettings = setting(section_of(ServerSettings), default=ServerSettings(), doc="The HTTP endpoint.")
    delivery: DeliverySettings = setting(
        section_of(DeliverySettings), default=DeliverySettings(), doc="What happens after a recording call returned."
    )

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

    @classmethod
    def load(
        cls,
        options: Mapping[str, Any] | None = None,
        *,
        file: str | Path | None = None,
        environ: Mapping[str, str] = os.environ,
        folder: Path = Path(),
    ) -> TelemetrySettings:
        """Load the settings from ``options``, the environment, a file, a preset and the defaults, in this order of precedence.

        As ``TelemetryManager.start`` does; see :func:`heliograph.settings.loading.load.load`, which also says where each value
        is from.
        """
        from heliograph.settings.loading.load import load  # it is made of these settings  # noqa: PLC0415

        return load(options, file=file, environ=environ, folder=folder).settings

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
            plain = type(running).fields[name].kind.plain  # without secrets
            said = f"{prefix}{name}: {plain(left)!r} is running, {plain(right)!r} was asked for"
            found.append(said if plain(left) != plain(right) else f"{said}; they differ in what is hidden here")
    return found
