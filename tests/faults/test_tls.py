"""Row "TLS expired, wrong host, stalled": nothing is sent, nothing is lost, nothing goes out unencrypted, and it is said."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Healthy
from tests.faults.rig.invariants import hold, i1_every_item_is_accounted_for, log_lines
from tests.faults.rig.receiving import Oracle
from tests.faults.rig.subjects import Run, run_to_end
from tests.faults.rig.work import Work, otlp_settings
from tests.support.certificates import Certificate, Certificates, make_certificates
from tests.support.raw_server import raw_server
from tests.support.tls_server import server_context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@contextmanager
def in_front_of(oracle: Oracle, certificate: Certificate) -> Iterator[tuple[str, list[bytes]]]:
    """TLS in front of the oracle; gives its URL, and the first bytes that each client sent in the clear."""
    context, seen = server_context(certificate), list[bytes]()
    listener = socket.create_server(("127.0.0.1", 0))
    target = ("127.0.0.1", int(oracle.url.rsplit(":", 1)[1]))

    def serve() -> None:
        while True:
            try:
                client, _address = listener.accept()
            except OSError:
                return
            client.settimeout(10)
            threading.Thread(target=talk, args=(client,), daemon=True).start()

    def talk(client: socket.socket) -> None:
        with suppress(OSError), client:
            seen.append(client.recv(1, socket.MSG_PEEK))
            with context.wrap_socket(client, server_side=True) as secure, socket.create_connection(target, 10) as onward:
                threading.Thread(target=copy, args=(onward, secure), daemon=True).start()
                copy(secure, onward)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}", seen
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError, ssl.SSLError):
        while data := source.recv(65536):
            target.sendall(data)


def work_over_tls(url: str, certificates: Certificates, spool: Path, **work: Any) -> Work:
    settings = otlp_settings(url, timeout="1s", delivery={"spool_directory": str(spool)})
    settings["tracing"]["exporters"][0]["tls"] = {"ca_file": certificates.ca_file}
    return Work(settings=settings, **work)


def said(run: Run) -> str:
    return " ".join(text for _at, _logger, text in log_lines(run))


@pytest.mark.parametrize(
    ("which", "reason"), [("expired", "certificate has expired"), ("elsewhere", "another host"), ("strange", "")]
)
def test_a_certificate_that_is_not_valid_gets_nothing_and_its_successor_gets_everything(
    which: str, reason: str, oracle: Oracle, healthy: Healthy, certificates: Certificates, tmp_path: Path
) -> None:
    with in_front_of(oracle, getattr(certificates, which)) as (url, seen):
        refused = run_to_end(work_over_tls(url, certificates, tmp_path / "spool"))
    hold(refused, oracle, healthy)
    account = refused.account()
    assert (account["delivered"], account["spooled"], account["dropped"], oracle.unique()) == (0, 1000, {}, 0)
    assert "TLS: " in said(refused)
    assert reason in said(refused)
    assert set(seen) == {b"\x16"}  # a handshake record each time: never anything in the clear
    with in_front_of(oracle, certificates.good) as (url, _seen):
        accepted = run_to_end(work_over_tls(url, certificates, tmp_path / "spool", items=1, settle_s=15.0, prefix="after"))
    i1_every_item_is_accounted_for([refused, accepted], oracle)
    assert oracle.unique() == oracle.received().total() == 1001


def test_a_handshake_that_stalls_takes_the_time_out_and_loses_nothing(
    oracle: Oracle, healthy: Healthy, certificates: Certificates, tmp_path: Path
) -> None:
    over = threading.Event()
    with raw_server(lambda _connection: bool(over.wait(20)) and None) as url:
        run = run_to_end(work_over_tls(url.replace("http://", "https://"), certificates, tmp_path / "spool"))
        over.set()
    hold(run, oracle, healthy)
    account = run.account()
    assert (account["delivered"], account["spooled"], account["dropped"]) == (0, 1000, {})
    assert "TLS: " in said(run)
