"""The endpoint as a WSGI application obeys PEP 3333 and answers what Answers answers, alone or mounted."""

import io
import json
import sys
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
from prometheus_client import CollectorRegistry, Gauge

from heliograph.endpoint.answers import Answers, Request, Response
from heliograph.endpoint.wsgi import wsgi_app
from heliograph.health.builtin import CallableHealthCheck
from heliograph.health.manager import HealthCheckManager
from heliograph.prometheus.exposition import Exposition


def _answers(*checks: CallableHealthCheck, metrics_path: str = "/metrics") -> Answers:
    health, registry = HealthCheckManager(cache_ttl_s=0), CollectorRegistry()
    for check in checks:
        health.add_check(check)
    gauge = Gauge("stock", "Things in stock.", ["thing"], registry=registry)
    for number in range(100):
        gauge.labels(f"thing {number}").set(number)
    return Answers(exposition=Exposition(registry), health=health, metrics_path=metrics_path, is_compressed=True)


def _ask(answers: Answers, method: str, path: str, **environ: Any) -> tuple[int, dict[str, str], bytes]:
    """One request through wsgiref's validator, which fails on any breach of PEP 3333."""
    request: dict[str, Any] = {"REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "REMOTE_ADDR": "127.0.0.1"}
    request |= {"wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr, "QUERY_STRING": "", **environ}
    setup_testing_defaults(request)
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started.append((status, headers))
        return lambda _data: None

    chunks = validator(wsgi_app(answers))(request, start_response)
    body = b"".join(chunks)
    chunks.close()  # type: ignore[attr-defined]
    ((status, headers),) = started
    return int(status.split()[0]), dict(headers), body


def _expected(answers: Answers, method: str, path: str) -> Response:
    return answers.answer(Request(method=method, path=path, client="127.0.0.1"))


@pytest.mark.parametrize("script_name", ["", "/telemetry", "/a/b"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        *[("GET", "/metrics"), ("GET", "/metrics/"), ("GET", "/health"), ("GET", "/health/live"), ("GET", "/health/ready")],
        *[
            ("GET", "/nope"),
            ("GET", "/"),
            ("GET", "/health/nope"),
            ("POST", "/metrics"),
            ("DELETE", "/health"),
            ("POST", "/nope"),
        ],
    ],
)
def test_it_answers_what_answers_answers_wherever_it_is_mounted(method: str, path: str, script_name: str) -> None:
    answers = _answers()
    status, headers, body = _ask(answers, method, path, SCRIPT_NAME=script_name)
    expected = _expected(answers, method, path)
    assert (status, headers, body) == (expected.status, dict(expected.header_items()), expected.body)


def test_the_mount_point_itself_is_not_found() -> None:
    assert _ask(_answers(), "GET", "", SCRIPT_NAME="/telemetry")[0] == 404


@pytest.mark.parametrize("path", ["/metrics", "/health", "/nope"])
def test_a_head_request_gets_the_headers_of_a_get_and_no_body(path: str) -> None:
    answers = _answers()
    got, head = _ask(answers, "GET", path), _ask(answers, "HEAD", path)
    assert (head[0], head[1].keys(), head[2]) == (got[0], got[1].keys(), b"")
    assert int(head[1]["Content-Length"]) > 0


def test_the_headers_of_the_request_are_passed_on() -> None:
    accept = "application/openmetrics-text; version=1.0.0"
    _status, headers, body = _ask(_answers(), "GET", "/metrics", HTTP_ACCEPT=accept, HTTP_ACCEPT_ENCODING="gzip")
    assert headers["Content-Encoding"] == "gzip"
    assert headers["Content-Type"].startswith("application/openmetrics-text")
    assert body.startswith(b"\x1f\x8b")


@pytest.mark.parametrize(
    ("query", "found"), [("name[]=stock", 100), ("name%5B%5D=stock", 100), ("name[]=st\xc3\xb6ck", 0), ("", 100)]
)
def test_a_query_for_names_is_passed_on(query: str, found: int) -> None:
    status, _headers, body = _ask(_answers(), "GET", "/metrics", QUERY_STRING=query)
    assert (status, body.count(b"\nstock{")) == (200, found)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_compressed_answer_says_its_own_length_to_a_get_and_a_head(coding: str) -> None:
    answers = _answers()
    got = _ask(answers, "GET", "/metrics", HTTP_ACCEPT_ENCODING=coding)
    head = _ask(answers, "HEAD", "/metrics", HTTP_ACCEPT_ENCODING=coding)
    assert (got[1]["Content-Encoding"], int(got[1]["Content-Length"])) == (coding, len(got[2]))
    assert (head[1], head[2]) == (got[1], b"")


@pytest.mark.parametrize(("address", "is_detailed"), [("127.0.0.1", True), ("::1", True), ("10.0.0.5", False), ("", False)])
def test_details_of_health_are_for_callers_on_this_machine(address: str, is_detailed: bool) -> None:
    answers = _answers(CallableHealthCheck("db", lambda: False))
    status, _headers, body = _ask(answers, "GET", "/health", REMOTE_ADDR=address)
    assert (status, "checks" in json.loads(body)) == (503, is_detailed)


def test_a_metrics_path_beyond_ascii_is_found_as_wsgi_spells_it() -> None:
    # PEP 3333: PATH_INFO holds the bytes of the path, decoded as Latin-1.
    spelled = "/métriques".encode().decode("latin-1")
    assert _ask(_answers(metrics_path="/métriques"), "GET", spelled)[0] == 200


def test_a_server_that_says_little_is_answered() -> None:
    started: list[str] = []
    body = wsgi_app(_answers())({}, lambda status, _headers, _info=None: started.append(status))  # type: ignore[arg-type, return-value]
    assert started == ["404 Not Found"]
    assert b"".join(body).startswith(b"nothing here")
