"""The web frameworks behind real servers, each instrumented by one line: requests are recorded, probes are not."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.interpreter import own_environment

pytestmark = pytest.mark.e2e

PROGRAM = Path(__file__).with_name("instrument_program.py")
ROOT = Path(__file__).parents[2]
FRAMEWORKS = ("fastapi", "starlette", "flask", "django")
WAYS = [
    *((framework, "native", "given") for framework in FRAMEWORKS),
    *((framework, "opentelemetry-sdk", "found") for framework in FRAMEWORKS),
    *((framework, "native", "late") for framework in ("fastapi", "starlette", "flask")),
]
ROUTES = {"flask": ("/orders/<number>", "/fail"), "django": ("orders/<int:number>", "fail")}


@functools.cache  # one program, which several tests look at
def recorded(framework: str, recorder: str, how: str) -> dict[str, Any]:
    ended = subprocess.run(
        [sys.executable, "-W", "error", str(PROGRAM), framework, recorder, how],
        cwd=ROOT,
        env=own_environment({"PYTHONPATH": str(ROOT)}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    said: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return said


BY_WAY = pytest.mark.parametrize("way", WAYS, ids="-".join)


@BY_WAY
def test_each_request_is_one_server_span_with_its_route_and_the_work_below_it(way: tuple[str, str, str]) -> None:
    order, failing = ROUTES.get(way[0], ("/orders/{number}", "/fail"))
    assert recorded(*way)["spans"] == [
        [f"GET {failing}", "SERVER", None, "ERROR"],
        [f"GET {order}", "SERVER", None, "UNSET"],
        [f"GET {order}", "SERVER", None, "UNSET"],
        ["work", "INTERNAL", f"GET {order}", "UNSET"],
        ["work", "INTERNAL", f"GET {order}", "UNSET"],
    ]


@BY_WAY
def test_requests_are_measured_under_the_names_of_the_catalogue_and_probes_are_not(way: tuple[str, str, str]) -> None:
    order, failing = ROUTES.get(way[0], ("/orders/{number}", "/fail"))
    said = recorded(*way)
    assert said["routes"] == [[failing, 500, 1], [order, 200, 2]]
    assert said["active"] == [0]


@BY_WAY
def test_a_response_says_its_trace_and_the_id_that_its_request_came_with(way: tuple[str, str, str]) -> None:
    said = recorded(*way)
    for path in ("/orders/7", "/fail"):
        _status, headers = said["answers"][path]
        assert headers["traceresponse"].split("-")[1] in said["traces"]
        assert headers["x-request-id"] == "r-1"
    _status, headers = said["answers"]["odd id"]
    assert headers["x-request-id"] == headers["traceresponse"].split("-")[1]
    assert [name for path, (_status, headers) in said["answers"].items() if "traceresponse" in headers for name in [path]] == [
        "/orders/7",
        "/fail",
        "odd id",
    ]


@BY_WAY
def test_probes_are_answered_as_without_instrumentation(way: tuple[str, str, str]) -> None:
    statuses = {path: status for path, (status, _headers) in recorded(*way)["answers"].items()}
    assert statuses["/health"] == 200
    assert {status for path, status in statuses.items() if path.startswith("/internal/")} <= {200}


@pytest.mark.parametrize("way", [way for way in WAYS if way[0] != "fastapi"], ids="-".join)
def test_after_uninstrument_the_application_records_only_what_it_records_itself(way: tuple[str, str, str]) -> None:
    said = recorded(*way)
    assert said["after"][0] == 200
    assert "traceresponse" not in said["after"][1]
    assert said["spans after"] == 1  # FastAPI has telemetry of its own, which works again then
