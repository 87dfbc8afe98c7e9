"""Makes thumbnails: a celery worker behind Redis."""

from __future__ import annotations

import logging
import os
from typing import Any

import redis
from celery import Celery, Task

from heliograph import CallableHealthCheck, TelemetryManager

REDIS_URL = os.environ.get("REDIS_URL", "redis://localhost:6379/0")

app = Celery("thumbnails", broker=REDIS_URL, backend=REDIS_URL)
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_redirect_stdouts = False  # what is printed is no log record
app.conf.worker_log_format = "%(levelname)s %(processName)s: %(message)s trace=%(trace_id)s"

telemetry = TelemetryManager.start("thumbnails")  # the rest is in heliograph.yaml; the pool's processes inherit it
store = redis.Redis.from_url(REDIS_URL)
telemetry.instrument(celery=True, redis=store, logging=True)  # the application's own client; celery's is left out
telemetry.health.add_check(CallableHealthCheck("redis", redis.Redis.from_url(REDIS_URL).ping), groups=["ready"])

log = logging.getLogger("thumbnails")
made = telemetry.counter("thumbnails.made", unit="{thumbnail}", description="Thumbnails made, by size.")
pixels = telemetry.histogram("thumbnails.pixels", unit="{pixel}", description="Pixels of a picture.", buckets=[1e4, 1e5, 1e6])


@app.task(name="make_thumbnail", bind=True, max_retries=2, default_retry_delay=0)
def make_thumbnail(self: Task[Any, Any], picture: str, width: int, height: int) -> str:
    if width <= 0 or height <= 0:
        log.error("%s has no pixels", picture)
        raise ValueError(f"{picture} is {width} x {height}")
    if picture.endswith(".slow") and self.request.retries == 0:
        raise self.retry()
    with telemetry.span("scale", {"picture.width": width, "picture.height": height}):
        size = "small" if width * height < 100_000 else "large"
        name = f"{picture}.{size}.png"
    store.set(f"thumbnail:{picture}", name)
    made.add(1, {"size": size})
    pixels.record(width * height)
    return name
