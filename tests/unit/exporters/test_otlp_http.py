"""OTLP over HTTP against a real receiver: what each answer means, and answers that no receiver should give."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.exporters.otlp_http import OtlpHttpTransport, signal_url
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.outcome import Delivered, Outcome, Rejected, Retry
from tests.support.otlp_receiver import Answer, OtlpReceiver, http_receiver
from tests.support.otlp_requests import spans_request
from tests.support.processes import free_port

NOW = datetime(2026, 5, 17, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with http_receiver() as running:
        yield running


@pytest.fixture
def post() -> Iterator[Callable[..., Outcome]]:
    """Send spans to a URL and close the connections when the test is over."""
    opened: list[OtlpHttpTransport] = []

    def post_spans(url: str, *names: str, timeout_s: float = 5.0, compression: str = "gzip", headers: Any = None) -> Outcome:
        transport = OtlpHttpTransport(
            SIGNALS["traces"], url, headers=headers or {}, compression=compression, environ={}, now=lambda: NOW
        )
        opened.append(transport)
        return transport.send(transport.pack(spans_request(*(names or ("work",)))), timeout_s)

    yield post_spans
    for transport in opened:
        transport.close()


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_spans_arrive_with_or_without_compression(
    receiver: OtlpReceiver, post: Callable[..., Outcome], compression: str
) -> None:
    assert post(receiver.url, "a", "b", compression=compression) == Delivered()
    assert [span.name for span in receiver.spans()] == ["a", "b"]
    ((_signal, headers, _message),) = receiver.requests
    assert headers.get("Content-Encoding") == ("gzip" if compression == "gzip" else None)
    assert headers["Content-Type"] == "application/x-protobuf"
    assert headers["User-Agent"].startswith("heliograph/")


def test_headers_of_the_settings_are_sent(receiver: OtlpReceiver, post: Callable[..., Outcome]) -> None:
    assert post(receiver.url, headers={"Authorization": "Bearer x", "X-Scope-OrgID": "team"}) == Delivered()
    ((_signal, headers, _message),) = receiver.requests
    assert (headers["Authorization"], headers["X-Scope-OrgID"]) == ("Bearer x", "team")


@pytest.mark.parametrize("ending", ["", "/", "/v1/traces", "/v1/traces/", "/collector", "/collector/v1/traces"])
def test_an_endpoint_may_or_may_not_end_with_the_path_of_the_signal(
    receiver: OtlpReceiver, post: Callable[..., Outcome], ending: str
) -> None:
    assert post(receiver.url + ending) == Delivered()
    assert [signal for signal, _headers, _message in receiver.requests] == ["traces"]


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("http://h:4318", "http://h:4318/v1/traces"),
        ("http://h:4318/", "http://h:4318/v1/traces"),
        ("http://h/v1/traces", "http://h/v1/traces"),
        ("http://h/otlp/", "http://h/otlp/v1/traces"),
        ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
        ("http://h/otlp?tenant=a", "http://h/otlp/v1/traces?tenant=a"),
    ],
)
def test_the_url_of_a_signal(endpoint: str, expected: str) -> None:
    assert signal_url(endpoint, "/v1/traces") == expected


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_a_success(receiver: OtlpReceiver, post: Callable[..., Outcome], status: int) -> None:
    receiver.answers = [Answer(status)]
    assert post(receiver.url) == Delivered()


@pytest.mark.parametrize(("status", "may_have_arrived"), [(429, False), (502, True), (503, False), (504, True)])
def test_answers_that_promise_better_times_are_tried_again_and_say_whether_a_gateway_may_have_passed_it_on(
    receiver: OtlpReceiver, post: Callable[..., Outcome], status: int, may_have_arrived: bool
) -> None:
    receiver.answers = [Answer(status)]
    reason = f"HTTP {status} from {receiver.url.removeprefix('http://')}"
    assert post(receiver.url) == Retry(reason=reason, may_have_arrived=may_have_arrived)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 408, 418, 500, 501, 505])
def test_other_answers_are_final(receiver: OtlpReceiver, post: Callable[..., Outcome], status: int) -> None:
    receiver.answers = [Answer(status)]
    assert post(receiver.url) == Rejected(reason=f"HTTP {status} from {receiver.url.removeprefix('http://')}")
    assert receiver.attempts == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_never_followed(receiver: OtlpReceiver, post: Callable[..., Outcome], status: int) -> None:
    with http_receiver() as elsewhere:
        receiver.answers = [Answer(status, headers={"Location": f"{elsewhere.url}/v1/traces"})]
        assert isinstance(post(receiver.url, headers={"Authorization": "secret"}), Rejected)
        assert elsewhere.attempts == 0
    assert receiver.attempts == 1


_TOLD = [
    ("0", 0.0),
    ("7", 7.0),
    (" 7 ", 7.0),
    ("86400", 86400.0),
    (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
    (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
    ("Sunday, 17-May-26 12:00:30 GMT", 30.0),
    ("Sun May 17 12:00:30 2026", 30.0),
]


@pytest.mark.parametrize(("told", "expected_s"), _TOLD)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_understood_in_both_its_forms(
    receiver: OtlpReceiver, post: Callable[..., Outcome], status: int, told: str, expected_s: float
) -> None:
    receiver.answers = [Answer(status, headers={"Retry-After": told})]
    outcome = post(receiver.url)
    assert isinstance(outcome, Retry)
    assert outcome.after_s == expected_s


@pytest.mark.parametrize(
    "told",
    [
        "",
        "soon",
        "-5",
        "1.5",
        "1e3",
        "0x10",
        "1, 2",
        "\u00b2",
        "\u00b9\u00b2",
        "Mon, 01 Jan 2024 00:00:00 +99999999999999999999",
    ],
)
def test_a_retry_after_that_says_nothing_is_as_good_as_none(
    receiver: OtlpReceiver, post: Callable[..., Outcome], told: str
) -> None:
    receiver.answers = [Answer(503, headers={"Retry-After": told})]
    outcome = post(receiver.url)
    assert isinstance(outcome, Retry)
    assert outcome.after_s is None


@pytest.mark.parametrize("told", ["9" * 12, "9" * 400, "9" * 5000])
def test_a_retry_after_beyond_all_measure_is_still_a_wait(
    receiver: OtlpReceiver, post: Callable[..., Outcome], told: str
) -> None:
    receiver.answers = [Answer(503, headers={"Retry-After": told})]
    outcome = post(receiver.url)
    assert isinstance(outcome, Retry)
    assert outcome.after_s is not None
    assert 3600 < outcome.after_s <= 10 * 365 * 86400


@given(st.text(max_size=40) | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,6} [0-9:]{1,9} [-+A-Z0-9]{1,7}"))
def test_a_retry_after_of_any_text_is_a_wait_that_clocks_can_add_or_none(told: str) -> None:
    transport = OtlpHttpTransport(SIGNALS["traces"], "http://127.0.0.1:1", headers={}, compression="none", environ={})
    wait_s = transport._seconds(told)
    assert wait_s is None or 0 <= wait_s <= 10 * 365 * 86400


def test_a_date_in_the_far_future_is_waited_for_ten_years_at_most(
    receiver: OtlpReceiver, post: Callable[..., Outcome]
) -> None:
    receiver.answers = [Answer(503, headers={"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"})]
    outcome = post(receiver.url)
    assert isinstance(outcome, Retry)
    assert outcome.after_s == 10 * 365 * 86400


def _partial(rejected: int, reason: str) -> bytes:
    answer = SIGNALS["traces"].response()
    answer.partial_success.rejected_spans = rejected
    answer.partial_success.error_message = reason
    return answer.SerializeToString()


@pytest.mark.parametrize("is_gzip", [False, True])
def test_a_partial_success_is_counted_with_its_reason(
    receiver: OtlpReceiver, post: Callable[..., Outcome], is_gzip: bool
) -> None:
    body = _partial(2, "too old")
    headers = {"Content-Encoding": "gzip"} if is_gzip else {}
    receiver.answers = [Answer(200, headers, gzip.compress(body) if is_gzip else body)]
    assert post(receiver.url, "a", "b", "c") == Delivered(rejected=2, reason="partial success: too old")


def test_a_partial_success_that_refuses_nothing_is_a_success(receiver: OtlpReceiver, post: Callable[..., Outcome]) -> None:
    receiver.answers = [Answer(200, body=_partial(0, "deprecated field"))]
    assert post(receiver.url) == Delivered()


def test_a_reason_of_any_length_is_cut(receiver: OtlpReceiver, post: Callable[..., Outcome]) -> None:
    receiver.answers = [Answer(200, body=_partial(1, "x" * 100_000))]
    outcome = post(receiver.url)
    assert isinstance(outcome, Delivered)
    assert len(outcome.reason) < 300


def test_nobody_listening_is_tried_again(post: Callable[..., Outcome]) -> None:
    outcome = post(f"http://127.0.0.1:{free_port()}")
    assert isinstance(outcome, Retry)
    assert "connection refused or unreachable at 127.0.0.1:" in outcome.reason


def test_a_name_that_does_not_resolve_is_tried_again_and_says_dns(post: Callable[..., Outcome]) -> None:
    outcome = post("http://no-such-host.invalid:4318")
    assert isinstance(outcome, Retry)
    assert "DNS" in outcome.reason


def test_a_connection_closed_early_is_tried_again(receiver: OtlpReceiver, post: Callable[..., Outcome]) -> None:
    receiver.answers = [Answer(0)]
    outcome = post(receiver.url)
    assert isinstance(outcome, Retry)
    assert outcome.reason.startswith("connection closed early at")


def test_a_receiver_that_stalls_is_given_the_timeout_and_tried_again(
    receiver: OtlpReceiver, post: Callable[..., Outcome]
) -> None:
    receiver.answers = [Answer(delay_s=1.0)]
    started_at = time.monotonic()
    outcome = post(receiver.url, timeout_s=0.2)
    assert 0.15 < time.monotonic() - started_at < 0.8
    assert isinstance(outcome, Retry)
    assert outcome.reason.startswith("no answer in time at")


def test_tls_to_a_receiver_that_speaks_none_is_tried_again_and_says_tls(
    receiver: OtlpReceiver, post: Callable[..., Outcome]
) -> None:
    outcome = post(receiver.url.replace("http://", "https://"))
    assert isinstance(outcome, Retry)
    assert outcome.reason.startswith("TLS")


def test_reasons_never_show_what_is_in_the_url_or_in_the_headers(receiver: OtlpReceiver, post: Callable[..., Outcome]) -> None:
    receiver.answers = [Answer(403), Answer(503)]
    url = receiver.url.replace("http://", "http://user:s3cret@")
    for _ in range(2):
        outcome = post(f"{url}?token=s3cret", headers={"Authorization": "Bearer s3cret"})
        assert not isinstance(outcome, Delivered)
        assert "s3cret" not in outcome.reason
    unreachable = post(f"http://user:s3cret@127.0.0.1:{free_port()}")
    assert "s3cret" not in unreachable.reason


@pytest.mark.parametrize("value", ["Bearer s3cret\n", "Bearer s3cret\r\nX-More: 1", "Bearer s3cret \u2603"])
def test_a_header_that_cannot_be_sent_shows_its_value_nowhere(
    receiver: OtlpReceiver, post: Callable[..., Outcome], value: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert post(receiver.url, headers={"Authorization": value}) == Rejected(reason="a header that HTTP cannot carry")
    assert "s3cret" not in caplog.text


def test_a_header_of_the_settings_replaces_ours_in_whatever_case(receiver: OtlpReceiver, post: Callable[..., Outcome]) -> None:
    assert post(receiver.url, headers={"user-agent": "mine", "HOST": "tenant.test"}) == Delivered()
    ((_signal, headers, _message),) = receiver.requests
    named = [(name.lower(), value) for name, value in headers.items()]
    assert sorted(value for name, value in named if name in ("user-agent", "host")) == ["mine", "tenant.test"]


@pytest.mark.parametrize("signal", SIGNALS)
def test_each_signal_goes_to_its_own_path(receiver: OtlpReceiver, signal: str) -> None:
    transport = OtlpHttpTransport(SIGNALS[signal], receiver.url, headers={}, compression="none", environ={})
    assert transport.send(transport.pack(b""), 5.0) == Delivered()
    assert [signal for signal, _headers, _message in receiver.requests] == [signal]
    transport.close()
