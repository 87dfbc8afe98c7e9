"""Asks for thumbnails and waits for them: ``python producer.py PICTURE WIDTHxHEIGHT ...``; exits with 1 when one failed."""

from __future__ import annotations

import os
import sys

from celery import Celery

from heliograph import TelemetryManager

REDIS_URL = os.environ.get("REDIS_URL", "redis://localhost:6379/0")


def main(arguments: list[str]) -> int:
    app = Celery("producer", broker=REDIS_URL, backend=REDIS_URL)
    with TelemetryManager.start("gallery", server={"enabled": False}) as telemetry:
        telemetry.instrument(celery=True)
        failures = 0
        with telemetry.span("make gallery", {"gallery.pictures": len(arguments) // 2}) as span:
            pictures = zip(arguments[::2], arguments[1::2], strict=True)
            asked = [app.send_task("make_thumbnail", (picture, *map(int, size.split("x")))) for picture, size in pictures]
            for result in asked:
                answer = result.get(timeout=30, propagate=False)
                failures += result.failed()
                print(answer)
            span.set_attribute("gallery.failures", failures)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
