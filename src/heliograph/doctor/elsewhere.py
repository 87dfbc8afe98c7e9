"""Whether a server that has nothing at the path of a signal takes it at another one. Called by `diagnosis.py` after a 404."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from heliograph.doctor.target import Target
from heliograph.exporters.otlp_http import OtlpHttpTransport
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.outcome import Delivered
from heliograph.settings.exporters import TlsFiles

# Below which paths servers take OTLP, as their documentation has it: a collector and Jaeger, Loki and Mimir and Grafana's
# cloud, Prometheus, VictoriaMetrics, Dynatrace, New Relic's like, OpenObserve, Datadog's and Elastic's like a collector.
_BASES: Final = ("", "/otlp", "/api/v1/otlp", "/opentelemetry", "/insert/opentelemetry", "/api/v2/otlp", "/api/default")


def base_that_takes(target: Target, environ: Mapping[str, str], timeout_s: float) -> str | None:
    """The endpoint, on the same server, that takes an empty request of this signal; None when there is none."""
    for base in _BASES:
        endpoint = target.endpoint_with(path=base)
        path = SIGNALS[target.signal].http_path
        if f"{base}{path}" == target.path:
            continue
        transport = OtlpHttpTransport(
            SIGNALS[target.signal],
            endpoint,
            headers=target.headers,
            compression="none",
            tls=target.tls if target.tls != TlsFiles() else None,
            environ=environ,
        )
        outcome = transport.send(b"", timeout_s)
        heard = transport.answered
        transport.close()
        if isinstance(outcome, Delivered) and heard is not None and "html" not in str(heard.headers.get("content-type", "")):
            return endpoint if target.is_path_appended else f"{endpoint}{path}"
    return None
