"""The rig itself: an oracle that forgets, a proxy that lets all through or an invariant that always holds prove nothing."""

from __future__ import annotations

import gzip
import json
import socket
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
import urllib3
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

from tests.faults.rig import invariants
from tests.faults.rig.proxy import Proxy
from tests.faults.rig.receiving import Oracle
from tests.faults.rig.step import Step
from tests.faults.rig.work import Work, otlp_settings


def body_of(*numbers: str, padding: int = 0) -> bytes:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for number in numbers:
        span = scope.spans.add(span_id=bytes(8), name="x" * padding)
        span.attributes.add(key="other").value.int_value = 1
        span.attributes.add(key="n").value.string_value = number
    return request.SerializeToString()


def post(url: str, body: bytes, timeout_s: float = 5.0, **headers: str) -> urllib3.BaseHTTPResponse:
    return urllib3.request(
        "POST", f"{url}/v1/traces", body=body, headers=headers, timeout=timeout_s, retries=False, redirect=False
    )


def test_the_oracle_counts_each_item_and_sees_those_that_come_twice(oracle: Oracle) -> None:
    assert post(oracle.url, body_of("a", "b")).status == 200
    assert post(oracle.url, gzip.compress(body_of("b", "c")), **{"Content-Encoding": "gzip"}).status == 200
    assert oracle.received() == {"a": 1, "b": 2, "c": 1}
    first, second = oracle.requests()
    assert first.at < second.at <= time.monotonic()


def test_a_killed_oracle_keeps_what_it_acknowledged_and_comes_back_on_its_port(oracle: Oracle) -> None:
    url = oracle.url
    post(url, body_of("a"))
    oracle.kill()
    with pytest.raises(urllib3.exceptions.HTTPError):
        post(url, body_of("b"))
    oracle.start()
    assert oracle.url == url
    post(url, body_of("c"))
    assert oracle.received() == {"a": 1, "c": 1}


def test_a_line_that_a_kill_cut_short_hides_none_that_comes_after_it(oracle: Oracle, tmp_path: Path) -> None:
    post(oracle.url, body_of("a"))
    oracle.kill()
    with (tmp_path / "oracle.jsonl").open("ab") as record:
        record.write(b'{"signal": "traces", "items": ["b')
    oracle.start()
    post(oracle.url, body_of("c"))
    assert oracle.received() == {"a": 1, "c": 1}


def test_the_oracle_refuses_in_order_and_then_receives(oracle: Oracle) -> None:
    oracle.will(Step(status=503, headers={"Retry-After": "7"}), Step(status=400), Step(rejected=2))
    answers = [post(oracle.url, body_of("a", "b", "c")) for _ in range(4)]
    assert [answer.status for answer in answers] == [503, 400, 200, 200]
    assert answers[0].headers["Retry-After"] == "7"
    assert ExportTraceServiceResponse.FromString(answers[2].data).partial_success.rejected_spans == 2
    assert oracle.received() == {"a": 1, "b": 1, "c": 2}
    assert oracle.answers() == ["503", "400", "200", "200"]


def test_the_oracle_takes_requests_up_to_a_size(oracle: Oracle) -> None:
    oracle.will(then=Step(most_bytes=1000))
    assert post(oracle.url, body_of("a", padding=900)).status == 200
    assert post(oracle.url, body_of("b", padding=1000)).status == 413
    assert oracle.received() == {"a": 1}


@pytest.mark.parametrize(("how", "received"), [("hang", {}), ("unread", {}), ("reset", {}), ("lost_answer", {"a": 1})])
def test_the_oracle_breaks_a_connection_in_each_way(how: Any, received: dict[str, int], oracle: Oracle) -> None:
    oracle.will(Step(how=how))
    with pytest.raises(urllib3.exceptions.HTTPError):
        post(oracle.url, body_of("a"), timeout_s=0.3)
    assert oracle.received() == received
    assert oracle.answers() == [how]


