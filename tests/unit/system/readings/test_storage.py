"""What is said of file systems and disks is what the system says; one that cannot be read costs only its own readings."""

import os
from pathlib import Path

import psutil
import pytest

from heliograph.system.filesystems import Space, filesystems
from heliograph.system.probe import Probe, Read
from heliograph.system.readings import storage

_ROOT = Path.cwd().anchor
_FILESYSTEM_READS = (
    storage.filesystem_usage,
    storage.filesystem_limit,
    storage.filesystem_utilization,
    storage.filesystem_inodes,
)


def _of_root(read: Read) -> dict[str, float]:
    return {
        str(attributes.get("system.filesystem.state", "")): value or 0.0
        for value, attributes in read(Probe())
        if attributes["system.filesystem.mountpoint"] == _ROOT
    }


def _probe_of(*found: tuple[dict[str, str], Space | None]) -> Probe:
    probe = Probe()
    probe.reads.filesystems = list(found)
    return probe


def test_the_root_file_system_is_always_there_with_used_and_free() -> None:
    usage = psutil.disk_usage(_ROOT)
    states = _of_root(storage.filesystem_usage)
    assert states["used"] == pytest.approx(usage.used, rel=0.05)
    assert states["free"] == pytest.approx(usage.free, rel=0.05)


def test_the_states_of_a_file_system_add_up_to_its_size() -> None:
    # Semantic conventions, system.filesystem.usage: the sum over all states should equal system.filesystem.limit.
    assert sum(_of_root(storage.filesystem_usage).values()) == _of_root(storage.filesystem_limit)[""]


def test_the_share_in_use_is_that_of_df() -> None:
    assert _of_root(storage.filesystem_utilization)[""] == pytest.approx(psutil.disk_usage(_ROOT).percent / 100, abs=0.01)


def test_inodes_are_counted() -> None:
    said = os.statvfs(_ROOT)
    states = _of_root(storage.filesystem_inodes)
    assert states["free"] == pytest.approx(said.f_ffree, rel=0.05)
    assert sum(states.values()) == said.f_files


def test_a_file_system_is_counted_once_however_often_it_is_mounted() -> None:
    devices = [attributes["system.device"] for _value, attributes in storage.filesystem_limit(Probe())]
    assert len(devices) == len(set(devices))


def test_a_file_system_that_is_gone_has_no_space_and_hides_no_other(tmp_path: Path) -> None:
    mountpoints = [(str(tmp_path / "gone"), "/dev/gone", "ext4"), (str(tmp_path), "/dev/here", "ext4")]
    (_gone, nothing), (here, space) = filesystems(mountpoints)
    assert nothing is None
    assert here["system.device"] == "/dev/here"
    assert space is not None
    assert space.total_bytes > 0


@pytest.mark.parametrize("read", _FILESYSTEM_READS)
def test_one_that_cannot_be_read_is_said_to_be_missing_beside_the_others(read: Read) -> None:
    space = Space(total_bytes=100, used_bytes=30, free_bytes=60, reserved_bytes=10, inodes=8, free_inodes=5)
    readings = list(read(_probe_of(({"system.device": "gone"}, None), ({"system.device": "here"}, space))))
    assert readings[0] == (None, {"system.device": "gone"})
    assert all(value is not None and attributes["system.device"] == "here" for value, attributes in readings[1:])
    assert len(readings) > 1


def test_a_file_system_without_a_number_of_inodes_says_nothing_of_them() -> None:
    space = Space(total_bytes=100, used_bytes=30, free_bytes=60, reserved_bytes=10)
    assert list(storage.filesystem_inodes(_probe_of(({}, space)))) == []


def test_an_empty_file_system_has_a_share_too() -> None:
    space = Space(total_bytes=0, used_bytes=0, free_bytes=0, reserved_bytes=0)
    assert list(storage.filesystem_utilization(_probe_of(({}, space)))) == [(0.0, {})]


@pytest.mark.parametrize(
    ("read", "fields", "divisor"),
    [
        (storage.disk_io, ("read_bytes", "write_bytes"), 1),
        (storage.disk_operations, ("read_count", "write_count"), 1),
        (storage.disk_operation_time, ("read_time", "write_time"), 1000),
        (storage.disk_merged, ("read_merged_count", "write_merged_count"), 1),
    ],
)
def test_the_counters_of_disks_are_those_of_psutil(read: Read, fields: tuple[str, str], divisor: float) -> None:
    before = psutil.disk_io_counters(perdisk=True, nowrap=False)
    found = list(read(Probe()))
    after = psutil.disk_io_counters(perdisk=True, nowrap=False)
    for value, attributes in found:
        device, field = attributes["system.device"], fields[attributes["disk.io.direction"] == "write"]
        assert value is not None
        assert getattr(before[device], field) <= value * divisor <= getattr(after[device], field)
    moved = [device for device, counters in before.items() if counters.read_bytes or counters.write_bytes]
    assert len(found) >= 2 * len(moved)


def test_the_time_a_disk_was_busy_is_in_seconds() -> None:
    found = list(storage.disk_io_time(Probe()))
    after = psutil.disk_io_counters(perdisk=True, nowrap=False)
    assert all(value is not None and value <= after[about["system.device"]].busy_time / 1000 for value, about in found)
