"""OTLP over HTTP: answers that are huge, endless, garbled or cut, byte by byte from a raw server."""

from __future__ import annotations

import gzip
import socket
import time
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest

from heliograph.exporters.otlp_http import OtlpHttpTransport
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.outcome import Delivered, Outcome, Rejected, Retry, TooLarge
from tests.support.otlp_receiver import Answer, http_receiver
from tests.support.raw_server import answering, raw_server, read_request

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
MEGABYTE = 1024 * 1024


def _transport(url: str) -> OtlpHttpTransport:
    return OtlpHttpTransport(SIGNALS["traces"], url, headers={}, compression="none", environ={})


def _send(url: str, times: int = 1, timeout_s: float = 5.0) -> list[Outcome]:
    transport = _transport(url)
    try:
        return [transport.send(b"", timeout_s) for _ in range(times)]
    finally:
        transport.close()


def test_a_large_answer_is_not_read_to_its_end() -> None:
    with http_receiver() as receiver:
        receiver.answers = [Answer(200, body=b"x" * (64 * MEGABYTE))]
        assert _send(receiver.url, times=2) == [Delivered(), Delivered()]


def test_an_answer_without_an_end_is_not_read_for_ever() -> None:
    def endless(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    with raw_server(endless) as url:
        started_at = time.monotonic()
        assert _send(url) == [Delivered()]
        assert time.monotonic() - started_at < 3


def test_an_answer_that_unpacks_to_a_gigabyte_is_not_unpacked_to_its_end() -> None:
    with http_receiver() as receiver:
        bomb = gzip.compress(b"\0" * (256 * MEGABYTE), compresslevel=1)
        receiver.answers = [Answer(200, {"Content-Encoding": "gzip"}, bomb)]
        started_at = time.monotonic()
        assert _send(receiver.url, times=2) == [Delivered(), Delivered()]
        assert time.monotonic() - started_at < 3


def _gzip_bomb(connection: socket.socket) -> None:
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(1024)) + packer.flush()
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)


def _300_megabytes(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (300 * MEGABYTE))
    piece = bytes(64 * 1024)
    for _ in range(300 * 16):
        connection.sendall(piece)


def _one_huge_chunk(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % (300 * MEGABYTE))
    piece = bytes(64 * 1024)
    for _ in range(300 * 16):
        connection.sendall(piece)


def _negative_chunk(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n")
    piece = bytes(64 * 1024)
    for _ in range(300 * 16):
        connection.sendall(piece)


@pytest.mark.parametrize("talk", [_gzip_bomb, _300_megabytes, _one_huge_chunk, _negative_chunk])
def test_an_answer_of_any_size_is_settled_by_its_status_and_takes_no_memory(talk: Callable[[socket.socket], None]) -> None:
    with raw_server(talk) as url:
        transport = _transport(url)
        tracemalloc.start()
        try:
            assert transport.send(b"", 10.0) == Delivered()
            _now, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            transport.close()
    assert peak_bytes < 24 * MEGABYTE


@pytest.mark.parametrize("encoding", ["gzip", "GZIP ", "deflate", "x-gzip", "identity", ""])
def test_a_packed_answer_is_understood(encoding: str) -> None:
    message = SIGNALS["traces"].response()
    message.partial_success.rejected_spans = 2
    message.partial_success.error_message = "too old"
    body = message.SerializeToString()
    packed = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress}.get(encoding.strip().lower(), bytes)
    with http_receiver() as receiver:
        receiver.answers = [Answer(200, {"Content-Encoding": encoding}, packed(body))]
        assert _send(receiver.url) == [Delivered(rejected=2, reason="partial success: too old")]


def test_an_unread_rest_of_an_answer_is_not_taken_for_the_next_one() -> None:
    body = b"x" * (5 * MEGABYTE)
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)

    def talk(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(chunked)
        answering(OK)(connection)

    with raw_server(talk) as url:
        assert _send(url, times=3) == [Delivered()] * 3


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br, gzip"])
@pytest.mark.parametrize(("status", "expected"), [(200, Delivered), (400, Rejected), (503, Retry)])
def test_the_status_counts_although_the_body_cannot_be_unpacked(status: int, expected: type, encoding: str) -> None:
    with http_receiver() as receiver:
        receiver.answers = [Answer(status, {"Content-Encoding": encoding}, b"this is not packed")]
        (outcome,) = _send(receiver.url)
    assert isinstance(outcome, expected)


@pytest.mark.parametrize(("status", "expected"), [(400, Rejected), (401, Rejected)])
def test_a_refusal_counts_although_its_body_is_cut_short(status: int, expected: type) -> None:
    with raw_server(_and_hang_up(b"HTTP/1.1 %d No\r\nContent-Length: 1000\r\n\r\nno" % status)) as url:
        (outcome,) = _send(url)
    assert isinstance(outcome, expected)


def _and_hang_up(answer: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(answer)

    return talk


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1",
        b"HTTP/1.1 OK 200\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
        b"HTTP/1.1 200 OK\r\n" + b"X-Header: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
    ],
    ids=["nothing", "cut", "no status", "ssh", "http2", "too many headers", "too long a header"],
)
def test_what_is_no_http_answer_is_tried_again(answer: bytes) -> None:
    with raw_server(_and_hang_up(answer)) as url:
        (outcome,) = _send(url)
    assert isinstance(outcome, Retry)
    assert len(outcome.reason) < 200


def _dripping(head: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(head)
        for _ in range(60):
            connection.sendall(drop)
            time.sleep(0.05)

    return talk


def test_an_answer_that_drips_in_is_given_no_more_than_the_timeout() -> None:
    with raw_server(_dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x")) as url:
        started_at = time.monotonic()
        _send(url, timeout_s=0.3)
        assert time.monotonic() - started_at < 1.5


def test_headers_that_drip_in_are_given_no_more_than_the_timeout() -> None:
    with raw_server(_dripping(b"HTTP/1.1 200 OK\r\nX: ", b"y")) as url:
        started_at = time.monotonic()
        (outcome,) = _send(url, timeout_s=0.3)
        assert time.monotonic() - started_at < 1.5
    assert isinstance(outcome, Retry)


def test_a_connection_that_was_closed_while_idle_is_replaced_without_a_failure() -> None:
    with raw_server(_and_hang_up(OK)) as url:
        transport = _transport(url)
        for _ in range(3):
            assert transport.send(b"", 5.0) == Delivered()
            time.sleep(0.02)  # the server hangs up after each answer; its FIN has to arrive
        transport.close()


def test_a_request_larger_than_the_receiver_reads_is_answered_by_its_refusal() -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            while connection.recv(65536):
                pass

    with raw_server(refuse) as url:
        transport = _transport(url)
        assert isinstance(transport.send(b"x" * MEGABYTE, 5.0), TooLarge)
        transport.close()
