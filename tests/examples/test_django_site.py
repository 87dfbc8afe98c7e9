"""examples/django_site, served by Django's own server."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.examples.received import logs, named, outline, spans
from tests.examples.workspace import Running, Workspace
from tests.support.otlp_receiver import OtlpReceiver, http_receiver
from tests.support.processes import get
from tests.support.scrapes import scrape

pytestmark = pytest.mark.e2e

_INSTALL = 'pip install "../..[django,sqlite3]" "django>=5.2"'
_MIGRATE = "python manage.py migrate --run-syncdb"
_RUN = "python manage.py runserver 8000"
_BUY = "curl -X POST http://127.0.0.1:8000/books/Emma"
_LEND = "curl -X POST http://127.0.0.1:8000/books/Emma/readers/ada"
_LEND_AGAIN = "curl -X POST http://127.0.0.1:8000/books/Emma/readers/alan"
_RETURN = "curl -X POST http://127.0.0.1:8000/books/Emma/return"
_BOOKS = "curl http://127.0.0.1:8000/books"
_METRICS = "curl http://127.0.0.1:9464/metrics"
_HEALTH = "curl http://127.0.0.1:9464/health/ready"


@contextmanager
def _library(folder: Path, receiver: OtlpReceiver) -> Iterator[tuple[Workspace, Running]]:
    site = Workspace("django_site", folder, 8000, 9464, environ={"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url})
    site.environ["HELIOGRAPH_SERVER__PORT"] = site.here("9464")
    made = site.run(_MIGRATE)
    assert made.code == 0, made.err
    with site.running(_RUN) as server:
        server.until(lambda: get(site.here("http://127.0.0.1:8000/books"))[0] == 200)
        yield site, server


def test_the_readme_names_the_commands_that_are_run_here(tmp_path: Path) -> None:
    site = Workspace("django_site", tmp_path)
    assert site.commands == [
        *(_INSTALL, _MIGRATE, _RUN),
        *(_BUY, _LEND, _LEND_AGAIN, _RETURN, _RETURN, _BOOKS),
        *(_METRICS, _HEALTH),
    ]
    ended = site.install(_INSTALL)
    assert (ended.code, ended.err) == (0, "")
    assert "Would install heliograph" in ended.out


def test_a_book_is_lent_and_given_back_and_nothing_is_lost(tmp_path: Path) -> None:
    with http_receiver() as receiver, _library(tmp_path, receiver) as (site, server):
        answers = [site.run(command).out for command in (_BUY, _LEND, _LEND_AGAIN, _RETURN, _RETURN, _BOOKS)]
        assert json.loads(answers[1]) == {"title": "Emma", "reader": "ada"}
        assert json.loads(answers[2]) == {"error": "ada has it"}
        assert "Server Error" in answers[4]
        assert json.loads(answers[5]) == {"books": [{"title": "Emma", "reader": ""}]}
        assert json.loads(site.run(_HEALTH).out)["checks"]["database"]["status"] == "healthy"
        assert "library_loans_total 1" in site.run(_METRICS).out
        found = scrape(site.here("http://127.0.0.1:9464"))
        ended = server.end(signal.SIGINT)

        assert ended.code == 0, ended.err
        lines = outline(receiver)
        assert {line for line in lines if not line.startswith(" ")} == {
            "library: GET books SERVER",
            "library: POST books/<str:title> SERVER",
            "library: POST books/<str:title>/readers/<str:reader> SERVER",
            "library: POST books/<str:title>/return SERVER",
            "library: POST books/<str:title>/return SERVER ERROR",
        }
        loan = lines.index("library: POST books/<str:title>/readers/<str:reader> SERVER")
        assert lines[loan : loan + 4] == [
            "library: POST books/<str:title>/readers/<str:reader> SERVER",
            "  library: SELECT CLIENT",
            "  library: lend INTERNAL",
            "    library: UPDATE CLIENT",
        ]
        assert named(receiver, "lend") == [
            {"library.title": "Emma", "library.is_lent": True},
            {"library.title": "Emma", "library.is_lent": False},
        ]
        (failed,) = [span for _resource, span in spans(receiver) if span.status.message]
        assert [event.name for event in failed.events] == ["exception"]
        assert logs(receiver, "library") == [
            ("WARN", "Emma is lent already", "POST books/<str:title>/readers/<str:reader>"),
        ]
    assert re.search(r"^WARNING library: Emma is lent already trace=[0-9a-f]{32}$", ended.err, re.MULTILINE)
    assert found.values["library_loans_total",] == 1
    assert found.values["library_books_lent",] == 0
    asked = sum(line.endswith(("SERVER", "SERVER ERROR")) for line in lines)
    assert found.total("http_server_request_duration_seconds_count") == asked
