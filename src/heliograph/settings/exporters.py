"""Settings of exporters: one section a type, and which types there are for each signal. `entries.py` has the spellings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar, Final, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from heliograph.settings.duration import parse_duration
from heliograph.settings.entries import exporters_of, type_word
from heliograph.settings.kind import Kind, kind_of
from heliograph.settings.kinds import (
    choice,
    filled_text,
    flag,
    mapping_of,
    optional,
    section_of,
    text,
    whole,
)
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


@kind_of("URL", lambda: {"type": "string", "pattern": r"[hH][tT][tT][pP][sS]?:\s*/\s*/"}, is_text=True)
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


@kind_of("path", lambda: {"type": "string", "pattern": "/[^ ?#]*[^/ ?#]"}, is_text=True)
def http_path(value: object) -> str:
    """The kind of setting that says under which path metrics are served."""
    path = text(value)
    if not path.startswith("/") or not path.strip("/") or any(character in path for character in " ?#"):
        raise ValueError("a path such as '/metrics', beginning with '/' and longer than that")
    if path.rstrip("/") in ("/health", "/health/live", "/health/ready"):
        raise ValueError("a path other than those of the health endpoints")
    return path


@kind_of("secret text", text.schema, is_text=True, plain=str)
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


@kind_of("path of a PEM file", filled_text.schema, is_text=True)
def _pem_path(value: object) -> str:
    path = filled_text(value)
    if "-----BEGIN" in path or not path.isprintable():
        raise ValueError("the path of a PEM file, not what is in it")
    return path


class ExporterSettings(Section):
    """What every exporter has: a type, and a name that is unique among the exporters of its signal."""

    has_credentials: ClassVar[bool] = True
    type: str = setting(text, doc="Which exporter it is.")
    name: str | None = setting(
        optional(filled_text),
        default=None,
        doc="What it is called in status, account and spool; needed where one signal has two of a type. By default its type.",
    )

    @property
    def destination(self) -> str:
        """The name of this destination in ``export_status()`` and ``ledger()``: ``name``, else ``type``."""
        return self.name or self.type


def _check_key(key_file: str | None, above: Siblings) -> None:
    if key_file is not None and above.get("cert_file", "faulty") is None:
        raise ValueError("'cert_file' beside it: set it to the certificate of this key")


class TlsFiles(Section):
    """PEM files for TLS, each optional; without them too an https endpoint is verified. Names as in OpenTelemetry's
    declarative configuration."""

    has_credentials: ClassVar[bool] = True
    ca_file: str | None = setting(
        optional(_pem_path), default=None, doc="The authorities to trust, instead of those of the system."
    )
    cert_file: str | None = setting(
        optional(_pem_path), default=None, doc="The certificate, with its chain, by which this client proves who it is."
    )
    key_file: str | None = setting(
        optional(_pem_path),
        default=None,
        check=_check_key,
        doc="Its private key, without a pass phrase; not needed when the key is in `cert_file`.",
    )


def _default_endpoint(above: Siblings) -> str:
    # The port follows the protocol (OTLP specification: 4317 for gRPC, 4318 for HTTP).
    return "http://localhost:4317" if above["protocol"] == "grpc" else "http://localhost:4318"


def _check_tls(tls: TlsFiles | None, above: Siblings) -> None:
    if tls is not None and urlsplit(above.get("endpoint", "https:")).scheme == "http":
        raise ValueError("an 'endpoint' with https://, or no 'tls': over http:// nothing is encrypted or checked")


Protocol: TypeAlias = Literal["http", "grpc"]
Compression: TypeAlias = Literal["gzip", "none"]
Temporality: TypeAlias = Literal["cumulative", "delta", "low_memory"]
HistogramAggregation: TypeAlias = Literal["explicit", "exponential"]


class _OtlpOptions(ExporterSettings):
    protocol: Protocol = setting(choice(Protocol), default="http", doc="How OTLP is spoken: protobuf over HTTP, or gRPC.")
    endpoint: str = setting(
        _endpoint,
        default_factory=_default_endpoint,
        doc="The base URL of the receiver. For HTTP `/v1/traces` and the like are appended unless they are there. "
        "The default port is 4318, for gRPC 4317.",
    )
    append_path: bool = setting(
        flag, default=True, doc="Whether that path is appended for HTTP. If not, requests go to the endpoint as it is."
    )
    headers: Mapping[str, Secret] = setting(
        mapping_of(_header_value),
        default={},
        check=_check_header_names,
        doc="Headers of each request, such as `authorization`. Their values are secrets: no log and no error shows them.",
    )
    compression: Compression = setting(choice(Compression), default="none", doc="How requests are compressed.")
    timeout: timedelta = setting(
        parse_duration, default=timedelta(seconds=10), doc="How long one attempt to send a request may take."
    )
    tls: TlsFiles | None = setting(
        optional(section_of(TlsFiles)),
        default=None,
        check=_check_tls,
        doc="Files for an https endpoint whose certificate the system does not trust, or that asks for one of this client.",
    )


class OtlpExporter(_OtlpOptions):
    """OTLP, which every OpenTelemetry collector and most services receive."""

    type: Literal["otlp"] = setting(type_word(Literal["otlp"]), default="otlp", doc="Which exporter it is.")


class OtlpMetricExporter(OtlpExporter):
    """OTLP, which every OpenTelemetry collector and most services receive. The last two settings are for metrics alone."""

    temporality: Temporality = setting(
        choice(Temporality),
        default="cumulative",
        doc="What values count from: `cumulative` from the start; `delta` for counters and histograms from the last "
        "collection; `low_memory` likewise, but observable counters from the start.",
    )
    histogram_aggregation: HistogramAggregation = setting(
        choice(HistogramAggregation),
        default="explicit",
        doc="Which buckets histograms have that no view names any for: bounds as given, or an exponential scale.",
    )


class JaegerExporter(_OtlpOptions):
    """Jaeger, which receives OTLP on its own 4318 and 4317. A Thrift endpoint (``:14268/api/traces``) is mapped to OTLP
    on the same host with one warning, since no Thrift exporter exists for OpenTelemetry any more."""

    type: Literal["jaeger"] = setting(type_word(Literal["jaeger"]), default="jaeger", doc="Which exporter it is.")


class ConsoleExporter(ExporterSettings):
    """One readable line an item on standard output."""

    type: Literal["console"] = setting(type_word(Literal["console"]), default="console", doc="Which exporter it is.")


class FileExporter(ExporterSettings):
    """OTLP JSON, one request a line, appended to a file; a file that is full is put aside as ``path.1`` (newest) and so on."""

    type: Literal["file"] = setting(type_word(Literal["file"]), default="file", doc="Which exporter it is.")
    path: str = setting(filled_text, doc="The file; its folder is made.")
    max_bytes: int = setting(whole(1), default=64 * 1024 * 1024, doc="How many bytes it may have before it is put aside.")
    max_files: int = setting(whole(1), default=3, doc="How many older files are kept.")


class MemoryExporter(ExporterSettings):
    """Keeps items in this process, for tests."""

    type: Literal["memory"] = setting(type_word(Literal["memory"]), default="memory", doc="Which exporter it is.")
    max_items: int = setting(whole(1), default=100_000, doc="How many it keeps; what comes after is dropped and counted.")


class PrometheusExporter(ExporterSettings):
    """Serves the metrics for scraping."""

    type: Literal["prometheus"] = setting(type_word(Literal["prometheus"]), default="prometheus", doc="Which exporter it is.")
    port: int | None = setting(
        optional(whole(0, 65535)), default=None, doc="The port of the endpoint, instead of that of the `server` section."
    )
    path: str | None = setting(
        optional(http_path), default=None, doc="Its path, instead of `metrics_path` of the `server` section."
    )
    enable_compression: bool = setting(flag, default=True, doc="Whether a scrape that asks for it is compressed.")
    scope_labels: bool = setting(flag, default=False, doc="Whether each series says which instrumentation recorded it.")
    created_series: bool = setting(flag, default=True, doc="Whether OpenMetrics says when each series began.")


TraceExporter: TypeAlias = OtlpExporter | JaegerExporter | ConsoleExporter | FileExporter | MemoryExporter
MetricExporter: TypeAlias = PrometheusExporter | OtlpMetricExporter | ConsoleExporter | FileExporter | MemoryExporter
LogExporter: TypeAlias = OtlpExporter | ConsoleExporter | FileExporter | MemoryExporter

trace_exporters: Final[Kind[tuple[TraceExporter, ...]]] = exporters_of(*get_args(TraceExporter))
metric_exporters: Final[Kind[tuple[MetricExporter, ...]]] = exporters_of(*get_args(MetricExporter))
log_exporters: Final[Kind[tuple[LogExporter, ...]]] = exporters_of(*get_args(LogExporter))
