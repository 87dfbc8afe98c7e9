"""Protocols, schemes and ports that were mixed up: told by what the server says, whatever its port.

Called by `diagnosis.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from heliograph.doctor.cause import Cause
from heliograph.doctor.speech import Speech
from heliograph.doctor.target import Target

# What usually listens on a port that is not OTLP's.
_WELL_KNOWN: Final[Mapping[int, str]] = {
    2049: "NFS",
    3000: "Grafana",
    3100: "Loki, whose OTLP endpoint has the path /otlp",
    5601: "Kibana",
    6831: "Jaeger's agent for Thrift, which OpenTelemetry no longer speaks",
    6832: "Jaeger's agent for Thrift, which OpenTelemetry no longer speaks",
    8125: "StatsD",
    8200: "Elastic APM",
    9090: "Prometheus, whose OTLP endpoint has the path /api/v1/otlp",
    9411: "Zipkin",
    9464: "a Prometheus endpoint such as heliograph's own, which is scraped and takes nothing",
    13133: "the health check of a collector",
    14250: "Jaeger's own gRPC protocol, not OTLP",
    14268: "Jaeger's Thrift collector, which OpenTelemetry no longer speaks",
    16686: "Jaeger's web page",
    55678: "OpenCensus",
    55679: "the zPages of a collector",
    55680: "OTLP before it moved to 4317",
    55681: "OTLP before it moved to 4318",
}
_NAMES: Final = {"http": "HTTP", "grpc": "gRPC"}
_CONVENTIONAL: Final = {"http": 4318, "grpc": 4317}


def usually_at(port: int) -> str:
    """What is expected on this port, as a sentence; empty when nobody knows, or it is OTLP."""
    known = _WELL_KNOWN.get(port)
    return f"Port {port} is usually {known}." if known else ""


def crossed(target: Target, speech: Speech) -> Cause | None:
    """The cause, if what the server speaks is not what it is spoken to in; None when that is not it."""
    if not speech.is_known and not (speech.is_tls and not target.is_tls):
        return None
    is_scheme_wrong = speech.is_tls != target.is_tls
    spoken = _protocol(speech) or target.protocol
    is_protocol_wrong = not (speech.speaks_http2 if target.protocol == "grpc" else speech.speaks_http1) and speech.is_known
    if not (is_scheme_wrong or is_protocol_wrong):
        return None
    mistakes = [_scheme_mistake(target)] if is_scheme_wrong else []
    mistakes += [_protocol_mistake(target)] if is_protocol_wrong else []
    return Cause(
        what=" and ".join(mistakes),
        why=f"{target.place} answers {_heard(speech)}; it was spoken to in {_spoken(target)}.",
        fix=_fix(target, speech, spoken, is_scheme_wrong=is_scheme_wrong, is_protocol_wrong=is_protocol_wrong),
    )


def no_grpc(target: Target, status: str) -> Cause:
    """The server speaks HTTP/2, as gRPC does, and no gRPC: it answers with a ``status`` of HTTP that says so."""
    why = f"{target.place} answers HTTP {status}, as a server does that knows HTTP/2 and no gRPC."
    return Cause(what="gRPC to a port that speaks HTTP", why=why, fix=_other_protocol(target, "http", []))


def _protocol(speech: Speech) -> str | None:
    if speech.speaks_http1:
        return "http"
    return "grpc" if speech.speaks_http2 else None


def _scheme_mistake(target: Target) -> str:
    return "https:// to a port that speaks no TLS" if target.is_tls else "http:// to a port that speaks TLS"


def _protocol_mistake(target: Target) -> str:
    return "gRPC to a port that speaks HTTP/1.1" if target.protocol == "grpc" else "HTTP to a gRPC port"


def _heard(speech: Speech) -> str:
    versions = [name for name, is_so in (("HTTP/1.1", speech.speaks_http1), ("HTTP/2", speech.speaks_http2)) if is_so]
    way = "over TLS" if speech.is_tls else "without TLS"
    return f"in {' and '.join(versions)} {way}" if versions else "to a TLS hello"


def _spoken(target: Target) -> str:
    version = "HTTP/2, as gRPC is," if target.protocol == "grpc" else "HTTP/1.1"
    return f"{version} {'over TLS' if target.is_tls else 'without TLS'}"


def _fix(target: Target, speech: Speech, spoken: str, *, is_scheme_wrong: bool, is_protocol_wrong: bool) -> str:
    scheme = "https" if speech.is_tls else "http"
    changes = [f"endpoint to '{target.endpoint_with(scheme=scheme)}'"] if is_scheme_wrong else []
    if is_protocol_wrong:
        return _other_protocol(target, spoken, changes)
    return f"set {changes[0]} in {{exporter}}"


def _other_protocol(target: Target, spoken: str, changes: Sequence[str]) -> str:
    """The protocol may be wrong, or the port."""
    port = _CONVENTIONAL[target.protocol]
    at = f", by convention {port}" if port != target.port else ""
    both = " and ".join([f"protocol to '{spoken}'", *changes])
    return f"set {both} in {{exporter}}; or name the port for {_NAMES[target.protocol]} in endpoint{at}"
