"""What is said of the process is true of this one."""

import os
import resource
import threading
import time
from pathlib import Path

import psutil
import pytest

from heliograph.clock import ManualClock
from heliograph.system.probe import Probe, Read
from heliograph.system.readings import process


def _value(read: Read, probe: Probe | None = None) -> float:
    return sum(value or 0.0 for value, _attributes in read(probe or Probe()))


def _burn(cpu_s: float) -> None:
    until = time.process_time() + cpu_s
    while time.process_time() < until:
        pass


def test_the_process_is_this_one() -> None:
    probe = Probe()
    assert probe.process.pid == os.getpid()
    assert _value(process.memory_virtual, probe) >= _value(process.memory_usage, probe) > 2**20


def test_cpu_time_is_all_that_this_process_spent() -> None:
    before = time.process_time()
    spent = _value(process.cpu_time)
    assert before - 0.001 <= spent <= time.process_time() + 0.001


def test_cpu_utilization_is_of_what_the_process_could_have_had(tmp_path: Path) -> None:
    probe = Probe(root=tmp_path)
    started, spent_before = time.monotonic(), time.process_time()
    _burn(0.2)
    probe.begin()
    found = _value(process.cpu_utilization, probe)
    share = (time.process_time() - spent_before) / (time.monotonic() - started) / len(os.sched_getaffinity(0))
    assert found == pytest.approx(share, rel=0.2)


def test_cpu_utilization_needs_time_to_pass() -> None:
    assert list(process.cpu_utilization(Probe(ManualClock()))) == []


def test_a_thread_more_is_counted() -> None:
    is_over = threading.Event()
    before = _value(process.threads)
    threads = [threading.Thread(target=is_over.wait) for _ in range(5)]
    for thread in threads:
        thread.start()
    during = _value(process.threads)
    is_over.set()
    for thread in threads:
        thread.join()
    assert during >= before + 3  # a thread of another test may have ended meanwhile


def test_open_files_are_counted_beside_how_many_there_may_be(tmp_path: Path) -> None:
    before = _value(process.file_descriptors)
    files = [(tmp_path / str(number)).open("w") for number in range(10)]
    during = _value(process.file_descriptors)
    for file in files:
        file.close()
    assert during >= before + 5
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert _value(process.file_descriptor_limit) == (soft if soft != resource.RLIM_INFINITY else 0)


def test_waiting_is_a_voluntary_context_switch() -> None:
    def voluntary() -> float:
        found = {about["process.context_switch.type"]: value or 0.0 for value, about in process.context_switches(Probe())}
        return found["voluntary"]

    before = voluntary()
    for _ in range(20):
        time.sleep(0.001)
    assert voluntary() >= before + 20


def test_context_switches_of_ended_threads_are_counted_as_well() -> None:
    def sleep() -> None:
        for _ in range(20):
            time.sleep(0.001)

    before = _value(process.context_switches)
    thread = threading.Thread(target=sleep)
    thread.start()
    thread.join()
    assert _value(process.context_switches) >= before + 20


def test_new_memory_is_paid_with_minor_faults() -> None:
    before = {about["system.paging.fault.type"]: value or 0.0 for value, about in process.paging_faults(Probe())}
    block = bytearray(os.urandom(16 * 2**20))
    after = {about["system.paging.fault.type"]: value or 0.0 for value, about in process.paging_faults(Probe())}
    assert len(block) > 0
    assert after["minor"] > before["minor"]
    assert after["major"] >= before["major"]


def test_bytes_to_disk_are_counted_both_ways() -> None:
    assert {about["disk.io.direction"] for _value, about in process.disk_io(Probe())} == {"read", "write"}


def test_the_start_is_in_seconds_since_the_epoch_and_does_not_move() -> None:
    first = _value(process.start_time)
    assert first == psutil.Process().create_time()
    assert first < time.time()
    assert _value(process.start_time) == first
    assert _value(process.uptime) == pytest.approx(time.time() - first, abs=1)


def test_a_clock_that_was_set_back_gives_no_negative_uptime() -> None:
    assert _value(process.uptime, Probe(ManualClock(time_ns=0))) == 0
