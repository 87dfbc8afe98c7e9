"""What the endpoint answers, before any web framework: paths, formats, compression, health and who may see its details."""

import gzip
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge

from heliograph.clock import ManualClock
from heliograph.endpoint.answers import Answers, Request, Response
from heliograph.health.builtin import CallableHealthCheck
from heliograph.health.check import HealthCheckResult, HealthStatus
from heliograph.health.manager import HealthCheckManager
from heliograph.prometheus.exposition import Exposition
from heliograph.recording import MeterProvider


class _Scene:
    def __init__(self, *, metrics_path: str = "/metrics", is_compressed: bool = True, series: int = 3) -> None:
        self.clock = ManualClock(time_ns=1_000_000_000_000)
        self.health = HealthCheckManager(clock=self.clock)
        registry = CollectorRegistry()
        gauge = Gauge("stock", "Things in stock.", ["thing"], registry=registry)
        for number in range(series):
            gauge.labels(f"thing {number}").set(number)
        self.answers = Answers(
            exposition=Exposition(registry), health=self.health, metrics_path=metrics_path, is_compressed=is_compressed
        )

    def add(self, name: str, answer: Callable[[], Any], **options: Any) -> None:
        self.health.add_check(CallableHealthCheck(name, answer), **options)

    def get(self, path: str, **request: str) -> Response:
        return self.answers.answer(Request(**{"method": "GET", "path": path, "client": "127.0.0.1", **request}))

    def json(self, path: str, **request: str) -> Any:
        return json.loads(self.get(path, **request).body)


def _header(response: Response, name: str) -> str | None:
    return dict(response.header_items()).get(name)


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/health", "/health/live", "/health/ready", "/health/ready/"])
def test_each_path_is_answered_with_and_without_a_slash_at_its_end(path: str) -> None:
    assert _Scene().get(path).status == 200


@pytest.mark.parametrize(
    "path", ["", "/", "//", "/nope", "/metric", "/metricsx", "//metrics", "/health/x", "/../metrics", "/Metrics"]
)
def test_any_other_path_is_not_found_and_the_answer_names_those_there_are(path: str) -> None:
    response = _Scene().get(path)
    assert response.status == 404
    assert response.body == b"nothing here; try /metrics, /health, /health/live, /health/ready\n"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get", ""])
@pytest.mark.parametrize("path", ["/metrics", "/health"])
def test_any_other_method_is_not_allowed(path: str, method: str) -> None:
    response = _Scene().get(path, method=method)
    assert (response.status, _header(response, "Allow")) == (405, "GET, HEAD")


@pytest.mark.parametrize("metrics_path", ["/own/metrics", "/own/", "/a//", "/métriques"])
def test_metrics_are_answered_at_the_path_that_was_set(metrics_path: str) -> None:
    scene = _Scene(metrics_path=metrics_path)
    assert scene.get(metrics_path).status == 200
    assert scene.get("/metrics").status == 404
    assert scene.get("/health").status == 200


@pytest.mark.parametrize("path", ["/metrics", "/health", "/nope"])
def test_every_answer_says_its_length_and_is_not_to_be_stored_or_guessed_at(path: str) -> None:
    response = _Scene().get(path)
    assert _header(response, "Content-Length") == str(len(response.body))
    assert _header(response, "Cache-Control") == "no-store"
    assert _header(response, "X-Content-Type-Options") == "nosniff"


def test_metrics_are_in_the_format_that_is_accepted() -> None:
    scene = _Scene()
    assert scene.get("/metrics").content_type == "text/plain; version=0.0.4; charset=utf-8"
    response = scene.get("/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert response.content_type.startswith("application/openmetrics-text")
    assert response.body.endswith(b"# EOF\n")
    assert _header(response, "Vary") == "Accept, Accept-Encoding"


@pytest.mark.parametrize(("coding", "read"), [("gzip", gzip.decompress), ("zstd", zstandard.decompress)])
def test_a_scrape_is_compressed_for_who_accepts_it(coding: str, read: Callable[[bytes], bytes]) -> None:
    scene = _Scene(series=100)
    plain, packed = scene.get("/metrics"), scene.get("/metrics", accept_encoding=coding)
    assert (_header(plain, "Content-Encoding"), _header(packed, "Content-Encoding")) == (None, coding)
    assert read(packed.body) == plain.body
    assert _header(packed, "Content-Length") == str(len(packed.body))
    assert _header(plain, "Vary") == _header(packed, "Vary") == "Accept, Accept-Encoding"


@pytest.mark.parametrize("coding", ["gzip", "zstd", "identity", ""])
def test_the_headers_of_a_head_request_are_those_of_the_get(coding: str) -> None:
    scene = _Scene(series=100)
    got = scene.get("/metrics", accept_encoding=coding)
    assert scene.get("/metrics", accept_encoding=coding, method="HEAD").header_items() == got.header_items()


def test_many_may_scrape_at_once_in_every_coding_and_format() -> None:
    scene = _Scene(series=500)
    formats = ["", "application/openmetrics-text; version=1.0.0"]
    codings: dict[str, Callable[[bytes], bytes]] = {"": bytes, "gzip": gzip.decompress, "zstd": zstandard.decompress}
    expected = {accept: scene.get("/metrics", accept=accept).body for accept in formats}

    def scrape(number: int) -> bool:
        accept, coding = formats[number % 2], list(codings)[number % 3]
        answer = scene.get("/metrics", accept=accept, accept_encoding=coding)
        return codings[coding](answer.body) == expected[accept]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(scrape, range(200)))