def test_the_oracle_lets_an_answer_drip(oracle: Oracle) -> None:
    oracle.will(Step(how="drip"))
    answer = urllib3.request("POST", f"{oracle.url}/v1/traces", body=body_of("a"), preload_content=False, retries=False)
    before = time.monotonic()
    assert answer.read(4) == b"xxxx"
    assert time.monotonic() - before > 0.25
    answer.close()


@pytest.mark.parametrize("how", ["huge", "bomb"])
def test_the_oracle_answers_with_300_mib(how: Any, oracle: Oracle) -> None:
    oracle.will(Step(how=how))
    answer = urllib3.request("POST", f"{oracle.url}/v1/traces", body=body_of("a"), preload_content=False, retries=False)
    read = 0
    while part := answer.read(2**22, decode_content=True):
        read += len(part)
    answer.close()
    assert read == 300 * 2**20


def test_the_oracle_speaks_grpc(tmp_path: Path) -> None:
    with Oracle(tmp_path, protocol="grpc") as oracle, grpc.insecure_channel(f"127.0.0.1:{oracle.port}") as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        oracle.will(Step(grpc_code=14, retry_info_s=3), Step(rejected=1))
        with pytest.raises(grpc.RpcError) as caught:
            export(body_of("a"), timeout=5)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "grpc-status-details-bin" in dict(caught.value.trailing_metadata())
        assert ExportTraceServiceResponse.FromString(export(body_of("a", "b"), timeout=5)).partial_success.rejected_spans == 1
        assert oracle.received() == {"b": 1}


def test_the_proxy_passes_refuses_and_passes_again(oracle: Oracle) -> None:
    with Proxy(oracle.port) as proxy:
        assert post(proxy.url, body_of("a")).status == 200
        proxy.set("refuse")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", proxy.port), timeout=1)
        with pytest.raises(urllib3.exceptions.HTTPError):
            post(proxy.url, body_of("b"))
        proxy.set("pass")
        assert post(proxy.url, body_of("c")).status == 200
    assert oracle.received() == {"a": 1, "c": 1}


def test_the_proxy_is_a_black_hole_that_accepts(oracle: Oracle) -> None:
    with Proxy(oracle.port) as proxy:
        proxy.set("black_hole")
        socket.create_connection(("127.0.0.1", proxy.port), timeout=1).close()
        with pytest.raises(urllib3.exceptions.ReadTimeoutError):
            post(proxy.url, body_of("a"), timeout_s=0.3)
        assert oracle.requests() == []


def test_the_proxy_resets_a_body_in_its_middle(oracle: Oracle) -> None:
    with Proxy(oracle.port) as proxy:
        proxy.reset_after_bytes = 2000
        proxy.set("reset")
        with pytest.raises(urllib3.exceptions.ProtocolError):
            post(proxy.url, body_of("a", padding=5000))
    assert oracle.received() == {}


def test_the_proxy_slows_a_body_down(oracle: Oracle) -> None:
    with Proxy(oracle.port) as proxy:
        proxy.bytes_per_s = 20_000
        before = time.monotonic()
        assert post(proxy.url, body_of("a", padding=10_000)).status == 200
        assert time.monotonic() - before > 0.4


# The invariants fail when they are broken.

SOUND = {
    "accepted": 3,
    "delivered": 2,
    "pending": 1,
    "spooled": 1,
    "recovered": 0,
    "retried": 0,
    "duplicated_at_most": 0,
    "dropped": {},
}


