"""OTLP over gRPC against a real server: what each status means, RetryInfo, and servers that are not there."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import DebugInfo, RetryInfo
from google.rpc.status_pb2 import Status

from heliograph.exporters.otlp_grpc import OtlpGrpcTransport
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.outcome import Delivered, Outcome, Rejected, Retry, TooLarge
from tests.support.otlp_receiver import Answer, OtlpReceiver, grpc_receiver, http_receiver
from tests.support.otlp_requests import spans_request
from tests.support.processes import free_port
from tests.support.raw_server import raw_server
from tests.support.waiting import until

# Whether the batch may have arrived all the same.
RETRYABLE = {
    "CANCELLED": True,
    "DEADLINE_EXCEEDED": True,
    "ABORTED": False,
    "OUT_OF_RANGE": False,
    "UNAVAILABLE": True,
    "DATA_LOSS": True,
}
FINAL = tuple(code.name for code in grpc.StatusCode if code.name not in {*RETRYABLE, "OK"})


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with grpc_receiver() as running:
        yield running


@pytest.fixture
def call() -> Iterator[Callable[..., Outcome]]:
    """Send spans to a URL and close the channel when the test is over."""
    opened: list[OtlpGrpcTransport] = []

    def call_with_spans(
        url: str, *names: str, timeout_s: float = 5.0, compression: str = "gzip", headers: Any = None
    ) -> Outcome:
        transport = OtlpGrpcTransport(SIGNALS["traces"], url, headers=headers or {}, compression=compression)
        opened.append(transport)
        return transport.send(transport.pack(spans_request(*(names or ("work",)))), timeout_s)

    yield call_with_spans
    for transport in opened:
        transport.close()


def _number(name: str) -> int:
    number: int = grpc.StatusCode[name].value[0]
    return number


def _details(*messages: Any) -> dict[str, Any]:
    """The trailing metadata that carries ``messages`` as details of a status."""
    status = Status()
    for message in messages:
        status.details.add().Pack(message)
    return {"grpc-status-details-bin": status.SerializeToString()}


def _retry_info(seconds: int, nanos: int = 0) -> RetryInfo:
    return RetryInfo(retry_delay=Duration(seconds=seconds, nanos=nanos))


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_spans_arrive_with_or_without_compression(
    receiver: OtlpReceiver, call: Callable[..., Outcome], compression: str
) -> None:
    assert call(receiver.url, "a", "b", compression=compression) == Delivered()
    assert [span.name for span in receiver.spans()] == ["a", "b"]


@pytest.mark.parametrize("signal", SIGNALS)
def test_each_signal_calls_its_own_service(receiver: OtlpReceiver, signal: str) -> None:
    transport = OtlpGrpcTransport(SIGNALS[signal], receiver.url, headers={}, compression="none")
    assert transport.send(transport.pack(b""), 5.0) == Delivered()
    assert [signal for signal, _headers, _message in receiver.requests] == [signal]
    transport.close()


def test_headers_of_the_settings_are_sent_in_lower_case(receiver: OtlpReceiver, call: Callable[..., Outcome]) -> None:
    assert call(receiver.url, headers={"Authorization": "Bearer x", "X-Tenant": "Team A"}) == Delivered()
    ((_signal, headers, _message),) = receiver.requests
    assert (headers["authorization"], headers["x-tenant"]) == ("Bearer x", "Team A")


@pytest.mark.parametrize(("name", "may_have_arrived"), RETRYABLE.items())
def test_statuses_that_promise_better_times_are_tried_again(
    receiver: OtlpReceiver, call: Callable[..., Outcome], name: str, may_have_arrived: bool
) -> None:
    receiver.answers = [Answer(_number(name))]
    reason = f"gRPC {name} from {receiver.url.removeprefix('http://')}"
    assert call(receiver.url) == Retry(reason=reason, may_have_arrived=may_have_arrived)


@pytest.mark.parametrize("name", FINAL)
def test_other_statuses_are_final(receiver: OtlpReceiver, call: Callable[..., Outcome], name: str) -> None:
    receiver.answers = [Answer(_number(name))]
    assert call(receiver.url) == Rejected(reason=f"gRPC {name} from {receiver.url.removeprefix('http://')}")
    assert receiver.attempts == 1


@pytest.mark.parametrize("name", ["RESOURCE_EXHAUSTED", "UNAVAILABLE"])
@pytest.mark.parametrize(
    ("told", "expected_s"), [(_retry_info(7), 7.0), (_retry_info(0, 250_000_000), 0.25), (RetryInfo(), 0.0)]
)
def test_a_retry_info_is_honoured(
    receiver: OtlpReceiver, call: Callable[..., Outcome], name: str, told: RetryInfo, expected_s: float
) -> None:
    receiver.answers = [Answer(_number(name), headers=_details(DebugInfo(detail="x"), told))]
    outcome = call(receiver.url)
    assert isinstance(outcome, Retry)
    assert outcome.after_s == expected_s
    assert not outcome.may_have_arrived


@pytest.mark.parametrize("name", ["PERMISSION_DENIED", "INVALID_ARGUMENT"])
def test_a_retry_info_does_not_make_a_final_status_retryable(
    receiver: OtlpReceiver, call: Callable[..., Outcome], name: str
) -> None:
    receiver.answers = [Answer(_number(name), headers=_details(_retry_info(1)))]
    assert isinstance(call(receiver.url), Rejected)


def test_exhausted_resources_with_other_details_are_final(receiver: OtlpReceiver, call: Callable[..., Outcome]) -> None:
    receiver.answers = [Answer(_number("RESOURCE_EXHAUSTED"), headers=_details(DebugInfo(detail="quota")))]
    assert isinstance(call(receiver.url), Rejected)


def _garbled_retry_info() -> dict[str, Any]:
    status = Status()
    status.details.append(AnyMessage(type_url="type.googleapis.com/google.rpc.RetryInfo", value=b"\xff\xff\xff"))
    return {"grpc-status-details-bin": status.SerializeToString()}


@pytest.mark.parametrize(
    "headers",
    [
        {"grpc-status-details-bin": b"\xff\xff garbage"},
        {"grpc-status-details-bin": b""},
        _garbled_retry_info(),
    ],
    ids=["garbled status", "empty", "garbled retry info"],
)
def test_details_that_cannot_be_read_are_as_good_as_none(
    receiver: OtlpReceiver, call: Callable[..., Outcome], headers: dict[str, Any]
) -> None:
    receiver.answers = [Answer(_number("UNAVAILABLE"), headers=headers)]
    outcome = call(receiver.url)
    assert isinstance(outcome, Retry)
    assert outcome.after_s is None


def test_a_partial_success_is_counted_with_its_reason(receiver: OtlpReceiver, call: Callable[..., Outcome]) -> None:
    answer = SIGNALS["traces"].response()
    answer.partial_success.rejected_spans = 2
    answer.partial_success.error_message = "too old"
    receiver.answers = [Answer(200, body=answer.SerializeToString())]
    assert call(receiver.url, "a", "b", "c") == Delivered(rejected=2, reason="partial success: too old")


def test_an_answer_that_cannot_be_read_is_a_success(receiver: OtlpReceiver, call: Callable[..., Outcome]) -> None:
    receiver.answers = [Answer(200, body=b"\xff\xff\xff")]
    assert call(receiver.url) == Delivered()


def test_a_server_that_stalls_is_given_the_timeout_and_tried_again(
    receiver: OtlpReceiver, call: Callable[..., Outcome]
) -> None:
    receiver.answers = [Answer(delay_s=0.8)]
    started_at = time.monotonic()
    outcome = call(receiver.url, timeout_s=0.2)
    assert 0.15 < time.monotonic() - started_at < 0.7
    assert isinstance(outcome, Retry)
    assert "DEADLINE_EXCEEDED" in outcome.reason
    assert outcome.may_have_arrived


def test_nobody_listening_is_tried_again_and_costs_no_more_than_the_timeout(call: Callable[..., Outcome]) -> None:
    started_at = time.monotonic()
    outcome = call(f"http://127.0.0.1:{free_port()}", timeout_s=1.0)
    assert time.monotonic() - started_at < 1.5
    assert isinstance(outcome, Retry)
    assert "UNAVAILABLE" in outcome.reason
    assert not outcome.may_have_arrived


def _say_nothing(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def test_a_server_that_accepts_and_says_nothing_has_received_nothing(call: Callable[..., Outcome]) -> None:
    with raw_server(_say_nothing) as url:
        started_at = time.monotonic()
        outcome = call(url, timeout_s=1.5)  # gRPC's timers tick ten times a second
        assert time.monotonic() - started_at < 2.0
    assert outcome == Retry(reason=f"gRPC UNAVAILABLE from {url.removeprefix('http://')}")


def test_a_connection_that_ends_after_the_call_began_leaves_open_whether_it_arrived(call: Callable[..., Outcome]) -> None:
    def settle_and_hang_up(connection: socket.socket) -> None:
        connection.sendall(b"\0\0\0\x04\0\0\0\0\0")  # empty SETTINGS: the connection is ready
        time.sleep(0.2)
        connection.recv(65536)

    with raw_server(settle_and_hang_up) as url:
        outcome = call(url)
    assert outcome == Retry(reason=f"gRPC UNAVAILABLE from {url.removeprefix('http://')}", may_have_arrived=True)


def test_a_request_larger_than_the_server_takes_is_sent_again_in_halves(receiver: OtlpReceiver) -> None:
    transport = OtlpGrpcTransport(SIGNALS["traces"], receiver.url, headers={}, compression="none")
    outcome = transport.send(b"x" * (5 * 1024 * 1024), 5.0)
    transport.close()
    assert outcome == TooLarge(reason=f"gRPC RESOURCE_EXHAUSTED from {receiver.url.removeprefix('http://')}")


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_an_answer_larger_than_we_read_is_a_success_and_no_reason_to_send_halves(
    receiver: OtlpReceiver, call: Callable[..., Outcome], compression: str
) -> None:
    receiver.answers = [Answer(200, body=b"x" * (5 * 1024 * 1024))]
    assert call(receiver.url, compression=compression) == Delivered()
    assert receiver.attempts == 1


def test_a_channel_is_kept_for_many_calls_and_replaced_when_it_could_not_connect(receiver: OtlpReceiver) -> None:
    transport = OtlpGrpcTransport(SIGNALS["traces"], receiver.url, headers={}, compression="none")
    assert transport.send(b"", 5.0) == Delivered()
    kept = transport._channel
    assert [transport.send(b"", 5.0) for _ in range(3)] == [Delivered()] * 3
    assert transport._channel is kept
    transport.close()
    unconnected = OtlpGrpcTransport(SIGNALS["traces"], f"http://127.0.0.1:{free_port()}", headers={}, compression="none")
    assert isinstance(unconnected.send(b"", 1.0), Retry)
    assert unconnected._channel is None


def test_a_server_that_comes_up_later_is_found_on_the_same_channel() -> None:
    port = free_port()
    transport = OtlpGrpcTransport(SIGNALS["traces"], f"http://127.0.0.1:{port}", headers={}, compression="none")
    try:
        assert isinstance(transport.send(b"", 0.5), Retry)
        with _server_on(port):
            until(lambda: transport.send(b"", 0.5) == Delivered(), timeout_s=8)
    finally:
        transport.close()


@contextmanager
def _server_on(port: int) -> Iterator[None]:
    class Service(grpc.GenericRpcHandler):
        def service(self, _details: Any) -> Any:
            return grpc.unary_unary_rpc_method_handler(lambda _body, _context: b"")

    server = grpc.server(futures.ThreadPoolExecutor(1), handlers=(Service(),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield
    finally:
        server.stop(0).wait()


def test_a_server_that_speaks_http_1_only_is_not_mistaken_for_a_success(call: Callable[..., Outcome]) -> None:
    with http_receiver() as receiver:
        assert not isinstance(call(receiver.url, timeout_s=1.0), Delivered)


@pytest.mark.parametrize("value", ["Bearer s3cret\n", "Bearer s3cret \u2603"])
def test_a_header_that_cannot_be_sent_shows_its_value_nowhere(
    receiver: OtlpReceiver, call: Callable[..., Outcome], value: str
) -> None:
    outcome = call(receiver.url, headers={"Authorization": value})
    assert isinstance(outcome, Rejected)
    assert "s3cret" not in outcome.reason


def test_a_closed_transport_opens_a_new_channel_when_it_is_used_again(receiver: OtlpReceiver) -> None:
    transport = OtlpGrpcTransport(SIGNALS["traces"], receiver.url, headers={}, compression="none")
    for _ in range(2):
        assert transport.send(b"", 5.0) == Delivered()
        transport.close()


@pytest.mark.parametrize(
    ("endpoint", "shown"),
    [
        ("http://127.0.0.1:1", "127.0.0.1:1"),
        ("http://[::1]:1", "[::1]:1"),
        ("http://user:s3cret@127.0.0.1:1/path?token=s3cret", "127.0.0.1:1"),
    ],
)
def test_a_reason_names_host_and_port_and_nothing_else_of_the_endpoint(
    call: Callable[..., Outcome], endpoint: str, shown: str
) -> None:
    outcome = call(endpoint, timeout_s=1.0)
    assert isinstance(outcome, Retry)
    assert outcome.reason.endswith(f"from {shown}")