def test_a_short_scrape_is_not_worth_compressing() -> None:
    assert _header(_Scene(series=1).get("/metrics", accept_encoding="gzip"), "Content-Encoding") is None


def test_compression_can_be_switched_off() -> None:
    response = _Scene(series=100, is_compressed=False).get("/metrics", accept_encoding="gzip")
    assert _header(response, "Content-Encoding") is None


def test_a_short_scrape_is_compressed_when_it_is_not_acceptable_otherwise() -> None:
    response = _Scene(series=1).get("/metrics", accept_encoding="zstd, identity;q=0")
    assert _header(response, "Content-Encoding") == "zstd"
    assert b"stock" in zstandard.decompress(response.body)


def _samples(response: Response) -> list[str]:
    return [line.partition("{")[0].partition(" ")[0] for line in response.body.decode().splitlines() if line[:1] != "#"]


def _with_meter() -> tuple[Answers, MeterProvider]:
    registry = CollectorRegistry()
    Gauge("stock", "Things in stock.", registry=registry).set(1)
    exposition = Exposition(registry)
    provider = MeterProvider(metric_readers=[exposition.reader({})])
    meter = provider.get_meter("ours")
    for name in ("hits", "misses"):
        meter.create_counter(name).add(1)
    answers = Answers(exposition=exposition, health=HealthCheckManager(), metrics_path="/metrics", is_compressed=True)
    return answers, provider


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name[]=hits_total", ["hits_total"]),
        ("name%5B%5D=hits_total&name[]=stock", ["hits_total", "stock"]),
        ("name[]=hits", ["hits_total"]),
        ("name[]=no_such", []),
        ("verbose=1", ["target_info", "hits_total", "misses_total", "stock"]),
        ("name[]=", ["target_info", "hits_total", "misses_total", "stock"]),
    ],
)
@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
def test_a_query_for_names_gets_these_and_no_others(query: str, expected: list[str], accept: str) -> None:
    answers, provider = _with_meter()
    response = answers.answer(Request(method="GET", path="/metrics", query=query, accept=accept))
    assert response.status == 200
    assert [name for name in _samples(response) if not name.endswith("_created")] == expected
    assert response.body.endswith(b"# EOF\n") is bool(accept)
    provider.shutdown()


@pytest.mark.parametrize(
    ("query", "complaint"),
    [("name[]=" + "a" * 70_000, b"characters"), ("&".join(f"name[]={n}" for n in range(1001)), b"1,001 names")],
    ids=["too long", "too many"],
)
def test_a_query_for_too_much_is_refused_and_the_answer_says_what_to_do(query: str, complaint: bytes) -> None:
    response = _Scene().get("/metrics", query=query)
    assert (response.status, response.content_type) == (400, "text/plain; charset=utf-8")
    assert complaint in response.body
    assert b"ask in several requests" in response.body
    assert _Scene().get("/health", query=query).status == 200


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=20), st.text(max_size=8), st.text(max_size=20))
def test_any_request_at_all_gets_an_answer(accept: str, encoding: str, path: str, method: str, client: str) -> None:
    scene = _Scene()
    for asked in ("/metrics", "/health", path):
        for by in (method, "GET"):
            response = scene.get(asked, accept=accept, accept_encoding=encoding, method=by, client=client, query=path)
            assert response.status in (200, 404, 405)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (HealthStatus.HEALTHY, 200),
        (HealthStatus.WARNING, 200),
        (HealthStatus.UNKNOWN, 503),
        (HealthStatus.UNHEALTHY, 503),
    ],
)
def test_health_is_503_when_a_critical_check_is_neither_healthy_nor_a_warning(status: HealthStatus, code: int) -> None:
    scene = _Scene()
    scene.add("db", lambda: status)
    response = scene.get("/health")
    assert (response.status, json.loads(response.body)["status"]) == (code, status.value)


