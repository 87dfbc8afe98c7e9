"""What a server said to the last attempt, as the transports keep it for people who look for a fault."""

from __future__ import annotations

import pytest

from heliograph.exporters.otlp import LONGEST_HEARD_BYTES, OtlpExporter
from heliograph.exporters.otlp_grpc import OtlpGrpcTransport
from heliograph.exporters.otlp_http import OtlpHttpTransport
from heliograph.otlp.messages import SIGNALS
from tests.support.otlp_receiver import Answer, grpc_receiver, http_receiver
from tests.support.processes import free_port

TRANSPORTS = {"http": OtlpHttpTransport, "grpc": OtlpGrpcTransport}


def transport(protocol: str, url: str):
    return TRANSPORTS[protocol](SIGNALS["traces"], url, headers={}, compression="none")


def test_an_answer_of_http_is_kept_with_its_status_its_headers_and_the_beginning_of_its_body() -> None:
    with http_receiver() as receiver:
        receiver.answers = [Answer(403, {"X-Why": "tenant"}, b"no" + b"x" * LONGEST_HEARD_BYTES), Answer()]
        sending = transport("http", receiver.url)
        exporter = OtlpExporter(sending)
        assert exporter.answered is None
        sending.send(b"", 5)
        kept = exporter.answered
        sending.send(b"", 5)
        latest = exporter.answered
        sending.close()
    assert kept is not None
    assert (kept.status, kept.headers["x-why"], len(kept.body)) == ("403", "tenant", LONGEST_HEARD_BYTES)
    assert kept.body.startswith(b"nox")
    assert latest is not None
    assert (latest.status, latest.body) == ("200", b"")


def test_an_answer_of_grpc_is_kept_with_its_code_its_metadata_and_its_details() -> None:
    with grpc_receiver() as receiver:
        receiver.answers = [Answer(7, {"x-why": "tenant"}, details="not you"), Answer()]
        sending = transport("grpc", receiver.url)
        sending.send(b"", 5)
        kept = sending.answered
        sending.send(b"", 5)
        latest = sending.answered
        sending.close()
    assert kept is not None
    assert (kept.status, kept.headers["x-why"], kept.body) == ("PERMISSION_DENIED", "tenant", b"not you")
    assert latest is not None
    assert latest.status == "OK"


@pytest.mark.parametrize("protocol", TRANSPORTS)
def test_an_attempt_without_an_answer_forgets_the_one_before(protocol: str) -> None:
    receiver = http_receiver if protocol == "http" else grpc_receiver
    with receiver() as there:
        sending = transport(protocol, there.url)
        sending.send(b"", 5)
        assert sending.answered is not None
    sending.close()
    for _attempt in range(2):
        sending.send(b"", 1)
    assert sending.answered is None or sending.answered.status == "UNAVAILABLE"
    sending.close()


@pytest.mark.parametrize("protocol", TRANSPORTS)
def test_where_nobody_listens_nobody_answers(protocol: str) -> None:
    sending = transport(protocol, f"http://127.0.0.1:{free_port()}")
    sending.send(b"", 2)
    assert sending.answered is None
    sending.close()
