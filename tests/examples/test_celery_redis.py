"""examples/celery_redis, with a real Redis."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.examples.received import logs, named, outline, trace_ids
from tests.examples.workspace import Running, Workspace
from tests.support.otlp_receiver import OtlpReceiver, http_receiver
from tests.support.processes import get, needed
from tests.support.scrapes import scrape
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

_INSTALL = 'pip install "../..[celery,redis]" celery redis'
_REDIS = 'redis-server --port 6379 --save ""'
_WORKER = "celery --app worker worker --concurrency 2 --loglevel INFO"
_ASK = "python producer.py sea.jpg 4000x3000 dog.slow 200x100 void.jpg 0x100"
_METRICS = "curl http://127.0.0.1:9464/metrics"
_HEALTH = "curl http://127.0.0.1:9464/health/ready"


@contextmanager
def _thumbnails(folder: Path, receiver: OtlpReceiver) -> Iterator[tuple[Workspace, Running]]:
    needed("redis-server")
    place = Workspace("celery_redis", folder, 6379, 9464, environ={"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url})
    # celery warns who runs it as root, as tests in a container are, and calls what redis has deprecated.
    place.environ["PYTHONWARNINGS"] = "default,ignore::DeprecationWarning"
    place.environ |= {"REDIS_URL": place.here("redis://127.0.0.1:6379/0"), "HELIOGRAPH_SERVER__PORT": place.here("9464")}
    with place.running(_REDIS) as redis:
        redis.until(lambda: "Ready to accept connections" in redis.out)
        with place.running(_WORKER) as worker:
            worker.until(lambda: " ready." in worker.err + worker.out)
            yield place, worker


def test_the_readme_names_the_commands_that_are_run_here(tmp_path: Path) -> None:
    place = Workspace("celery_redis", tmp_path)
    assert place.commands == [_INSTALL, _REDIS, _WORKER, _ASK, _METRICS, _HEALTH]
    ended = place.install(_INSTALL)
    assert (ended.code, ended.err) == (0, "")
    assert "Would install heliograph" in ended.out


def test_tasks_are_traced_through_redis_and_counted_over_all_processes(tmp_path: Path) -> None:
    with http_receiver() as receiver, _thumbnails(tmp_path, receiver) as (place, worker):
        asked = place.run(_ASK)
        assert (asked.code, asked.out) == (1, "sea.jpg.large.png\ndog.slow.small.png\nvoid.jpg is 0 x 100\n"), asked.err
        assert asked.err == ""
        assert json.loads(place.run(_HEALTH).out)["checks"]["redis"]["status"] == "healthy"
        url = place.here("http://127.0.0.1:9464")
        until(lambda: scrape(url).total("thumbnails_made_total") == 2)
        assert "thumbnails_made_total" in place.run(_METRICS).out
        found = scrape(url)
        ended = worker.end(signal.SIGTERM)

        assert ended.code == 0, ended.err
        assert _by_task(outline(receiver)) == _GALLERY
        (gallery,) = named(receiver, "make gallery")
        assert gallery == {"gallery.pictures": 3, "gallery.failures": 1}
        assert logs(receiver, "thumbnails") == [("ERROR", "void.jpg has no pixels", "run/make_thumbnail")]
        scaled = sorted(span["picture.width"] for span in named(receiver, "scale"))
        assert scaled == [200, 4000]
        (trace_id,) = trace_ids(receiver)
        assert re.search(rf"^ERROR ForkPoolWorker-\d: void.jpg has no pixels trace={trace_id}$", ended.err, re.MULTILINE)
    assert found.values["thumbnails_made_total", "size=large"] == 1
    assert found.values["thumbnails_made_total", "size=small"] == 1
    assert found.values["thumbnails_pixels_sum",] == 4000 * 3000 + 200 * 100
    assert get(url)[0] == 0


_MADE = [
    "    thumbnails: run/make_thumbnail CONSUMER",
    "      thumbnails: scale INTERNAL",
    "      thumbnails: SET CLIENT",
]
_ASKED = "  gallery: apply_async/make_thumbnail PRODUCER"
_GALLERY = [
    ["gallery: make gallery INTERNAL"],
    [_ASKED, *_MADE],
    [
        _ASKED,
        "    thumbnails: run/make_thumbnail CONSUMER",
        "      thumbnails: apply_async/make_thumbnail PRODUCER",
        *(f"    {line}" for line in _MADE),
    ],
    [_ASKED, "    thumbnails: run/make_thumbnail CONSUMER ERROR"],
]


def _by_task(lines: list[str]) -> list[list[str]]:
    """The outline in parts: the gallery, and a part for each task that it asked for."""
    parts: list[list[str]] = [[]]
    for line in lines:
        if line == _ASKED:
            parts.append([])
        parts[-1].append(line)
    return parts
