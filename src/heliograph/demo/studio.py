"""The media pipeline: eight stages from a title to a finished video, each in a span of its own."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Any

from heliograph.demo import media
from heliograph.demo.instruments import DemoInstruments
from heliograph.manager import TelemetryManager
from heliograph.recording.calls.spans import SpanScope

SCENES = 2
FRAMES_PER_SCENE = 3
STAGE_FAILURE_RATE = 0.04


class StageFailedError(Exception):
    """A stage could not do its work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    """Makes videos. ``dice`` decides which ones fail, at :data:`STAGE_FAILURE_RATE`."""

    telemetry: TelemetryManager
    instruments: DemoInstruments
    dice: random.Random

    def make(self, video_id: str, title: str) -> bytes:
        """Run all stages; returns what the catalogue shows. Raises :class:`StageFailedError` for a video that fails."""
        started = time.perf_counter()
        with self.telemetry.span("make video", video_id=video_id):
            with self._stage("brief"):
                subject = media.brief(title)
            with self._stage("plan"):
                lines = media.plan(subject, SCENES)
            with self._stage("script"):
                spoken = media.script(lines)
            with self._stage("ssml"):
                markup = media.ssml(spoken)
            with self._stage("tts", characters=len(markup)):
                sound = b"".join(media.speech(text) for text in spoken)
                if self.dice.random() < STAGE_FAILURE_RATE:
                    raise StageFailedError(f"no voice for video {video_id}")
            with self._stage("visuals"):
                images = [image for scene in range(SCENES) for image in self._draw(scene)]
            with self._stage("render", frames=len(images)):
                video = self._render(images, sound)
            with self._stage("post"):
                shown = media.post(title, video)
        self.instruments.videos.add()
        self.instruments.video_duration.record(time.perf_counter() - started)
        return shown

    def _stage(self, name: str, **attributes: Any) -> SpanScope:
        return self.telemetry.span(f"stage {name}", stage=name, **attributes)

    def _draw(self, scene: int) -> list[bytes]:
        images = []
        with self.telemetry.span("draw scene", scene_index=scene):
            for number in range(FRAMES_PER_SCENE):
                started = time.perf_counter()
                images.append(media.png(media.frame(scene, number)))
                self.instruments.frame_duration.record(time.perf_counter() - started)
                self.instruments.frames.add()
        return images

    def _render(self, images: list[bytes], sound: bytes) -> bytes:
        started = time.perf_counter()
        video = media.render(images, sound)
        self.instruments.encoding_speed.set(len(images) / (time.perf_counter() - started))
        return video
