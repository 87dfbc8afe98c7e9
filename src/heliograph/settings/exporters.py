"""Settings of exporters: one model a type, and the forms in which a user may write one.

An entry of an ``exporters`` list may be the bare name (``"console"``, ``"Console"``), a mapping with ``type``
(``{"type": "jaeger", "endpoint": ...}``) or a mapping of one name to its options (``{"Jaeger": {"endpoint": ...}}``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar, Final, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from heliograph.settings.duration import parse_duration
from heliograph.settings.kinds import Kind, S, by_type, choice, filled_text, flag, list_of, mapping_of, optional, text, whole
from heliograph.settings.secret import Secret
from heliograph.settings.section import Section, Siblings, setting

ENDPOINT_EXPECTED = "a URL such as 'http://localhost:4318', with scheme http or https and a host"

_HTTP_NAME: Final = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"  # RFC 9110, section 5.6.2: token
_GRPC_NAME: Final = r"[A-Za-z0-9_.-]+"  # gRPC over HTTP/2: Custom-Metadata; sent in lower case
# They say where a message ends, how it is packed and what becomes of the connection: no user can know that better.
_OF_THE_TRANSPORT: Final = frozenset(
    {
        *("connection", "content-encoding", "content-length", "keep-alive", "proxy-connection", "te", "trailer"),
        *("transfer-encoding", "upgrade"),
    }
)


def _endpoint(value: object) -> str:
    url = text(value)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        usable = usable and url.isprintable() and not any(map(str.isspace, parts.netloc))
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(ENDPOINT_EXPECTED)
    return url


def http_path(value: object) -> str:
    """The kind of setting that says under which path metrics are served."""
    path = text(value)
    if not path.startswith("/") or not path.strip("/") or any(character in path for character in " ?#"):
        raise ValueError("a path such as '/metrics', beginning with '/' and longer than that")
    if path.rstrip("/") in ("/health", "/health/live", "/health/ready"):
        raise ValueError("a path other than those of the health endpoints")
    return path


def _header_value(value: object) -> Secret:
    if not isinstance(value, type) and callable(reveal := getattr(value, "get_secret_value", None)):
        value = reveal()  # pydantic's SecretStr has the same method, and a user may keep a credential in one
    content = text(value)
    if not (content.isascii() and content.isprintable()):
        raise ValueError("printable ASCII text: a header cannot carry anything else")
    return Secret(content)


def _check_header_names(headers: Mapping[str, Secret], above: Siblings) -> None:
    # No text in here may hold a name: who mixes up name and value puts a secret there.
    is_grpc = above.get("protocol") == "grpc"
    allowed = _GRPC_NAME if is_grpc else _HTTP_NAME
    for position, name in enumerate(map(str.lower, headers), start=1):
        if not re.fullmatch(allowed, name):
            signs = "_ . and -" if is_grpc else "! # $ % & ' * + - . ^ _ ` | ~"
            raise ValueError(f"names of letters, digits and {signs}; name {position} is another")
        if name in _OF_THE_TRANSPORT:
            raise ValueError(f"no name that the transport sets itself; name {position} is {name!r}")
        if is_grpc and (name.startswith("grpc-") or name.endswith("-bin")):
            raise ValueError(f"no name that begins with 'grpc-' or ends with '-bin'; name {position} does")
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError("each name once: upper and lower case mean the same")


def _pem_path(value: object) -> str:
    path = filled_text(value)
    if "-----BEGIN" in path or not path.isprintable():
        raise ValueError("the path of a PEM file, not what is in it")
    return path


class ExporterSettings(Section):
    """What every exporter has: a type, and a name that is unique among the exporters of its signal."""

    has_credentials: ClassVar[bool] = True
    type: str = setting(text)
    name: str | None = setting(optional(filled_text), default=None)

    @property
    def destination(self) -> str:
        """The name of this destination in ``export_status()`` and ``ledger()``: ``name``, else ``type``."""
        return self.name or self.type


def _check_key(key_file: str | None, above: Siblings) -> None:
    if key_file is not None and above.get("cert_file", "faulty") is None:
        raise ValueError("'cert_file' beside it: set it to the certificate of this key")


class TlsFiles(Section):
    """PEM files for TLS, each optional: ``ca_file`` has the authorities to trust instead of the system's, ``cert_file`` the
    certificate (with its chain) by which this client proves who it is, ``key_file`` its private key without a pass phrase
    (not needed when the key is in ``cert_file``). Names as in OpenTelemetry's declarative configuration."""

    has_credentials: ClassVar[bool] = True
    ca_file: str | None = setting(optional(_pem_path), default=None)
    cert_file: str | None = setting(optional(_pem_path), default=None)
    key_file: str | None = setting(optional(_pem_path), default=None, check=_check_key)


