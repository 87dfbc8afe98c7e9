"""A web application of several processes, run by `test_gunicorn_metrics.py` under gunicorn (``wsgi``).

Each request is measured; ``/metrics`` is answered by whichever process gets it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Any

from heliograph import TelemetryManager, TelemetrySettings

telemetry = TelemetryManager.start(
    settings=TelemetrySettings(
        service_name="shop",
        tracing={"enabled": False},
        logs={"enabled": False},
        metrics={"exporters": ["prometheus"], "multiprocess_dir": os.environ["SHOP_METRICS"]},
        health={"enabled": False},
        server={"enabled": False},
    )
)
durations = telemetry.histogram("http.server.request.duration", unit="s")
active = telemetry.up_down_counter("http.server.active_requests", unit="{request}")
endpoint = telemetry.wsgi_app()


def wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/metrics":
        return endpoint(environ, start_response)
    started_s = time.perf_counter()
    labels = {"http.request.method": environ["REQUEST_METHOD"]}
    active.add(1, labels)
    try:
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]
    finally:
        active.add(-1, labels)
        durations.record(time.perf_counter() - started_s, {**labels, "http.response.status_code": 200})