def test_health_turns_503_and_back() -> None:
    scene, status = _Scene(), [HealthStatus.HEALTHY]
    scene.health.set_cache_ttl(0)
    scene.add("db", lambda: status[0])
    codes = []
    for status[0] in (HealthStatus.HEALTHY, HealthStatus.UNHEALTHY, HealthStatus.HEALTHY):
        codes.append(scene.get("/health/ready").status)
    assert codes == [200, 503, 200]


def test_live_and_ready_ask_their_own_checks_only() -> None:
    scene = _Scene()
    scene.add("db", lambda: False, groups=["ready"])
    scene.add("loop", lambda: True, groups=["live"])
    assert [scene.get(path).status for path in ("/health", "/health/ready", "/health/live")] == [503, 503, 200]
    assert list(scene.json("/health/live")["checks"]) == ["loop"]


def test_a_check_is_shown_with_its_age_and_duration_in_seconds() -> None:
    scene = _Scene()
    scene.add("db", lambda: HealthCheckResult.warning("slow", rows=3, at=object))
    scene.get("/health")
    scene.clock.advance(12.5)
    shown = scene.json("/health")["checks"]["db"]
    assert shown == {
        "status": "warning",
        "message": "slow",
        "timestamp": 1000.0,
        "age_s": 12.5,
        "check_duration_s": 0.0,
        "metadata": {"rows": 3, "at": str(object)},
    }


@pytest.mark.parametrize("client", ["127.0.0.1", "127.9.9.9", "::1"])
def test_details_are_shown_to_this_machine(client: str) -> None:
    scene = _Scene()
    scene.add("db", lambda: HealthCheckResult.unhealthy("password of db_user is wrong"))
    assert scene.json("/health", client=client)["checks"]["db"]["message"] == "password of db_user is wrong"


@pytest.mark.parametrize("client", ["10.0.0.5", "", "testclient", "127.0.0.1.example.org", "::2", "localhost", "fe80::1%eth0"])
@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_others_see_the_status_only(client: str, path: str) -> None:
    scene = _Scene()
    scene.add("db", lambda: HealthCheckResult.unhealthy("password of db_user is wrong"), groups=["live", "ready"])
    response = scene.get(path, client=client)
    assert (response.status, json.loads(response.body)) == (503, {"status": "unhealthy"})


def _circle() -> dict[str, Any]:
    circle: dict[str, Any] = {}
    circle["self"] = circle
    return circle


class _Sulking:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {("a", 1): 2},
        {"x": {b"k": 1}},
        {"x": float("nan")},
        {"x": float("inf")},
        _circle(),
        {"x": _Sulking()},
        [1],
        {"x": "\ud800"},
    ],
    ids=["none", "tuple key", "bytes key", "nan", "inf", "circle", "no text", "list", "surrogate"],
)
def test_whatever_a_check_put_into_its_metadata_health_is_valid_json(metadata: Any) -> None:
    scene = _Scene()
    scene.add("odd", lambda: HealthCheckResult(status=HealthStatus.HEALTHY, metadata=metadata))
    scene.add("fine", lambda: True)
    response = scene.get("/health")

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    document = json.loads(response.body, parse_constant=refuse)
    assert document["checks"]["fine"]["status"] == "healthy"
    assert document["checks"]["odd"]["status"] in ("healthy", "unhealthy")


@pytest.mark.parametrize("status", ["healthy", "bogus", None, 3])
def test_whatever_a_check_gave_as_its_status_health_is_answered(status: Any) -> None:
    scene = _Scene()
    scene.add("odd", lambda: HealthCheckResult(status=status))
    scene.add("fine", lambda: True)
    assert scene.json("/health")["checks"]["fine"]["status"] == "healthy"


def test_metrics_of_the_meter_are_in_the_scrape() -> None:
    exposition = Exposition(CollectorRegistry())
    provider = MeterProvider(metric_readers=[exposition.reader({})])
    provider.get_meter("ours").create_counter("hits").add(2)
    answers = Answers(exposition=exposition, health=HealthCheckManager(), metrics_path="/metrics", is_compressed=True)
    assert b"hits_total 2.0\n" in answers.answer(Request(method="GET", path="/metrics")).body
    provider.shutdown()
