"""What a scrape of a running manager shows by its settings: several processes as one, older names, scopes, an event loop."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import re
from pathlib import Path
from typing import Any

import pytest

from heliograph import TelemetryManager, TelemetrySettings
from tests.support.recorded import QUIET, RECORDERS
from tests.support.waiting import until

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def scraped(telemetry: TelemetryManager, accept: str = "") -> str:
    body, _content_type = telemetry._surface.exposition.render(accept)
    return body.decode()


def value(text: str, series: str) -> float | None:
    found = re.search(rf"^{re.escape(series)} (\S+)", text, re.MULTILINE)
    return float(found[1]) if found else None


def options(**metrics: Any) -> dict[str, Any]:
    return {**QUIET, "metrics": {"exporters": ["prometheus"], **metrics}}


@pytest.mark.parametrize("recorder", RECORDERS)
def test_older_names_are_shown_when_they_are_asked_for(start: Any, recorder: str) -> None:
    telemetry = start(recorder=recorder, **options(legacy_names=True))
    telemetry.histogram("video.processing.duration", "s").record(31)
    text = scraped(telemetry)
    assert value(text, "video_processing_duration_seconds_sum") == 31
    assert value(text, "video_processing_duration_ms_sum") == 31_000
    telemetry.shutdown()
    telemetry = start(recorder=recorder, **options())
    telemetry.histogram("video.processing.duration", "s").record(31)
    assert "video_processing_duration_ms" not in scraped(telemetry)


@pytest.mark.parametrize("recorder", RECORDERS)
def test_the_scope_and_the_beginning_of_series_are_shown_as_the_exporter_says(start: Any, recorder: str) -> None:
    exporter = {"type": "prometheus", "scope_labels": True, "created_series": False}
    telemetry = start(recorder=recorder, **QUIET, metrics={"exporters": [exporter]})
    telemetry.increment_counter("hits")
    text = scraped(telemetry, OPENMETRICS)
    assert re.search(r'^hits_total\{otel_scope_name="heliograph",otel_scope_version="[^"]+"\} 1\.0$', text, re.MULTILINE)
    assert "hits_created" not in text
    telemetry.shutdown()
    telemetry = start(recorder=recorder, **options())
    telemetry.increment_counter("hits")
    text = scraped(telemetry, OPENMETRICS)
    assert value(text, "hits_total") == 1
    assert value(text, "hits_created") is not None


@pytest.mark.parametrize("recorder", RECORDERS)
def test_a_counter_without_attributes_that_starts_at_zero_is_shown_before_anything_happened(start: Any, recorder: str) -> None:
    row = {"name": "orders", "kind": "counter", "attributes": [], "starts_at_zero": True}
    telemetry = start(recorder=recorder, **options(catalogue=[row]))
    for name in ("orders", "cache.evictions", "not.catalogued"):
        telemetry.counter(name)
    telemetry.increment_counter("cache.evictions", 2, {"cache.name": "frames"})
    text = scraped(telemetry)
    assert value(text, "orders_total") == 0
    assert value(text, 'cache_evictions_total{cache_name="frames"}') == 2
    assert (value(text, "cache_evictions_total"), value(text, "not_catalogued_total")) == (None, None)


@pytest.mark.parametrize("recorder", RECORDERS)
def test_an_exemplar_of_a_span_is_shown_in_openmetrics(start: Any, recorder: str) -> None:
    telemetry = start(recorder=recorder, **options())
    with telemetry.span("work") as span:
        telemetry.increment_counter("hits")
        trace_id = f"{span.get_span_context().trace_id:032x}"
    assert re.search(
        rf'^hits_total 1\.0 # \{{.*trace_id="{trace_id}".*\}} 1\.0 ', scraped(telemetry, OPENMETRICS), re.MULTILINE
    )


def test_the_lag_of_an_event_loop_is_measured_in_async_with_and_from_the_mounted_application() -> None:
    settings = TelemetrySettings(
        service_name="s", server={"enabled": False}, health={"enabled": False}, metrics={"exporters": ["prometheus"]}
    )

    async def within() -> str:
        async with TelemetryManager(settings) as telemetry:
            await asyncio.sleep(1.2)
            return scraped(telemetry)

    assert (value(asyncio.run(within()), "asyncio_event_loop_lag_seconds_count") or 0) >= 2

    async def mounted() -> str:
        telemetry = TelemetryManager(settings).initialize()
        app = telemetry.asgi_app()
        scope = {"type": "http", "method": "GET", "path": "/health/live", "headers": [], "query_string": b"", "client": None}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(_message: Any) -> None: ...

        await app(scope, receive, send)
        await asyncio.sleep(1.2)
        text = scraped(telemetry)
        await asyncio.to_thread(telemetry.shutdown)
        return text

    assert (value(asyncio.run(mounted()), "asyncio_event_loop_lag_seconds_count") or 0) >= 2


def _work(directory: str, recorder: str, amount: int) -> None:
    given = {"service_name": "under-test", **options(multiprocess_dir=directory), "recorder": recorder}
    telemetry = TelemetryManager.start(settings=TelemetrySettings(**given))
    telemetry.increment_counter("jobs.done", amount, {"kind": "x"})
    telemetry.record_histogram("job.duration", amount)
    telemetry.set_gauge("job.size", amount)


@pytest.mark.parametrize("recorder", RECORDERS)
@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_processes_that_have_ended_are_still_counted(start: Any, tmp_path: Path, recorder: str, method: str) -> None:
    context = multiprocessing.get_context(method)
    workers = [context.Process(target=_work, args=(str(tmp_path / "metrics"), recorder, amount)) for amount in (1, 2, 3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    telemetry = start(recorder=recorder, **options(multiprocess_dir=str(tmp_path / "metrics")))
    telemetry.increment_counter("jobs.done", 10, {"kind": "x"})
    telemetry.set_gauge("job.size", 10)
    for _scrape in range(2):  # the second one finds them folded together
        text = scraped(telemetry)
        assert value(text, 'jobs_done_total{kind="x"}') == 16
        assert (value(text, "job_duration_count"), value(text, "job_duration_sum")) == (3, 6)
        assert value(text, f'job_size{{pid="{os.getpid()}"}}') == 10
        assert text.count("\njob_size{") == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are a feature of Unix")
@pytest.mark.parametrize("recorder", RECORDERS)
def test_a_forked_child_is_a_process_of_its_own_whose_values_its_parent_shows(
    start: Any, tmp_path: Path, recorder: str
) -> None:
    telemetry = start(recorder=recorder, **options(multiprocess_dir=str(tmp_path)))
    telemetry.increment_counter("jobs.done", 5)
    assert value(scraped(telemetry), "jobs_done_total") == 5
    ready, told = os.pipe()
    end, ended = os.pipe()
    child = os.fork()
    if child == 0:
        telemetry.increment_counter("jobs.done", 2)
        os.write(told, b".")
        os.read(end, 1)
        os.kill(os.getpid(), 9)
    os.read(ready, 1)
    until(lambda: value(scraped(telemetry), "jobs_done_total") == 7, timeout_s=5)
    os.write(ended, b".")
    os.waitpid(child, 0)
    assert value(scraped(telemetry), "jobs_done_total") == 7
    for descriptor in (ready, told, end, ended):
        os.close(descriptor)


def test_the_environment_names_the_directory_when_the_settings_do_not(tmp_path: Path) -> None:
    settings = TelemetrySettings(service_name="s", **options())
    with TelemetryManager(settings, environ={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "here")}) as telemetry:
        telemetry.increment_counter("hits")
        assert value(scraped(telemetry), "hits_total") == 1
    assert list((tmp_path / "here").glob("heliograph-*"))
