"""The port of the endpoint: free, taken and by whom, impossible."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import pytest

from heliograph import TelemetryManager
from heliograph.doctor.circumstances import Circumstances
from heliograph.doctor.finding import Severity
from heliograph.doctor.ports import examine_port
from tests.support.processes import free_port
from tests.support.raw_server import raw_server

Around = Callable[..., Circumstances]


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        yield listening.getsockname()[1]


def test_a_free_port_is_fine(around: Around) -> None:
    port = free_port()
    (finding,) = examine_port(around(server={"port": port}))
    assert finding.severity is Severity.OK
    assert finding.what.endswith(f"can be at 127.0.0.1:{port}")


def test_any_port_is_fine(around: Around) -> None:
    (finding,) = examine_port(around(server={"port": 0}))
    assert finding.what.endswith("can be at 127.0.0.1, on any free port")


def test_a_port_that_is_taken_is_named_with_the_program_that_has_it(around: Around, taken: int) -> None:
    (finding,) = examine_port(around(server={"port": taken}))
    assert finding.severity is Severity.ERROR
    assert finding.what.startswith(f"port {taken} is taken, by ")
    assert "pid " in finding.what
    assert "there will be no endpoint" in finding.why
    assert "set server.port to a free port" in finding.fix


def test_a_port_that_moves_on_is_a_warning(around: Around, taken: int) -> None:
    (finding,) = examine_port(around(server={"port": taken, "when_taken": "next"}))
    assert (finding.severity, "the next free port" in finding.why) == (Severity.WARNING, True)


def test_the_setting_that_names_the_port_is_said(around: Around, taken: int) -> None:
    exporters = [{"type": "prometheus", "port": taken}]
    (finding,) = examine_port(around(metrics={"exporters": exporters}))
    assert "set metrics.exporters[0].port to" in finding.fix


@pytest.mark.parametrize("name", ["shop", "another"])
def test_a_service_with_heliograph_is_known_by_its_metrics(
    name: str, around: Around, start: Callable[..., TelemetryManager]
) -> None:
    running = start(service_name=name)
    assert running.endpoint_url is not None
    port = int(running.endpoint_url.rpartition(":")[2])
    (finding,) = examine_port(around(server={"port": port}))
    if name == "shop":
        assert finding.severity is Severity.INFO
        assert "is served already" in finding.what
    else:
        assert finding.severity is Severity.ERROR
        assert "It looks like the service 'another' with heliograph." in finding.why


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 2\r\n\r\nhi", "It answers as 'nginx'."),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n# TYPE x gauge", "It serves metrics of another program."),
    ],
)
def test_another_server_says_what_it_is(answer: bytes, said: str, around: Around) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    with raw_server(talk) as url:
        (finding,) = examine_port(around(server={"port": int(url.rpartition(":")[2])}))
    assert said in finding.why


@pytest.mark.parametrize(
    ("host", "why"), [("203.0.113.7", "This machine has no such address."), ("nowhere.invalid", "The system says: ")]
)
def test_an_address_that_is_not_of_this_machine_is_named(host: str, why: str, around: Around) -> None:
    (finding,) = examine_port(around(server={"host": host, "port": 0, "allow_unauthenticated": True}))
    assert finding.severity is Severity.ERROR
    assert why in finding.why
    assert "server.host" in finding.fix


def test_an_endpoint_that_is_switched_off_is_worth_knowing_when_metrics_are_to_be_scraped(around: Around) -> None:
    (scraped,) = examine_port(around(server={"enabled": False}))
    (pushed,) = examine_port(around(server={"enabled": False}, metrics={"exporters": ["otlp"]}))
    assert (scraped.severity, pushed.severity) == (Severity.INFO, Severity.INFO)
    assert "nothing to scrape" in scraped.why
    assert pushed.why == ""


def test_a_server_that_never_ends_its_answer_is_not_waited_for(around: Around) -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(1024)
        for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1000:
            connection.sendall(bytes([byte]))
            time.sleep(0.1)

    with raw_server(drip) as url:
        began_at = time.monotonic()
        (finding,) = examine_port(around(server={"port": int(url.rpartition(":")[2])}))
        took_s = time.monotonic() - began_at
    assert finding.what.startswith("port ")
    assert took_s < 10
