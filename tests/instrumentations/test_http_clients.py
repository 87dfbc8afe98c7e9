"""requests, urllib3, httpx."""

from __future__ import annotations

from typing import Any

import pytest

from tests.instrumentations.comparison import equal_on_both
from tests.instrumentations.normal import Recorded

REFUSED = "Connection refused"
BELOW_WORK = ["work INTERNAL", "  GET CLIENT", "  GET CLIENT ERROR", "  GET CLIENT ERROR"]


def by_url(recorded: Recorded, root: str) -> dict[str, dict[str, Any]]:
    """The client spans below a root, by method and path."""
    return {
        f"{span['name']} {span['attributes']['http.url'].removeprefix('http://127.0.0.1:PORT')}": span
        for span in recorded.span(root)["children"]
    }


@pytest.mark.parametrize("library", ["requests", "urllib3"])
def test_a_client_has_a_span_for_each_request_below_the_current_one(library: str) -> None:
    recorded = equal_on_both(f"{library}_client")
    assert recorded.facts["statuses"] == [200, 404, 500, 200]
    assert recorded.outline() == ["GET CLIENT ERROR", *BELOW_WORK, "  POST CLIENT"]
    statuses = {path: span["attributes"]["http.status_code"] for path, span in by_url(recorded, "work").items()}
    assert statuses == {"GET /ok": 200, "GET /missing": 404, "GET /broken": 500, "POST /ok": 200}
    assert recorded.scopes() == {"app", f"opentelemetry.instrumentation.{library}"}


@pytest.mark.parametrize("library", ["requests", "urllib3"])
def test_the_server_is_told_the_span_of_each_request(library: str) -> None:
    contexts = equal_on_both(f"{library}_client").facts["contexts"]
    assert contexts == {
        "GET /ok": "00-TRACE-GET-03",
        "GET /missing": "00-TRACE-GET-03",
        "GET /broken": "00-TRACE-GET-03",
        "POST /ok": "00-TRACE-POST-03",
        "GET /ok?uninstrumented": None,
    }


@pytest.mark.parametrize("library", ["requests", "urllib3", "httpx"])
def test_a_refused_connection_is_an_exception_on_a_failed_span(library: str) -> None:
    recorded = equal_on_both(f"{library}_client")
    (failed,) = [span for span in recorded.spans if span["name"] == "GET"]
    (event,) = failed["events"]
    assert event["name"] == "exception"
    assert event["attributes"]["exception.type"].endswith(recorded.facts["raised"])
    assert REFUSED in event["attributes"]["exception.message"]
    assert REFUSED in event["attributes"]["exception.stacktrace"][-1]
    assert failed["status"][0] == "ERROR"
    assert REFUSED in failed["status"][1]


def test_requests_measures_the_duration_by_status() -> None:
    recorded = equal_on_both("requests_client")
    assert recorded.metric_shapes() == {"http.client.duration": ("histogram", "ms")}
    points = recorded.metrics["http.client.duration"]["points"]
    assert sorted(point["attributes"].get("http.status_code", 0) for point in points) == [0, 200, 200, 404, 500]
    assert recorded.counted("http.client.duration") == 5


def test_urllib3_measures_durations_and_sizes() -> None:
    recorded = equal_on_both("urllib3_client")
    assert recorded.metric_shapes() == {
        "http.client.duration": ("histogram", "ms"),
        "http.client.request.size": ("histogram", "By"),
        "http.client.response.size": ("histogram", "By"),
    }
    sent = {
        point["attributes"]["http.method"]: point["sum"] for point in recorded.metrics["http.client.request.size"]["points"]
    }
    assert sent == {"GET": 0, "POST": 4}
    assert {point["sum"] for point in recorded.metrics["http.client.response.size"]["points"]} == {2}


def test_httpx_has_the_same_spans_from_plain_and_from_concurrent_asynchronous_requests() -> None:
    recorded = equal_on_both("httpx_client")
    assert recorded.facts["statuses"] == [200, 404, 500, 200, 500]
    async_lines = ["async work INTERNAL", "  GET CLIENT", "  POST CLIENT ERROR"]
    assert recorded.outline() == ["GET CLIENT ERROR", *BELOW_WORK, *async_lines]
    assert set(by_url(recorded, "async work")) == {"GET /ok?async", "POST /broken"}
    assert recorded.facts["contexts"]["GET /ok?async"] == "00-TRACE-GET-03"
    assert recorded.facts["contexts"]["GET /ok?uninstrumented"] is None
    assert recorded.counted("http.client.duration") == 5
