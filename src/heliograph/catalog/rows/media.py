"""A media pipeline: videos, their frames, and how fast they are encoded."""

from __future__ import annotations

from typing import Final

from heliograph.catalog.metric import LegacyName, Metric, attributes

_VIDEO: Final = attributes({"video.format": 10, "video.resolution": 10, "status": 5, "error.type": 20})
_FRAME: Final = attributes({"video.format": 10, "video.resolution": 10, "pipeline.stage": 20})

ROWS: Final = (
    Metric(
        name="video.processing.duration",
        kind="histogram",
        unit="s",
        description="Time to make one video.",
        group="media",
        attributes=_VIDEO,
        buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0),
        legacy=(LegacyName(name="video_processing_duration_ms", factor=1000),),
    ),
    Metric(
        name="videos.processed",
        kind="counter",
        unit="{video}",
        description="Videos made.",
        group="media",
        attributes=_VIDEO,
        starts_at_zero=True,
    ),
    Metric(
        name="frame.processing.duration",
        kind="histogram",
        unit="s",
        description="Time to draw one frame.",
        group="media",
        attributes=_FRAME,
        buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0),
        legacy=(LegacyName(name="frame_processing_duration_ms", factor=1000),),
    ),
    Metric(
        name="frames.processed",
        kind="counter",
        unit="{frame}",
        description="Frames drawn.",
        group="media",
        attributes=_FRAME,
        starts_at_zero=True,
    ),
    Metric(
        name="encoding.speed",
        kind="gauge",
        unit="{frame}/s",
        description="Frames compressed a second, of the last video.",
        group="media",
        attributes=_VIDEO,
        legacy=(LegacyName(name="encoding_speed_fps"),),
    ),
)
