"""Settings of exporters: one model a type, and the forms in which a user may write one.

An entry of an ``exporters`` list may be the bare name (``"console"``, ``"Console"``), a mapping with ``type``
(``{"type": "jaeger", "endpoint": ...}``) or a mapping of one name to its options (``{"Jaeger": {"endpoint": ...}}``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator

from heliograph.settings.duration import Duration, parse_duration
from heliograph.settings.section import Count, Port, Section, Text

ENDPOINT_EXPECTED = "a URL such as 'http://localhost:4318', with scheme http or https and a host"

_HTTP_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, section 5.6.2: token
_GRPC_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")  # gRPC over HTTP/2: Custom-Metadata; sent in lower case
# They say where a message ends, how it is packed and what becomes of the connection: no user can know that better.
_OF_THE_TRANSPORT: Final = frozenset(
    {
        *("connection", "content-encoding", "content-length", "keep-alive", "proxy-connection", "te", "trailer"),
        *("transfer-encoding", "upgrade"),
    }
)


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        usable = usable and value.isprintable() and not any(map(str.isspace, parts.netloc))
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(ENDPOINT_EXPECTED)
    return value


def _metrics_path(value: str) -> str:
    if not value.startswith("/") or not value.strip("/") or any(character in value for character in " ?#"):
        raise ValueError("a path such as '/metrics', beginning with '/' and longer than that")
    if value.rstrip("/") in ("/health", "/health/live", "/health/ready"):
        raise ValueError("a path other than those of the health endpoints")
    return value


def _header_value(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not (text.isascii() and text.isprintable()):
        raise ValueError("printable ASCII text: a header cannot carry anything else")
    return value


def _header_names(names: Mapping[str, SecretStr], info: ValidationInfo) -> Mapping[str, SecretStr]:
    # No text in here may hold a name: who mixes up name and value puts a secret there.
    is_grpc = info.data.get("protocol") == "grpc"
    allowed = _GRPC_NAME if is_grpc else _HTTP_NAME
    for position, name in enumerate(map(str.lower, names), start=1):
        if not allowed.fullmatch(name):
            signs = "_ . and -" if is_grpc else "! # $ % & ' * + - . ^ _ ` | ~"
            raise ValueError(f"names of letters, digits and {signs}; name {position} is another")
        if name in _OF_THE_TRANSPORT:
            raise ValueError(f"no name that the transport sets itself; name {position} is {name!r}")
        if is_grpc and (name.startswith("grpc-") or name.endswith("-bin")):
            raise ValueError(f"no name that begins with 'grpc-' or ends with '-bin'; name {position} does")
    if len({name.lower() for name in names}) < len(names):
        raise ValueError("each name once: upper and lower case mean the same")
    return names


def _pem_path(value: str) -> str:
    if "-----BEGIN" in value or not value.isprintable():
        raise ValueError("the path of a PEM file, not what is in it")
    return value


HeaderValue = Annotated[SecretStr, AfterValidator(_header_value)]
Endpoint = Annotated[str, AfterValidator(_http_url)]
HttpPath = Annotated[str, AfterValidator(_metrics_path)]
PemPath = Annotated[Text, AfterValidator(_pem_path)]
Headers = Annotated[Mapping[str, HeaderValue], AfterValidator(_header_names)]


class ExporterSettings(Section):
    """What every exporter has: a type, and a name that is unique among the exporters of its signal."""

    type: str
    name: Text | None = None

    @property
    def destination(self) -> str:
        """The name of this destination in ``export_status()`` and ``ledger()``: ``name``, else ``type``."""
        return self.name or self.type


def _default_endpoint(options: dict[str, Any]) -> str:
    # The port follows the protocol (OTLP specification: 4317 for gRPC, 4318 for HTTP). A faulty protocol is not in here.
    return "http://localhost:4317" if options.get("protocol") == "grpc" else "http://localhost:4318"


class TlsFiles(Section):
    """PEM files for TLS, each optional: ``ca_file`` has the authorities to trust instead of the system's, ``cert_file`` the
    certificate (with its chain) by which this client proves who it is, ``key_file`` its private key without a pass phrase
    (not needed when the key is in ``cert_file``). Names as in OpenTelemetry's declarative configuration."""

    ca_file: PemPath | None = None
    cert_file: PemPath | None = None
    key_file: PemPath | None = None

    @field_validator("key_file")
    @classmethod
    def _belongs_to_a_certificate(cls, key_file: str | None, info: ValidationInfo) -> str | None:
        if key_file is not None and info.data.get("cert_file", "faulty") is None:
            raise ValueError("'cert_file' beside it: set it to the certificate of this key")
        return key_file