def run_that_left(
    *accounts: dict[str, Any], errors: str = "", recorded: int = 3, p99_ms: float = 0.1, rss: int = 0, took_s: float = 1.0
) -> Any:
    lines = [{"at": 0.0, "pid": 1, "ledger": {"traces/otlp": account}} for account in accounts]
    shared = {"recorded": recorded, "raised": [], "p99_ms": p99_ms, "rss_bytes": rss, "shutdown_s": took_s}
    final = {**lines[-1], **shared, "report": {"duration_s": took_s}}
    return SimpleNamespace(
        ticks=lines,
        finals=[final],
        final=final,
        errors=errors,
        work=Work(settings=otlp_settings("")),
        account=lambda signal: final["ledger"][f"{signal}/otlp"],
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"accepted": 4},
        {"delivered": 1},
        {"delivered": 3, "pending": 0, "spooled": 0},
        {"dropped": {"rejected": 1}},
        {"dropped": {"rejected": -1}, "pending": 2},
        {"spooled": 2},
        {"recovered": 1},
        {"recovered": 4},
    ],
    ids=str,
)
def test_i1_fails_for_an_account_that_is_wrong(wrong: dict[str, Any], oracle: Oracle) -> None:
    post(oracle.url, body_of("a", "b"))
    # Received before the first line was printed.
    invariants.i1_every_item_is_accounted_for([_later(run_that_left(SOUND))], oracle)
    with pytest.raises(AssertionError):
        invariants.i1_every_item_is_accounted_for([_later(run_that_left({**SOUND, **wrong}))], oracle)


def _later(run: Any) -> Any:
    for line in (*run.ticks, *run.finals):
        line["at"] = time.monotonic() + 1
    return run


def test_i1_fails_for_what_is_called_delivered_before_it_arrived_or_went_back_or_came_twice(oracle: Oracle) -> None:
    post(oracle.url, body_of("a", "b"))
    with pytest.raises(AssertionError, match="called delivered"):
        invariants.i1_every_item_is_accounted_for([run_that_left(SOUND)], oracle)
    shrinking = {**SOUND, "accepted": 4, "pending": 2}
    with pytest.raises(AssertionError, match="went back"):
        invariants.i1_every_item_is_accounted_for([_later(run_that_left(shrinking, SOUND))], oracle)
    post(oracle.url, body_of("b"))
    with pytest.raises(AssertionError, match="arrived twice"):
        invariants.i1_every_item_is_accounted_for([_later(run_that_left(SOUND))], oracle)


def test_the_other_invariants_fail_when_they_are_broken() -> None:
    healthy, hours = run_that_left(SOUND), 3600.0
    with pytest.raises(AssertionError):
        invariants.i2_nothing_is_raised_into_the_application(run_that_left(SOUND, errors="Traceback (most recent call last)"))
    with pytest.raises(AssertionError, match="p99"):
        invariants.i3_the_application_is_not_delayed(run_that_left(SOUND, p99_ms=1.2), healthy)
    with pytest.raises(AssertionError, match="MiB"):
        invariants.i4_memory_stays_within_its_caps(run_that_left(SOUND, rss=29 * 2**20), healthy)
    with pytest.raises(AssertionError, match="took"):
        invariants.i5_the_shutdown_keeps_its_deadline(run_that_left(SOUND, took_s=2.6))
    twice = "LOG 7 1.0 heliograph.delivery WARNING 5 dropped\nLOG 7 9.0 heliograph.delivery WARNING 6 dropped"
    with pytest.raises(AssertionError, match="said 2 times"):
        invariants.i6_log_lines_are_few(run_that_left(SOUND, errors=twice))
    others = (
        f"LOG 7 1.0 heliograph.delivery WARNING down\nLOG 7 {hours} heliograph.delivery WARNING down\n"
        "LOG 8 1.0 heliograph.delivery WARNING down\nLOG 7 1.0 other INFO a\nLOG 7 1.1 other INFO a"
    )
    invariants.i6_log_lines_are_few(run_that_left(SOUND, errors=others))


def test_work_survives_its_way_to_the_process_that_does_it() -> None:
    work = Work(settings=otlp_settings("http://127.0.0.1:1"), signals=("traces", "logs"), clock_jumps_s=(1.0,))
    assert Work.from_json(work.as_json()) == work
    assert json.loads(work.as_json())["settings"]["delivery"]["queue_size"] == 20_000
