"""What the probe reads is what psutil says of this machine and this process."""

import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
import pytest

from heliograph.system import probe as probes
from heliograph.system.probe import Probe, Reading


def _read(read: Callable[[Probe], Iterable[Reading]], key: str, probe: Probe | None = None) -> dict[str, float]:
    return {str(attributes.get(key, "")): value for value, attributes in read(probe or Probe())}


def _total(values: dict[str, float]) -> float:
    return sum(values.values())


def _burn(cpu_s: float) -> None:
    until = time.process_time() + cpu_s
    while time.process_time() < until:
        pass


def test_cpu_time_is_that_of_all_modes() -> None:
    before = psutil.cpu_times()
    times = _read(probes.cpu_time, "cpu.mode")
    after = psutil.cpu_times()
    assert before.user <= times["user"] <= after.user
    assert before.idle <= times["idle"] <= after.idle
    assert set(times) >= {"user", "system", "idle", "iowait", "interrupt", "softirq", "steal", "nice"}


def test_cpu_shares_add_up_to_one() -> None:
    probe = Probe()
    _burn(0.3)
    shares = _read(probes.cpu_utilization, "cpu.mode", probe)
    assert _total(shares) == pytest.approx(1)
    assert all(0 <= share <= 1 for share in shares.values())
    assert shares["user"] + shares["nice"] + shares["system"] > 0


def test_cpu_shares_are_those_since_the_last_reading() -> None:
    probe = Probe()
    now = probe.previous_cpu_s
    probe.previous_cpu_s = {**now, "user": now["user"] - 30, "idle": now["idle"] - 70}
    shares = _read(probes.cpu_utilization, "cpu.mode", probe)
    assert shares["user"] == pytest.approx(0.3, abs=0.05)
    assert shares["idle"] == pytest.approx(0.7, abs=0.05)


def test_a_counter_that_steps_back_gives_no_negative_share() -> None:
    probe = Probe()
    now = probe.previous_cpu_s
    probe.previous_cpu_s = {**now, "idle": now["idle"] - 10, "iowait": now["iowait"] + 5}
    shares = _read(probes.cpu_utilization, "cpu.mode", probe)
    assert shares["iowait"] == 0
    assert _total(shares) == pytest.approx(1)


def test_no_share_is_told_of_too_little_cpu_time() -> None:
    probe = Probe()
    future = {mode: seconds + 1000 for mode, seconds in probe.previous_cpu_s.items()}
    probe.previous_cpu_s = future
    assert _read(probes.cpu_utilization, "cpu.mode", probe) == {}
    assert probe.previous_cpu_s is future


def test_the_states_of_memory_add_up_to_all_of_it() -> None:
    # Semantic conventions, system.memory.usage: the sum over all states should equal system.memory.limit.
    usage = _read(probes.memory_usage, "system.memory.state")
    assert set(usage) >= {"used", "free", "cached", "buffers"}
    assert _total(usage) == pytest.approx(_total(_read(probes.memory_limit, "")), rel=1e-4)


def test_memory_in_use_is_what_is_not_available() -> None:
    share = _read(probes.memory_utilization, "system.memory.state")["used"]
    available, limit = _total(_read(probes.memory_available, "")), _total(_read(probes.memory_limit, ""))
    assert share == pytest.approx(1 - available / limit, abs=0.05)


def test_the_root_file_system_is_always_there_with_used_and_free() -> None:
    states = {
        attributes["system.filesystem.state"]: value
        for value, attributes in probes.filesystem_usage(Probe())
        if attributes["system.filesystem.mountpoint"] == Path.cwd().anchor
    }
    usage = psutil.disk_usage(Path.cwd().anchor)
    assert states["used"] == pytest.approx(usage.used, rel=0.05)
    assert states["free"] == pytest.approx(usage.free, rel=0.05)


def test_a_file_system_is_counted_once_however_often_it_is_mounted() -> None:
    devices = [
        attributes["system.device"]
        for _value, attributes in probes.filesystem_usage(Probe())
        if attributes["system.filesystem.state"] == "used"
    ]
    assert len(devices) == len(set(devices))


def test_network_bytes_are_those_of_each_interface() -> None:
    before = psutil.net_io_counters(pernic=True)
    for value, attributes in probes.network_io(Probe()):
        field = {"transmit": "bytes_sent", "receive": "bytes_recv"}[attributes["network.io.direction"]]
        assert value >= getattr(before[attributes["network.interface.name"]], field)


def test_the_process_is_this_one() -> None:
    probe = Probe()
    assert probe.process.pid == os.getpid()
    before = time.process_time()
    _burn(0.05)
    times = _read(probes.process_cpu_time, "cpu.mode", probe)
    assert _total(times) >= before
    assert _total(_read(probes.process_memory_virtual, "", probe)) >= _total(_read(probes.process_memory_usage, "", probe)) > 0


def test_a_thread_more_is_counted() -> None:
    is_over, probe = threading.Event(), Probe()
    before = _total(_read(probes.process_threads, "", probe))
    threads = [threading.Thread(target=is_over.wait) for _ in range(5)]
    for thread in threads:
        thread.start()
    during = _total(_read(probes.process_threads, "", probe))
    is_over.set()
    for thread in threads:
        thread.join()
    assert during >= before + 3  # a thread of another test may have ended meanwhile


def test_open_files_are_counted(tmp_path: Path) -> None:
    probe = Probe()
    before = _total(_read(probes.process_file_descriptors, "", probe))
    files = [(tmp_path / str(number)).open("w") for number in range(10)]
    during = _total(_read(probes.process_file_descriptors, "", probe))
    for file in files:
        file.close()
    assert during >= before + 5
