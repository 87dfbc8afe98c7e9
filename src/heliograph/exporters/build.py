"""From the settings of an exporter to the exporter: one row a type."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from heliograph.exporters.console import ConsoleExporter
from heliograph.exporters.file import FileExporter
from heliograph.exporters.jaeger import otlp_endpoint
from heliograph.exporters.memory import MemoryExporter
from heliograph.exporters.otlp import OtlpExporter, Transport
from heliograph.exporters.otlp_http import OtlpHttpTransport
from heliograph.exporters.tls import TlsFileError
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.outcome import Exporter
from heliograph.recording.handoff import WEIGHTS
from heliograph.settings import exporters as settings

logger = logging.getLogger("heliograph.exporters")


def build_exporter(signal: str, wanted: settings.ExporterSettings) -> Exporter:
    """Build the exporter of ``signal`` that ``wanted`` describes. Opens no connection and no file."""
    return _BUILDERS[wanted.type](signal, wanted)


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
    if wanted.protocol == "grpc":
        # grpc loads a large C library; who does not use it does not pay for it at start-up.
        from heliograph.exporters.otlp_grpc import OtlpGrpcTransport  # noqa: PLC0415

        transport = OtlpGrpcTransport
    try:
        options = {"headers": headers, "compression": wanted.compression, "tls": wanted.tls}
        built: Transport = transport(SIGNALS[signal], endpoint, **options)
    except TlsFileError as error:
        raise error.as_settings_error(signal, wanted.destination) from error
    return built


def _file(signal: str, wanted: Any) -> Exporter:
    path = Path(wanted.path)
    return FileExporter(SIGNALS[signal], path, max_bytes=wanted.max_bytes, max_files=wanted.max_files)


_BUILDERS: Final[Mapping[str, Callable[[str, Any], Exporter]]] = {
    "otlp": _otlp,
    "jaeger": _jaeger,
    "console": lambda signal, _wanted: ConsoleExporter(signal),
    "file": _file,
    "memory": lambda signal, wanted: MemoryExporter(wanted.max_items, WEIGHTS[signal]),
}
