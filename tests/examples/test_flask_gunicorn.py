"""examples/flask_gunicorn, with two workers."""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.examples.received import instances, logs, named, outline, spans
from tests.examples.workspace import Running, Workspace
from tests.support.otlp_receiver import OtlpReceiver, http_receiver
from tests.support.processes import get
from tests.support.scrapes import scrape
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

_INSTALL = 'pip install "../..[flask]" flask gunicorn'
_RUN = "gunicorn app:app"
_GOOD = "curl http://127.0.0.1:8000/invoices/ada/3"
_STRANGE = "curl http://127.0.0.1:8000/invoices/bob/3"
_LONG = "curl http://127.0.0.1:8000/invoices/alan/99"
_METRICS = "curl http://127.0.0.1:8000/telemetry/metrics"
_HEALTH = "curl http://127.0.0.1:8000/telemetry/health"

_REQUEST = "invoices: GET /invoices/<customer>/<int:lines> SERVER"


@contextmanager
def _invoices(folder: Path, receiver: OtlpReceiver) -> Iterator[tuple[Workspace, Running]]:
    site = Workspace("flask_gunicorn", folder, 8000, environ={"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url})
    site.environ["HELIOGRAPH_TRACING__BATCH_EXPORT__EXPORT_INTERVAL"] = "200ms"
    site.environ["PYTHONWARNINGS"] = "error,ignore::ResourceWarning"  # gunicorn leaves its sockets to the interpreter's end
    # gunicorn.conf.py names port 8000, which another test may have.
    site.environ["GUNICORN_CMD_ARGS"] = site.here("--bind 127.0.0.1:8000 --no-control-socket")
    with site.running(_RUN) as server:
        server.until(lambda: get(site.here("http://127.0.0.1:8000/telemetry/health/live"))[0] == 200)
        yield site, server


def test_the_readme_names_the_commands_that_are_run_here(tmp_path: Path) -> None:
    site = Workspace("flask_gunicorn", tmp_path)
    assert site.commands == [_INSTALL, _RUN, _GOOD, _STRANGE, _LONG, _METRICS, _HEALTH]
    ended = site.install(_INSTALL)
    assert (ended.code, ended.err) == (0, "")
    assert "Would install heliograph" in ended.out


def test_the_three_invoices_of_the_readme(tmp_path: Path) -> None:
    with http_receiver() as receiver, _invoices(tmp_path, receiver) as (site, server):
        assert site.run(_GOOD).out.startswith("Invoice for Ada Lovelace\n")
        assert "Not Found" in site.run(_STRANGE).out
        assert "Internal Server Error" in site.run(_LONG).out
        assert json.loads(site.run(_HEALTH).out)["checks"]["customers"]["status"] == "healthy"
        until(lambda: 'invoices_rendered_total{customer="ada"} 1' in site.run(_METRICS).out)
        ended = server.end(signal.SIGINT)

        assert ended.code == 0
        assert outline(receiver) == [
            _REQUEST,
            "  invoices: render invoice INTERNAL",
            _REQUEST,
            f"{_REQUEST} ERROR",
            "  invoices: render invoice INTERNAL ERROR",
        ]
        assert named(receiver, "render invoice") == [{"invoice.lines": 3}, {"invoice.lines": 99}]
        written = logs(receiver, "invoices")
    name = _REQUEST.removeprefix("invoices: ").removesuffix(" SERVER")
    # Each worker sends its own.
    assert {(severity, span) for severity, _text, span in written} == {("WARN", name), ("ERROR", name)}
    assert ("WARN", "no customer is called bob", name) in written


def test_two_workers_are_one_service_and_lose_nothing(tmp_path: Path) -> None:
    with http_receiver() as receiver, _invoices(tmp_path, receiver) as (site, server):
        url = site.here("http://127.0.0.1:8000")
        statuses: Counter[int] = Counter()
        with ThreadPoolExecutor(8) as threads:

            def ask(_number: int) -> int:
                return get(f"{url}/invoices/ada/3", connection="close")[0]

            def asked_of_both() -> bool:
                statuses.update(threads.map(ask, range(50)))
                return len(instances(receiver)) == 2

            until(asked_of_both)
        count = statuses[200]
        assert statuses == {200: count}
        until(lambda: scrape(f"{url}/telemetry").total("invoices_rendered_total") == count)
        found = scrape(f"{url}/telemetry")
        ended = server.end(signal.SIGTERM)

        assert ended.code == 0
        assert Counter(span.name for _resource, span in spans(receiver)) == {
            "GET /invoices/<customer>/<int:lines>": count,
            "render invoice": count,
        }
        assert len(instances(receiver)) == 2
    assert found.values["invoices_rendered_total", "customer=ada"] == count
    assert found.total("invoices_size_bytes_count") == count
    assert found.total("invoices_open") == 0
    assert found.total("http_server_request_duration_seconds_count") == count
    assert [line for line in ended.err.splitlines() if not re.match(r"\[.*\] \[\d+\] \[INFO\] ", line)] == []