class _OtlpOptions(ExporterSettings):
    protocol: Literal["http", "grpc"] = "http"
    endpoint: Endpoint = Field(default_factory=_default_endpoint)
    headers: Headers = Field(default_factory=dict)
    compression: Literal["gzip", "none"] = "gzip"
    timeout: Duration = parse_duration("10s")
    tls: TlsFiles | None = None

    @field_validator("tls")
    @classmethod
    def _needs_an_https_endpoint(cls, tls: TlsFiles | None, info: ValidationInfo) -> TlsFiles | None:
        if tls is not None and urlsplit(info.data.get("endpoint", "https:")).scheme == "http":
            raise ValueError("an 'endpoint' with https://, or no 'tls': over http:// nothing is encrypted or checked")
        return tls


class OtlpExporter(_OtlpOptions):
    """OTLP over HTTP (protobuf) or gRPC. ``endpoint`` is the collector's base URL; ``/v1/<signal>`` is appended for HTTP
    unless it is there. ``headers`` are secrets: they appear in no repr, log or error. ``timeout`` is for one attempt.
    ``tls`` are the files for an https endpoint; it is verified without them too, against the system's authorities."""

    type: Literal["otlp"] = "otlp"


class JaegerExporter(_OtlpOptions):
    """Jaeger, which receives OTLP on its own 4318 and 4317. A Thrift endpoint (``:14268/api/traces``) is mapped to OTLP
    on the same host with one warning, since no Thrift exporter exists for OpenTelemetry any more."""

    type: Literal["jaeger"] = "jaeger"


class ConsoleExporter(ExporterSettings):
    """One readable line an item on standard output."""

    type: Literal["console"] = "console"


class FileExporter(ExporterSettings):
    """OTLP JSON, one request a line, appended to ``path``; rotated before it grows past ``max_bytes``, keeping
    ``max_files`` older files as ``path.1`` (newest) to ``path.N``."""

    type: Literal["file"] = "file"
    path: Text
    max_bytes: Count = 64 * 1024 * 1024
    max_files: Count = 3


class MemoryExporter(ExporterSettings):
    """Keeps items in this process, for tests; what comes after ``max_items`` is dropped and counted."""

    type: Literal["memory"] = "memory"
    max_items: Count = 100_000


class PrometheusExporter(ExporterSettings):
    """Serves the metrics for scraping. ``port`` and ``path`` override those of the ``server`` section."""

    type: Literal["prometheus"] = "prometheus"
    port: Port | None = None
    path: HttpPath | None = None
    enable_compression: bool = True


def entry_form(entry: object) -> object:
    """Bring any of the three spellings of an exporter entry to the mapping with ``type``; leave others for validation."""
    if isinstance(entry, str):
        return {"type": entry.strip().lower()}
    if isinstance(entry, Mapping):
        if "type" in entry:
            given = entry["type"]
            return {**entry, "type": given.strip().lower()} if isinstance(given, str) else dict(entry)
        if len(entry) == 1:
            ((name, options),) = entry.items()
            if isinstance(name, str) and (options is None or isinstance(options, Mapping)):
                return {**(options or {}), "type": name.strip().lower()}
    return entry


def entries_form(entries: object) -> object:
    """Apply :func:`entry_form` to each entry of a list; anything that is no list is left for validation."""
    return [entry_form(entry) for entry in entries] if isinstance(entries, (list, tuple)) else entries


_BY_TYPE = Field(discriminator="type")
_FORMS = BeforeValidator(entries_form)

TraceExporter = Annotated[OtlpExporter | JaegerExporter | ConsoleExporter | FileExporter | MemoryExporter, _BY_TYPE]
MetricExporter = Annotated[PrometheusExporter | OtlpExporter | ConsoleExporter | FileExporter | MemoryExporter, _BY_TYPE]
LogExporter = Annotated[OtlpExporter | ConsoleExporter | FileExporter | MemoryExporter, _BY_TYPE]

TraceExporters = Annotated[tuple[TraceExporter, ...], _FORMS]
MetricExporters = Annotated[tuple[MetricExporter, ...], _FORMS]
LogExporters = Annotated[tuple[LogExporter, ...], _FORMS]
