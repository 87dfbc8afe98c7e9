"""The calls of an application's own API, however they arrive; for HTTP the conventions' metrics (`http.py`) say more."""

from __future__ import annotations

from typing import Final

from heliograph.catalog.metric import LegacyName, Metric, attributes
from heliograph.catalog.rows.http import SECONDS

_CALL: Final = attributes(
    {
        "http.request.method": 10,
        "http.route": 200,
        "http.response.status_code": 40,
        "api.operation": 200,
        "error.type": 40,
    }
)

ROWS: Final = (
    Metric(
        name="api.requests",
        kind="counter",
        unit="{request}",
        description="Requests answered.",
        group="api",
        attributes=_CALL,
        starts_at_zero=True,
    ),
    Metric(
        name="api.errors",
        kind="counter",
        unit="{request}",
        description="Requests answered with a server error.",
        group="api",
        attributes=_CALL,
        starts_at_zero=True,
    ),
    Metric(
        name="api.request.duration",
        kind="histogram",
        unit="s",
        description="Time from a request to its answer.",
        group="api",
        attributes=_CALL,
        buckets=SECONDS,
        legacy=(LegacyName(name="api_request_duration_ms", factor=1000),),
    ),
)
