"""From the settings of an exporter to the exporter: one row a type."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from heliograph import names
from heliograph.exporters.jaeger import otlp_endpoint
from heliograph.exporters.memory import MemoryExporter
from heliograph.exporters.otlp import OtlpExporter, Transport
from heliograph.exporters.otlp_http import OtlpHttpTransport
from heliograph.exporters.tls import TlsFileError
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.outcome import Exporter
from heliograph.recording.readers import WEIGHTS
from heliograph.settings import exporters as settings

_COMPONENT_NOUNS: Final = {"traces": "span", "metrics": "metric", "logs": "log"}

logger = logging.getLogger("heliograph.exporters")


def build_exporter(signal: str, wanted: settings.ExporterSettings) -> Exporter:
    """Build the exporter of ``signal`` that ``wanted`` describes. Opens no connection and no file."""
    return _BUILDERS[wanted.type](signal, wanted)


def component(signal: str, wanted: settings.ExporterSettings) -> dict[str, str | int]:
    """What that exporter is called in telemetry about telemetry: attributes of the semantic conventions.

    ``otel.component.type`` is the standardised value for OTLP, and a class' full name for exporters of our own.
    """
    about: dict[str, str | int] = {}
    if isinstance(wanted, (settings.OtlpExporter, settings.JaegerExporter)):
        kind = f"otlp_{wanted.protocol}_{_COMPONENT_NOUNS[signal]}_exporter"
        parts = urlsplit(wanted.endpoint)
        about = {names.SERVER_ADDRESS: parts.hostname or ""}
        if parts.port is not None:
            about[names.SERVER_PORT] = parts.port
    else:
        kind = f"heliograph.exporters.{wanted.type}.{''.join(map(str.capitalize, wanted.type.split('_')))}Exporter"
    return {names.COMPONENT_TYPE: kind, names.COMPONENT_NAME: f"{kind}/{wanted.destination}", **about}


def _otlp(signal: str, wanted: Any) -> Exporter:
    return OtlpExporter(_transport(signal, wanted, wanted.endpoint))


def _jaeger(signal: str, wanted: Any) -> Exporter:
    endpoint, warning = otlp_endpoint(wanted.endpoint, wanted.protocol)
    if warning is not None:
        logger.warning(warning)
    return OtlpExporter(_transport(signal, wanted, endpoint))


def _transport(signal: str, wanted: Any, endpoint: str) -> Transport:
    headers = {name: secret.get_secret_value() for name, secret in wanted.headers.items()}
    transport: type[Any] = OtlpHttpTransport
    options: dict[str, Any] = {"append_path": wanted.append_path}
    if wanted.protocol == "grpc":
        # grpc loads a large C library; who does not use it does not pay for it at start-up.
        from heliograph.exporters.otlp_grpc import OtlpGrpcTransport  # noqa: PLC0415

        transport, options = OtlpGrpcTransport, {}
    options |= {"headers": headers, "compression": wanted.compression, "tls": wanted.tls}
    try:
        built: Transport = transport(SIGNALS[signal], endpoint, **options)
    except TlsFileError as error:
        raise error.as_settings_error(signal, wanted.destination) from error
    return built


def _console(signal: str, _wanted: Any) -> Exporter:
    from heliograph.exporters.console import ConsoleExporter  # noqa: PLC0415  # loads what shows items of the SDK

    return ConsoleExporter(signal)


def _file(signal: str, wanted: Any) -> Exporter:
    from heliograph.exporters.file import FileExporter  # noqa: PLC0415  # loads protobuf

    path = Path(wanted.path)
    return FileExporter(SIGNALS[signal], path, max_bytes=wanted.max_bytes, max_files=wanted.max_files)


def _span_log(_signal: str, _wanted: Any) -> Exporter:
    from heliograph.exporters.span_log import SpanLogExporter  # noqa: PLC0415  # wanted when somebody looks for a fault

    return SpanLogExporter()


_BUILDERS: Final[Mapping[str, Callable[[str, Any], Exporter]]] = {
    "otlp": _otlp,
    "jaeger": _jaeger,
    "console": _console,
    "file": _file,
    "span_log": _span_log,
    "memory": lambda signal, wanted: MemoryExporter(wanted.max_items, WEIGHTS[signal]),
}
