"""HTTP servers and clients, as OpenTelemetry's semantic conventions name them: "HTTP metrics" (1.41).

Instrumentation packages record these; applications that have none record them themselves.
"""

from __future__ import annotations

from typing import Final

from heliograph.catalog.metric import Attribute, Metric, attributes

# Semantic conventions, `http.server.request.duration`, ExplicitBucketBoundaries.
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
# The conventions have no boundaries for sizes: 256 bytes to 64 MiB, each four times the one before.
_BYTES: Final = tuple(256.0 * 4**power for power in range(10))

_COMMON: Final = attributes(
    {
        "http.request.method": 10,
        "http.response.status_code": 40,
        "error.type": 40,
        "network.protocol.name": 3,
        "network.protocol.version": 4,
        "server.address": 50,
        "server.port": 50,
        "url.scheme": 2,
    }
)
_SERVER: Final = (
    *_COMMON,
    Attribute(name="http.route", cardinality=200, description="The template of the path, never the path itself."),
    *attributes({"user_agent.synthetic.type": 2}),
)
_CLIENT: Final = (*_COMMON, *attributes({"url.template": 200}))
_CONNECTION: Final = attributes(
    {
        "network.peer.address": 50,
        "network.protocol.version": 4,
        "server.address": 50,
        "server.port": 50,
        "url.scheme": 2,
    }
)
# The last five are those of conventions 1.20, which instrumentation packages still give this one metric by default.
_IN_FLIGHT: Final = attributes(
    {
        "http.request.method": 10,
        "url.scheme": 2,
        "server.address": 50,
        "server.port": 50,
        "http.method": 10,
        "http.scheme": 2,
        "http.host": 50,
        "http.flavor": 4,
        "http.server_name": 50,
    }
)

ROWS: Final = (
    Metric(
        name="http.server.request.duration",
        kind="histogram",
        unit="s",
        description="Duration of HTTP server requests.",
        group="http",
        attributes=_SERVER,
        buckets=SECONDS,
        stability="stable",
    ),
    Metric(
        name="http.server.active_requests",
        kind="up_down_counter",
        unit="{request}",
        description="Number of active HTTP server requests.",
        group="http",
        attributes=_IN_FLIGHT,
    ),
    Metric(
        name="http.server.request.body.size",
        kind="histogram",
        unit="By",
        description="Size of HTTP server request bodies.",
        group="http",
        attributes=_SERVER,
        buckets=_BYTES,
    ),
    Metric(
        name="http.server.response.body.size",
        kind="histogram",
        unit="By",
        description="Size of HTTP server response bodies.",
        group="http",
        attributes=_SERVER,
        buckets=_BYTES,
    ),
    Metric(
        name="http.client.request.duration",
        kind="histogram",
        unit="s",
        description="Duration of HTTP client requests.",
        group="http",
        attributes=_CLIENT,
        buckets=SECONDS,
        stability="stable",
    ),
    Metric(
        name="http.client.request.body.size",
        kind="histogram",
        unit="By",
        description="Size of HTTP client request bodies.",
        group="http",
        attributes=_CLIENT,
        buckets=_BYTES,
    ),
    Metric(
        name="http.client.response.body.size",
        kind="histogram",
        unit="By",
        description="Size of HTTP client response bodies.",
        group="http",
        attributes=_CLIENT,
        buckets=_BYTES,
    ),
    Metric(
        name="http.client.active_requests",
        kind="up_down_counter",
        unit="{request}",
        description="Number of active HTTP requests.",
        group="http",
        attributes=attributes(
            {"http.request.method": 10, "server.address": 50, "server.port": 50, "url.scheme": 2, "url.template": 200}
        ),
    ),
    Metric(
        name="http.client.open_connections",
        kind="up_down_counter",
        unit="{connection}",
        description="Number of outbound HTTP connections that are currently active or idle on the client.",
        group="http",
        attributes=(*attributes({"http.connection.state": 2}), *_CONNECTION),
    ),
    Metric(
        name="http.client.connection.duration",
        kind="histogram",
        unit="s",
        description="The duration of the successfully established outbound HTTP connections.",
        group="http",
        attributes=_CONNECTION,
        buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0),
    ),
)
