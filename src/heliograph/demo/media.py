"""The work of the eight stages, small and real: text, sound samples, images and compression. No telemetry in here."""

from __future__ import annotations

import array
import hashlib
import json
import math
import struct
import zlib
from collections.abc import Sequence
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 64, 36
_SAMPLE_RATE_HZ = 8000


def brief(title: str) -> dict[str, str]:
    """What the video is about."""
    words = title.split()
    return {"title": title, "audience": "engineers", "length": str(len(words)), "keywords": ",".join(sorted(set(words)))}


def plan(subject: dict[str, str], scenes: int) -> list[str]:
    """One line a scene."""
    return [f"Scene {number + 1}: {subject['title']}, part {number + 1} of {scenes}" for number in range(scenes)]


def script(lines: Sequence[str]) -> list[str]:
    """What is said in each scene."""
    return [f"{line}. " + " ".join(reversed(line.lower().split())) for line in lines]


def ssml(spoken: Sequence[str]) -> str:
    """The script as speech markup."""
    return "<speak>" + "".join(f"<p>{escape(text)}</p><break time='300ms'/>" for text in spoken) + "</speak>"


def speech(text: str) -> bytes:
    """A tone for each word, as 16-bit samples."""
    samples = array.array("h")
    for word in text.split()[:12]:
        pitch_hz = 200 + sum(map(ord, word)) % 400
        step = 2 * math.pi * pitch_hz / _SAMPLE_RATE_HZ
        samples.extend(int(12000 * math.sin(step * position)) for position in range(_SAMPLE_RATE_HZ // 50))
    return samples.tobytes()


def frame(scene: int, number: int) -> bytes:
    """One image: a moving gradient, as raw RGB rows with PNG's filter byte."""
    rows = bytearray()
    for y in range(_HEIGHT):
        rows.append(0)
        for x in range(_WIDTH):
            rows += bytes(((x * 4 + number * 8) & 255, (y * 7) & 255, (scene * 40) & 255))
    return bytes(rows)


def png(rows: bytes) -> bytes:
    """The rows as a PNG file."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 6)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def render(images: Sequence[bytes], sound: bytes) -> bytes:
    """Pictures and sound in one compressed container."""
    packed = b"".join(struct.pack(">I", len(image)) + image for image in images)
    return zlib.compress(struct.pack(">I", len(images)) + packed + sound, 6)


def post(title: str, video: bytes) -> bytes:
    """What the catalogue shows of a finished video."""
    digest = hashlib.sha256(video).hexdigest()
    return json.dumps({"title": title, "size_bytes": len(video), "sha256": digest}).encode()
