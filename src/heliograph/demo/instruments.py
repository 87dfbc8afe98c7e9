"""What the demo measures: every instrument in one place, made once.

Units, descriptions and buckets are those of the catalogue, which has a row for each of these names.
"""

from __future__ import annotations

from dataclasses import dataclass

from heliograph.manager import TelemetryManager
from heliograph.recording.calls.instruments import Counter, Gauge, Histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoInstruments:
    """The instruments of the service, its cache, its worker pool and its pipeline."""

    request_duration: Histogram
    requests: Counter
    request_errors: Counter
    cache_hits: Counter
    cache_misses: Counter
    cache_evictions: Counter
    cache_size: Gauge
    queue_size: Gauge
    worker_utilization: Gauge
    tasks_executed: Counter
    tasks_failed: Counter
    video_duration: Histogram
    videos: Counter
    frame_duration: Histogram
    frames: Counter
    encoding_speed: Gauge

    @classmethod
    def create(cls, telemetry: TelemetryManager) -> DemoInstruments:
        return cls(
            request_duration=telemetry.histogram("http.server.request.duration"),
            requests=telemetry.counter("api.requests"),
            request_errors=telemetry.counter("api.errors"),
            cache_hits=telemetry.counter("cache.hits"),
            cache_misses=telemetry.counter("cache.misses"),
            cache_evictions=telemetry.counter("cache.evictions"),
            cache_size=telemetry.gauge("cache.size"),
            queue_size=telemetry.gauge("queue.size"),
            worker_utilization=telemetry.gauge("worker.pool.utilization"),
            tasks_executed=telemetry.counter("tasks.executed"),
            tasks_failed=telemetry.counter("tasks.failed"),
            video_duration=telemetry.histogram("video.processing.duration"),
            videos=telemetry.counter("videos.processed"),
            frame_duration=telemetry.histogram("frame.processing.duration"),
            frames=telemetry.counter("frames.processed"),
            encoding_speed=telemetry.gauge("encoding.speed"),
        )
