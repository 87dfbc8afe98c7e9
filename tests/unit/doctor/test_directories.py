"""Directories that are written to: the spool, files, what processes share."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from heliograph.doctor.circumstances import Circumstances
from heliograph.doctor.directories import Directory, examine_directories, file_system, reason
from heliograph.doctor.finding import Severity

Around = Callable[..., Circumstances]
OTLP = {"tracing": {"exporters": ["otlp"]}}
MOUNTS = """\
22 1 259:1 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p1 rw
23 22 0:21 / /proc rw - proc proc rw
40 22 0:35 / {there} rw,relatime shared:9 - nfs4 files:/export rw
41 22 0:36 / /mnt/with\\040space rw - cifs //files/share rw
"""


def test_a_spool_that_can_be_written_is_fine_and_stays_as_it_was(around: Around, tmp_path: Path) -> None:
    (finding,) = examine_directories(around(**OTLP, delivery={"spool_directory": "spool", "spool_max_bytes": 1000}))
    assert (finding.severity, finding.what) == (Severity.OK, f"the spool {tmp_path / 'spool'} can be written")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_a_file_cannot_be_written(around: Around, tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("")
    (finding,) = examine_directories(around(**OTLP, delivery={"spool_directory": "spool"}))
    assert finding.severity is Severity.ERROR
    assert finding.what == f"the spool {tmp_path / 'spool'} cannot be written to"
    assert "is a file" in finding.why
    assert "delivery.spool_directory" in finding.fix


def test_a_part_of_the_way_that_is_a_file_is_named(around: Around, tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    (finding,) = examine_directories(around(**OTLP, delivery={"spool_directory": "var/spool"}))
    assert (finding.severity, "is a file" in finding.why) == (Severity.ERROR, True)


def test_a_directory_where_nobody_may_write_is_named(around: Around) -> None:
    # Not even root makes files there.
    (finding,) = examine_directories(around(metrics={"multiprocess_dir": "/proc/heliograph"}))
    assert (finding.severity, finding.what) == (Severity.ERROR, "the shared directory /proc/heliograph cannot be written to")


def test_the_directory_of_files_is_looked_at_once(around: Around, tmp_path: Path) -> None:
    files = [{"type": "file", "path": f"logs/{name}.json", "name": name, "max_bytes": 10} for name in ("a", "b")]
    (finding,) = examine_directories(around(tracing={"exporters": files}))
    assert finding.what == f"the directory {tmp_path / 'logs'} can be written"


def test_little_room_is_warned_of_before_it_is_none(around: Around) -> None:
    files = [{"type": "file", "path": "traces.json", "max_bytes": 2**60}]
    (finding,) = examine_directories(around(tracing={"exporters": files}))
    assert finding.severity in (Severity.INFO, Severity.WARNING)
    assert "MiB left" in finding.what
    assert "tracing.exporters[0].path" in finding.fix


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.ENOSPC, "is full"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "Permission is denied to user "),
        (errno.EIO, "Input/output error"),
    ],
)
def test_each_trouble_of_a_disk_has_its_words(number: int, why: str) -> None:
    directory = Directory(role="the spool", path=Path("/spool"), place="delivery.spool_directory")
    said, fix = reason(directory, OSError(number, "Input/output error"))
    assert why in said
    assert fix == "set delivery.spool_directory to a directory that can be written to"


@pytest.mark.parametrize(
    "options",
    [
        {"metrics": {"multiprocess_dir": "shared"}},
        {**OTLP, "delivery": {"spool_directory": "shared", "spool_max_bytes": 1}},
    ],
)
def test_locks_on_a_network_file_system_are_warned_of(options: dict[str, Any], around: Around, tmp_path: Path) -> None:
    (finding,) = examine_directories(around(mounts=MOUNTS.format(there=tmp_path), **options))
    assert finding.severity is Severity.WARNING
    assert "is on a network file system (nfs4)" in finding.what
    assert "file locks" in finding.why


def test_a_file_of_telemetry_may_be_on_a_network_file_system(around: Around, tmp_path: Path) -> None:
    files = [{"type": "file", "path": "traces.json", "max_bytes": 10}]
    (finding,) = examine_directories(around(mounts=MOUNTS.format(there=tmp_path), tracing={"exporters": files}))
    assert finding.severity is Severity.OK


def test_the_environment_may_name_the_shared_directory(around: Around) -> None:
    (finding,) = examine_directories(around({"PROMETHEUS_MULTIPROC_DIR": "/proc/heliograph"}))
    assert finding.fix == "set PROMETHEUS_MULTIPROC_DIR to a directory that can be written to"


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/srv/data/x", "nfs4"), ("/srv/database", "ext4"), ("/mnt/with space/a", "cifs"), ("/", "ext4"), ("/proc/self", "proc")],
)
def test_the_file_system_of_a_path_is_that_of_its_nearest_mount(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS.format(there="/srv/data")) == kind


def test_without_a_table_of_mounts_the_file_system_is_not_known() -> None:
    assert file_system(Path("/srv"), "") == ""


def test_without_anything_to_write_there_is_nothing_to_say(around: Around) -> None:
    assert list(examine_directories(around(delivery={"spool": "always"}))) == []