def _default_endpoint(above: Siblings) -> str:
    # The port follows the protocol (OTLP specification: 4317 for gRPC, 4318 for HTTP).
    return "http://localhost:4317" if above["protocol"] == "grpc" else "http://localhost:4318"


def _check_tls(tls: TlsFiles | None, above: Siblings) -> None:
    if tls is not None and urlsplit(above.get("endpoint", "https:")).scheme == "http":
        raise ValueError("an 'endpoint' with https://, or no 'tls': over http:// nothing is encrypted or checked")


Protocol: TypeAlias = Literal["http", "grpc"]
Compression: TypeAlias = Literal["gzip", "none"]


class _OtlpOptions(ExporterSettings):
    protocol: Protocol = setting(choice(Protocol), default="http")
    endpoint: str = setting(_endpoint, default_factory=_default_endpoint)
    headers: Mapping[str, Secret] = setting(mapping_of(_header_value), default={}, check=_check_header_names)
    compression: Compression = setting(choice(Compression), default="none")
    timeout: timedelta = setting(parse_duration, default=timedelta(seconds=10))
    tls: TlsFiles | None = setting(optional(TlsFiles.read), default=None, check=_check_tls)


class OtlpExporter(_OtlpOptions):
    """OTLP over HTTP (protobuf) or gRPC. ``endpoint`` is the collector's base URL; ``/v1/<signal>`` is appended for HTTP
    unless it is there. ``headers`` are secrets: they appear in no repr, log or error. ``timeout`` is for one attempt.
    ``tls`` are the files for an https endpoint; it is verified without them too, against the system's authorities."""

    type: Literal["otlp"] = setting(choice(Literal["otlp"]), default="otlp")


class JaegerExporter(_OtlpOptions):
    """Jaeger, which receives OTLP on its own 4318 and 4317. A Thrift endpoint (``:14268/api/traces``) is mapped to OTLP
    on the same host with one warning, since no Thrift exporter exists for OpenTelemetry any more."""

    type: Literal["jaeger"] = setting(choice(Literal["jaeger"]), default="jaeger")


class ConsoleExporter(ExporterSettings):
    """One readable line an item on standard output."""

    type: Literal["console"] = setting(choice(Literal["console"]), default="console")


class FileExporter(ExporterSettings):
    """OTLP JSON, one request a line, appended to ``path``; rotated before it grows past ``max_bytes``, keeping
    ``max_files`` older files as ``path.1`` (newest) to ``path.N``."""

    type: Literal["file"] = setting(choice(Literal["file"]), default="file")
    path: str = setting(filled_text)
    max_bytes: int = setting(whole(1), default=64 * 1024 * 1024)
    max_files: int = setting(whole(1), default=3)


class MemoryExporter(ExporterSettings):
    """Keeps items in this process, for tests; what comes after ``max_items`` is dropped and counted."""

    type: Literal["memory"] = setting(choice(Literal["memory"]), default="memory")
    max_items: int = setting(whole(1), default=100_000)


class PrometheusExporter(ExporterSettings):
    """Serves the metrics for scraping. ``port`` and ``path`` override those of the ``server`` section. ``scope_labels`` say
    which instrumentation recorded a series; ``created_series`` say in OpenMetrics when each one began."""

    type: Literal["prometheus"] = setting(choice(Literal["prometheus"]), default="prometheus")
    port: int | None = setting(optional(whole(0, 65535)), default=None)
    path: str | None = setting(optional(http_path), default=None)
    enable_compression: bool = setting(flag, default=True)
    scope_labels: bool = setting(flag, default=False)
    created_series: bool = setting(flag, default=True)


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


def exporters_of(*sections: type[S]) -> Kind[tuple[S, ...]]:
    """The kind of setting that lists exporters, each one of ``sections`` in any of its spellings."""
    read = list_of(by_type(*sections))
    return lambda entries: read(entries_form(entries))


TraceExporter: TypeAlias = OtlpExporter | JaegerExporter | ConsoleExporter | FileExporter | MemoryExporter
MetricExporter: TypeAlias = PrometheusExporter | OtlpExporter | ConsoleExporter | FileExporter | MemoryExporter
LogExporter: TypeAlias = OtlpExporter | ConsoleExporter | FileExporter | MemoryExporter

trace_exporters: Final[Kind[tuple[TraceExporter, ...]]] = exporters_of(*get_args(TraceExporter))
metric_exporters: Final[Kind[tuple[MetricExporter, ...]]] = exporters_of(*get_args(MetricExporter))
log_exporters: Final[Kind[tuple[LogExporter, ...]]] = exporters_of(*get_args(LogExporter))
