"""What the demo measures: every instrument in one place, made once.

Names and units: OpenTelemetry's for HTTP servers; those of a media service otherwise, in base units.
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
            request_duration=telemetry.histogram("http.server.request.duration", "s", "Duration of HTTP server requests."),
            requests=telemetry.counter("api.requests", "", "Requests answered."),
            request_errors=telemetry.counter("api.errors", "", "Requests answered with a server error."),
            cache_hits=telemetry.counter("cache.hits", "", "Look-ups that found their entry."),
            cache_misses=telemetry.counter("cache.misses", "", "Look-ups that did not."),
            cache_evictions=telemetry.counter("cache.evictions", "", "Entries that made room for newer ones."),
            cache_size=telemetry.gauge("cache.size", "By", "Bytes in the cache."),
            queue_size=telemetry.gauge("queue.size", "", "Tasks that wait for a worker."),
            worker_utilization=telemetry.gauge("worker.pool.utilization", "1", "Share of workers that are busy."),
            tasks_executed=telemetry.counter("tasks.executed", "", "Tasks that a worker finished, well or not."),
            tasks_failed=telemetry.counter("tasks.failed", "", "Tasks that failed."),
            video_duration=telemetry.histogram("video.processing.duration", "s", "Time to make one video."),
            videos=telemetry.counter("videos.processed", "", "Videos made."),
            frame_duration=telemetry.histogram(
                "frame.processing.duration", "s", "Time to draw one frame.", buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.1)
            ),
            frames=telemetry.counter("frames.processed", "", "Frames drawn."),
            encoding_speed=telemetry.gauge("encoding.speed", "{frame}/s", "Frames compressed a second, of the last video."),
        )
