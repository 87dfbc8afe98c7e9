"""The variables of OTLP exporters: an option each, for all signals and for a single one, which wins.

Source: OpenTelemetry specification, "OpenTelemetry Protocol Exporter". `opentelemetry_otlp.py` reads by them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from heliograph.settings.loading.layer import Place
from heliograph.settings.loading.opentelemetry_model import exporter_sections
from heliograph.settings.loading.opentelemetry_values import export_timeout, pairs, truth, word
from heliograph.settings.loading.opentelemetry_variable import Variable

SIGNALS: Final = {"tracing": "TRACES", "metrics": "METRICS", "logs": "LOGS"}
"""The sections, and what the variables call their signal."""
_PREFIX: Final = "OTEL_EXPORTER_OTLP_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An option of an exporter: where it goes in the entry of one, what its variable says, and ``remarks`` on what of that is
    left out."""

    suffix: str
    place: Place
    read: Callable[[str], Any]
    doc: str
    remarks: Callable[[str], tuple[str, ...]] = lambda _text: ()
    is_of_metrics: bool = False

    def variables(self, section: str) -> tuple[str, ...]:
        """The variables that say it for ``section``, the stronger one first."""
        general = () if self.is_of_metrics else (_PREFIX + self.suffix,)
        return (f"{_PREFIX}{SIGNALS[section]}_{self.suffix}", *general)

    def is_for(self, section: str) -> bool:
        """Whether exporters of ``section`` have it."""
        return section == "metrics" or not self.is_of_metrics


def read_headers(text: str) -> dict[str, str]:
    """Headers as ``name=value,...``; what is none of these is left out."""
    found, remarks = pairs(text, is_space_encoded=True, check=_check_header)
    if not found:
        raise ValueError("; ".join(("'name=value,...', percent-encoded", *remarks)))
    return {name.lower(): value for name, value in found.items()}


def header_remarks(text: str) -> tuple[str, ...]:
    """What of ``text`` is no header that can be sent."""
    return pairs(text, is_space_encoded=True, check=_check_header)[1]


def _check_header(name: str, value: str) -> None:
    field = exporter_sections("tracing")["otlp"].fields["headers"]
    try:
        headers = field.kind({name: value})
        if field.check is not None:
            field.check(headers, {})
    except ValueError as error:
        raise ValueError(f"expected {str(error).partition(';')[0]}") from None


def _protocol_remarks(text: str) -> tuple[str, ...]:
    return ("protobuf is sent instead of JSON: set http/protobuf",) if text.lower() == "http/json" else ()


PROTOCOL: Final = Option(
    suffix="PROTOCOL",
    place=("protocol",),
    read=word({"http/protobuf": "http", "grpc": "grpc", "http/json": "http"}),
    remarks=_protocol_remarks,
    doc="`http/protobuf` or `grpc`. Without it the port 4317 of the endpoint means `grpc`, anything else `http/protobuf`.",
)
ENDPOINT: Final = Option(
    suffix="ENDPOINT",
    place=("endpoint",),
    read=str,
    doc=(
        "The collector. For all signals a base URL, to which `/v1/<signal>` is appended over HTTP; for a single signal the "
        "URL as it is. A signal that no source names exporters of is sent there as well."
    ),
)
INSECURE: Final = Option(
    suffix="INSECURE",
    place=("endpoint",),
    read=truth,
    doc="For gRPC and an endpoint without `http://` or `https://`: `true` is the former, else it is the latter.",
)
OPTIONS: Final = (
    Option(
        suffix="HEADERS",
        place=("headers",),
        read=read_headers,
        remarks=header_remarks,
        doc="Headers of each request: `name=value,...`, percent-encoded. They are secrets.",
    ),
    Option(
        suffix="COMPRESSION",
        place=("compression",),
        read=word({"gzip": "gzip", "none": "none"}),
        doc="`gzip` or `none`.",
    ),
    Option(
        suffix="TIMEOUT",
        place=("timeout",),
        read=export_timeout,
        doc=(
            "The longest that one attempt takes. OpenTelemetry specifies milliseconds, its Python SDK reads seconds: "
            "from 1000 on these are milliseconds, below seconds."
        ),
    ),
    Option(
        suffix="CERTIFICATE",
        place=("tls", "ca_file"),
        read=str,
        doc="A PEM file with the authorities to trust instead of the system's.",
    ),
    Option(
        suffix="CLIENT_CERTIFICATE",
        place=("tls", "cert_file"),
        read=str,
        doc="A PEM file with the certificate by which this client proves who it is.",
    ),
    Option(
        suffix="CLIENT_KEY",
        place=("tls", "key_file"),
        read=str,
        doc="A PEM file with the private key of that certificate.",
    ),
    Option(
        suffix="TEMPORALITY_PREFERENCE",
        place=("temporality",),
        read=word({"cumulative": "cumulative", "delta": "delta", "lowmemory": "low_memory", "low_memory": "low_memory"}),
        doc="Whether each collection says what is new (`delta`), all so far (`cumulative`), or what is cheap (`lowmemory`).",
        is_of_metrics=True,
    ),
    Option(
        suffix="DEFAULT_HISTOGRAM_AGGREGATION",
        place=("histogram_aggregation",),
        read=word({"explicit_bucket_histogram": "explicit", "base2_exponential_bucket_histogram": "exponential"}),
        doc="`explicit_bucket_histogram` or `base2_exponential_bucket_histogram`, where no view says otherwise.",
        is_of_metrics=True,
    ),
)


def _variables() -> list[Variable]:
    found: dict[str, Variable] = {}
    for option in (ENDPOINT, PROTOCOL, INSECURE, *OPTIONS):
        sections = [section for section in SIGNALS if option.is_for(section)]
        for name in dict.fromkeys(name for section in sections for name in reversed(option.variables(section))):
            of = [section for section in sections if name in option.variables(section)]
            places: tuple[Place, ...] = tuple((section, "exporters", "otlp", *option.place) for section in of)
            found[name] = Variable(name=name, group="OTLP exporters", doc=option.doc, places=places, reader="heliograph")
    return list(found.values())


ROWS: Final = tuple(_variables())
