"""What each destination did with one item: grouping, places, local destinations, Jaeger, proxies, clocks."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from heliograph.doctor.circumstances import Circumstances
from heliograph.doctor.destinations import examine_destinations
from heliograph.doctor.finding import Finding, Severity
from heliograph.settings import TelemetrySettings
from tests.support.otlp_receiver import grpc_receiver, http_receiver
from tests.support.processes import free_port
from tests.support.proxy_server import proxy_server
from tests.support.routed_server import Reply, routed_server

ALL = ("traces", "metrics", "logs")
Examine = Callable[..., list[Finding]]


def of(findings: list[Finding], check: str = "destination") -> list[Finding]:
    return [finding for finding in findings if finding.check == check]


def texts(finding: Finding) -> str:
    return f"{finding.what} | {finding.why} | {finding.fix}"


@pytest.mark.parametrize(("receiver", "protocol"), [(http_receiver, "http"), (grpc_receiver, "grpc")])
def test_each_signal_gets_one_item_of_its_own(receiver: Any, protocol: str, destinations: Examine) -> None:
    with receiver() as received:
        (finding,) = of(destinations({"endpoint": received.url, "protocol": protocol}, signals=ALL))
    assert finding.severity is Severity.OK
    shown = "gRPC" if protocol == "grpc" else "HTTP"
    assert finding.what.startswith(f"traces, metrics, logs to otlp ({received.url}, {shown}): accepted in ")
    assert [span.name for span in received.spans()] == ["heliograph.doctor"]
    assert received.metric_names() == {"heliograph.doctor"}
    assert [record.event_name for record in received.log_records()] == ["heliograph.doctor"]
    resource = received.requests[0][2].resource_spans[0] if received.requests[0][0] == "traces" else None
    assert resource is None or "shop" in str(resource)


def test_signals_that_fail_for_the_same_reason_are_said_together_with_their_places(destinations: Examine) -> None:
    (finding,) = of(destinations({"endpoint": f"http://127.0.0.1:{free_port()}"}, signals=ALL))
    assert finding.what.startswith("traces, metrics, logs to otlp (")
    assert "tracing.exporters[0], metrics.exporters[0] and logs.exporters[0]" in finding.fix


def test_where_a_setting_comes_from_is_said_with_it(tmp_path: Path) -> None:
    exporter = {"type": "otlp", "endpoint": f"http://127.0.0.1:{free_port()}"}
    off = {"enabled": False}
    settings = TelemetrySettings(tracing={"exporters": [exporter]}, metrics=off, logs=off)
    source = {("tracing", "exporters", 0, "endpoint"): "file heliograph.yaml:7"}
    around = Circumstances(settings=settings, environ={}, folder=tmp_path, source=lambda place: source[place])
    (finding,) = of(list(examine_destinations(around)))
    assert "tracing.exporters[0] (file heliograph.yaml:7)" in finding.fix


def test_what_is_switched_off_is_not_tried(tmp_path: Path) -> None:
    settings = TelemetrySettings(
        tracing={"enabled": False, "exporters": [{"type": "otlp", "endpoint": f"http://127.0.0.1:{free_port()}"}]}
    )
    assert list(examine_destinations(Circumstances(settings=settings, environ={}, folder=tmp_path))) == []


def test_a_trace_that_would_not_be_sampled_is_sent_nevertheless(tmp_path: Path) -> None:
    with http_receiver() as received:
        exporter = {"type": "otlp", "endpoint": received.url}
        off = {"enabled": False}
        settings = TelemetrySettings(tracing={"exporters": [exporter], "sample_rate": 0}, metrics=off, logs=off)
        around = Circumstances(settings=settings, environ={}, folder=tmp_path)
        assert [finding.severity for finding in examine_destinations(around)] == [Severity.OK] * 2
    assert len(received.spans()) == 1


def test_a_server_that_takes_traces_only_is_told_from_a_wrong_path(destinations: Examine) -> None:
    with routed_server({"/v1/traces": Reply()}) as url:
        taken, refused = of(destinations({"endpoint": url}, signals=ALL))
    assert (taken.severity, taken.what.partition(" to ")[0]) == (Severity.OK, "traces")
    assert refused.severity is Severity.ERROR
    assert "metrics, logs to otlp" in refused.what
    assert refused.what.endswith("the server takes no metrics and logs")
    assert "while it takes traces; Jaeger, for one" in refused.why


def test_a_file_is_written(destinations: Examine, tmp_path: Path) -> None:
    path = tmp_path / "logs" / "traces.json"
    (finding,) = destinations({"type": "file", "path": str(path)})
    assert (finding.severity, finding.what) == (Severity.OK, f"traces to file ({path}): written")
    assert "heliograph.doctor" in path.read_text()


def test_a_file_that_cannot_be_written_is_named(destinations: Examine, tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("")
    (finding,) = destinations({"type": "file", "path": str(tmp_path / "logs" / "traces.json")})
    assert finding.severity is Severity.ERROR
    assert "the file cannot be written" in finding.what
    assert f"Cannot write {tmp_path}/logs/traces.json: " in finding.why
    assert "tracing.exporters[0]" in finding.fix


def test_what_goes_to_the_console_is_not_printed(destinations: Examine, capsys: pytest.CaptureFixture[str]) -> None:
    (finding,) = destinations({"type": "console"})
    assert finding.severity is Severity.OK
    assert "printed" in finding.what
    assert capsys.readouterr().out == ""


def test_memory_is_for_tests(destinations: Examine) -> None:
    (finding,) = destinations({"type": "memory"})
    assert (finding.severity, "nobody else sees it" in finding.what) == (Severity.OK, True)


@pytest.mark.parametrize(
    "endpoint", ["http://localhost:14268/api/traces", "http://localhost:14268", "http://x.invalid/api/traces"]
)
@pytest.mark.parametrize(("kind", "then"), [("jaeger", "instead"), ("otlp", "all the same")])
def test_an_endpoint_for_thrift_is_named_with_the_one_for_otlp(
    endpoint: str, kind: str, then: str, destinations: Examine
) -> None:
    found = [each for each in of(destinations({"type": kind, "endpoint": endpoint})) if "Thrift" in each.what]
    (finding,) = found
    host = "localhost" if "localhost" in endpoint else "x.invalid"
    assert (finding.severity, finding.fix) == (
        Severity.WARNING,
        f"set the endpoint of tracing.exporters[0] to 'http://{host}:4318'",
    )
    assert then in finding.why


def test_credentials_that_leave_in_plain_text_are_warned_of(destinations: Examine) -> None:
    wanted = {"endpoint": "http://collector.invalid:4318", "headers": {"x-api-key": "s3cr3t"}}
    found = of(destinations(wanted))
    assert [(each.severity, "in plain text" in each.what) for each in found] == [
        (Severity.ERROR, False),
        (Severity.WARNING, True),
    ]
    assert "s3cr3t" not in "".join(map(texts, found))


def test_credentials_to_this_machine_are_not_warned_of(destinations: Examine) -> None:
    with http_receiver() as received:
        found = of(destinations({"endpoint": received.url, "headers": {"x-api-key": "s3cr3t"}}))
    assert [each.severity for each in found] == [Severity.OK]


def test_credentials_in_an_endpoint_are_not_shown(destinations: Examine) -> None:
    found = of(destinations({"endpoint": f"http://me:s3cr3t@127.0.0.1:{free_port()}"}))
    assert [each.severity for each in found] == [Severity.ERROR, Severity.WARNING]
    assert "s3cr3t" not in "".join(map(texts, found))


def test_credentials_in_an_endpoint_are_said_not_to_be_sent(destinations: Examine) -> None:
    with http_receiver() as received:
        found = of(destinations({"endpoint": received.url.replace("//", "//me:s3cr3t@")}, signals=("traces", "logs")))
    assert [each.severity for each in found] == [Severity.OK, Severity.WARNING]
    assert found[1].what == "traces, logs to otlp: the credentials in the endpoint are not sent"
    assert found[1].fix.startswith(
        "take them out of the endpoint of tracing.exporters[0] and logs.exporters[0], and set headers"
    )


def test_a_name_server_that_does_not_answer_is_named_in_time(destinations: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    before, is_over = set(threading.enumerate()), threading.Event()
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **more: real(*given, **more) if is_over.wait(60) else [])
    try:
        began_at = time.monotonic()
        (found,) = of(destinations({"endpoint": "http://collector.invalid:4318", "timeout": "100ms"}, signals=ALL))
        took_s = time.monotonic() - began_at
    finally:
        is_over.set()
        for thread in set(threading.enumerate()) - before:
            thread.join(10)
    assert found.what.endswith("the name server does not answer")
    assert "'collector.invalid'" in found.why
    assert took_s < 10


PROXIES = {
    "a proxy that nobody runs": (None, "nothing listens where the proxy should be", "127.0.0.1:"),
    "a proxy that wants credentials": (b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", "the proxy wants credentials", "407"),
    "a proxy that is no proxy": (b"220 smtp\r\n\r\n", "speaks no HTTP", "proxy"),
}


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, str]]:
    """Put a proxy into the environment, where the transports look for it as well."""

    def put(url: str) -> dict[str, str]:
        variables = {"http_proxy": url, "https_proxy": url, "no_proxy": ""}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return variables

    return put


@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_that_fails_is_told_from_a_server_that_does(
    name: str, destinations: Examine, proxied: Callable[[str], dict[str, str]]
) -> None:
    answer, what, why = PROXIES[name]
    with proxy_server() as proxy:
        proxy.answer = answer
        url = proxy.url if answer is not None else f"http://127.0.0.1:{free_port()}"
        scheme = "http" if answer is not None and b"407" in answer else "https"
        (finding,) = of(destinations({"endpoint": f"{scheme}://collector.test:4318"}, environ=proxied(url)))
    assert finding.severity is Severity.ERROR
    assert what in finding.what, texts(finding)
    assert why in finding.why
    assert "add collector.test to NO_PROXY" in finding.fix


def test_a_proxy_for_grpc_that_fails_is_named(destinations: Examine, proxied: Callable[[str], dict[str, str]]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    (finding,) = of(destinations({"endpoint": "http://collector.test:4317", "protocol": "grpc"}, environ=proxied(url)))
    assert "by way of a proxy" in finding.what
    assert f"the proxy {url} between this program and collector.test:4317" in finding.why
    assert "add collector.test to no_grpc_proxy or no_proxy" in finding.fix


def test_a_variable_that_holds_no_proxy_is_named(destinations: Examine, proxied: Callable[[str], dict[str, str]]) -> None:
    (finding,) = of(destinations({"endpoint": "http://collector.test:4318"}, environ=proxied("socks5://proxy:1080")))
    assert "the proxy of the environment cannot be used" in finding.what
    assert "http://proxy:3128" in finding.fix


def test_what_arrives_through_a_proxy_says_so(destinations: Examine, proxied: Callable[[str], dict[str, str]]) -> None:
    with http_receiver() as received:
        place = received.url.removeprefix("http://")
        with proxy_server({"collector.test:4318": place}) as proxy:
            found = destinations({"endpoint": "http://collector.test:4318"}, environ=proxied(proxy.url))
    assert of(found)[0].severity is Severity.OK
    assert f"accepted, by way of the proxy {proxy.url}" in of(found)[0].what


def test_an_answer_that_may_be_the_proxys_own_says_so(destinations: Examine, proxied: Callable[[str], dict[str, str]]) -> None:
    with proxy_server() as proxy:
        proxy.answer = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
        (finding,) = of(destinations({"endpoint": "http://collector.test:4318"}, environ=proxied(proxy.url)))
    assert f"by way of the proxy {proxy.url}" in finding.why
    assert "add collector.test to NO_PROXY" in finding.fix


CLOCKS = {
    "as it should be": (0, Severity.OK, "agrees with"),
    "within what an answer can tell": (-3, Severity.OK, "agrees with"),
    "ahead": (-20, Severity.WARNING, "seconds ahead of"),
    "behind": (20, Severity.WARNING, "seconds behind"),
    "far ahead": (-600, Severity.ERROR, "10 minutes ahead of"),
    "far behind": (3 * 86400, Severity.ERROR, "3 days behind"),
}


@pytest.mark.parametrize("name", CLOCKS)
def test_clocks_that_differ_are_told_by_the_date_of_an_answer(name: str, destinations: Examine) -> None:
    seconds, severity, what = CLOCKS[name]
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    with routed_server(others=Reply(date=date)) as url:
        (finding,) = of(destinations({"endpoint": url}, signals=ALL), "clock")
    assert finding.severity is severity
    assert what in finding.what
    assert url.removeprefix("http://") in finding.what


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Jan 2024 00:00:00 GMT"])
def test_a_date_that_is_none_says_nothing_of_clocks(date: str, destinations: Examine) -> None:
    with routed_server(others=Reply(date=date or " ")) as url:
        assert of(destinations({"endpoint": url}), "clock") == []


def test_all_destinations_are_tried_at_once(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as listening:
        endpoint = f"http://127.0.0.1:{listening.getsockname()[1]}"
        exporters = [{"type": "otlp", "name": f"n{n}", "endpoint": endpoint, "timeout": "300ms"} for n in range(6)]
        off = {"enabled": False}
        settings = TelemetrySettings(tracing={"exporters": exporters}, metrics=off, logs=off)
        began = datetime.now(UTC)
        found = of(list(examine_destinations(Circumstances(settings=settings, environ={}, folder=tmp_path))))
    assert [finding.severity for finding in found] == [Severity.ERROR] * 6
    assert (datetime.now(UTC) - began).total_seconds() < 6 * 1.2
