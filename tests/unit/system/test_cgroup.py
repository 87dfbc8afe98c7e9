"""Limits and usage come from the right files of the right cgroup, of either version; where nothing limits there are none."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from heliograph.system.cgroup import Cgroup, MemoryFigures, ProcessorFigures
from tests.support.cgroup_tree import write

MIB = 2**20
_NO_LIMIT = "9223372036854771712"
_UNIFIED_MOUNT = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
_MEMORY_MOUNT = "35 31 0:31 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory\n"
_CPU_MOUNT = "36 31 0:32 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct\n"


def _tree(root: Path, files: Mapping[str, str]) -> Cgroup:
    return Cgroup(write(root, files))


def _memory_2(place: str, limit: str, usage: int = 0, inactive: int = 0, cache: int = 0) -> dict[str, str]:
    at = f"sys/fs/cgroup/{place}".rstrip("/")
    return {
        f"{at}/memory.max": f"{limit}\n",
        f"{at}/memory.current": f"{usage}\n",
        f"{at}/memory.stat": f"anon 1\nfile {cache}\nactive_file 2\ninactive_file {inactive}\n",
    }


def _memory_1(place: str, limit: str, usage: int = 0, inactive: int = 0, cache: int = 0) -> dict[str, str]:
    at = f"sys/fs/cgroup/memory/{place}".rstrip("/")
    return {
        f"{at}/memory.limit_in_bytes": f"{limit}\n",
        f"{at}/memory.usage_in_bytes": f"{usage}\n",
        f"{at}/memory.stat": f"cache 1\ninactive_file 1\ntotal_cache {cache}\ntotal_inactive_file {inactive}\n",
    }


def _cpu_2(place: str, limit: str, user_us: int = 0) -> dict[str, str]:
    at = f"sys/fs/cgroup/{place}".rstrip("/")
    said = f"usage_usec {user_us + 500_000}\nuser_usec {user_us}\nsystem_usec 500000\n"
    return {
        f"{at}/cpu.max": f"{limit}\n",
        f"{at}/cpu.stat": f"{said}nr_periods 9\nnr_throttled 4\nthrottled_usec 250000\n",
    }


def _cpu_1(place: str, quota: str, period: str = "100000", user: int = 0) -> dict[str, str]:
    at = f"sys/fs/cgroup/cpu,cpuacct/{place}".rstrip("/")
    return {
        f"{at}/cpu.cfs_quota_us": f"{quota}\n",
        f"{at}/cpu.cfs_period_us": f"{period}\n",
        f"{at}/cpu.stat": "nr_periods 9\nnr_throttled 4\nthrottled_time 250000000\n",
        f"{at}/cpuacct.stat": f"user {user}\nsystem 50\n",
    }


def _said(cgroup: str, mountinfo: str) -> dict[str, str]:
    return {"proc/self/cgroup": cgroup, "proc/self/mountinfo": mountinfo}


# Version 2


def test_version_2_memory(tmp_path: Path) -> None:
    files = _memory_2("", str(512 * MIB), usage=300 * MIB, inactive=100 * MIB, cache=120 * MIB)
    found = _tree(tmp_path, {**_said("0::/\n", _UNIFIED_MOUNT), **files}).memory()
    assert found == MemoryFigures(
        limit_bytes=512 * MIB, usage_bytes=300 * MIB, cache_bytes=120 * MIB, inactive_bytes=100 * MIB
    )
    assert found.working_set_bytes == 200 * MIB
    assert found.available_bytes == 312 * MIB


def test_version_2_processor(tmp_path: Path) -> None:
    cgroup = _tree(tmp_path, {**_said("0::/\n", _UNIFIED_MOUNT), **_cpu_2("", "150000 100000", user_us=2_000_000)})
    assert cgroup.processor() == ProcessorFigures(
        quota_cpus=1.5, user_s=2.0, system_s=0.5, throttled_periods=4, throttled_s=0.25
    )


def test_version_2_max_is_no_limit(tmp_path: Path) -> None:
    files = {**_said("0::/\n", _UNIFIED_MOUNT), **_memory_2("", "max", usage=1), **_cpu_2("", "max 100000")}
    cgroup = _tree(tmp_path, files)
    assert cgroup.memory() is None
    assert cgroup.processor() is None


def test_the_tightest_limit_above_counts_with_the_usage_of_its_level(tmp_path: Path) -> None:
    files = {
        **_said("0::/pod/app\n", _UNIFIED_MOUNT),
        **_memory_2("pod", "1000", usage=900),
        **_memory_2("pod/app", "2000", usage=300),
        **_cpu_2("pod", "100000 100000", user_us=8_000_000),
        **_cpu_2("pod/app", "max 100000", user_us=1_000_000),
    }
    cgroup = _tree(tmp_path, files)  # the root itself has no such files, as in the kernel
    memory, processor = cgroup.memory(), cgroup.processor()
    assert memory is not None
    assert (memory.limit_bytes, memory.usage_bytes) == (1000, 900)
    assert processor is not None
    assert (processor.quota_cpus, processor.user_s) == (1.0, 8.0)


def test_of_equal_limits_the_innermost_counts(tmp_path: Path) -> None:
    files = {**_memory_2("pod", "1000", usage=900), **_memory_2("pod/app", "1000", usage=300)}
    found = _tree(tmp_path, {**_said("0::/pod/app\n", _UNIFIED_MOUNT), **files}).memory()
    assert found is not None
    assert found.usage_bytes == 300


# Version 1


def test_version_1_memory(tmp_path: Path) -> None:
    files = _memory_1("docker/abc", str(512 * MIB), usage=300 * MIB, inactive=100 * MIB, cache=120 * MIB)
    found = _tree(tmp_path, {**_said("4:memory:/docker/abc\n", _MEMORY_MOUNT), **files}).memory()
    assert found == MemoryFigures(
        limit_bytes=512 * MIB, usage_bytes=300 * MIB, cache_bytes=120 * MIB, inactive_bytes=100 * MIB
    )


def test_version_1_processor(tmp_path: Path) -> None:
    files = {**_said("3:cpu,cpuacct:/docker/abc\n", _CPU_MOUNT), **_cpu_1("docker/abc", "50000", user=200)}
    assert _tree(tmp_path, files).processor() == ProcessorFigures(
        quota_cpus=0.5, user_s=2.0, system_s=0.5, throttled_periods=4, throttled_s=0.25
    )


def test_version_1_says_no_limit_with_a_huge_number_and_no_quota_with_minus_one(tmp_path: Path) -> None:
    said = _said("4:memory:/\n3:cpu,cpuacct:/\n", _MEMORY_MOUNT + _CPU_MOUNT)
    cgroup = _tree(tmp_path, {**said, **_memory_1("", _NO_LIMIT, usage=1), **_cpu_1("", "-1")})
    assert cgroup.memory() is None
    assert cgroup.processor() is None


def test_a_limit_above_the_cgroup_counts_in_version_1_as_well(tmp_path: Path) -> None:
    files = {**_memory_1("", _NO_LIMIT), **_memory_1("a", "5000", usage=4000), **_memory_1("a/b", _NO_LIMIT, usage=100)}
    found = _tree(tmp_path, {**_said("4:memory:/a/b\n", _MEMORY_MOUNT), **files}).memory()
    assert found is not None
    assert (found.limit_bytes, found.usage_bytes) == (5000, 4000)


def test_cpu_and_its_account_may_be_mounted_apart(tmp_path: Path) -> None:
    mounts = (
        "36 31 0:32 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
        "37 31 0:33 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n"
    )
    files = {
        "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "200000\n",
        "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000\n",
        "sys/fs/cgroup/cpu/a/cpu.stat": "nr_throttled 0\nthrottled_time 0\n",
        "sys/fs/cgroup/cpuacct/cpuacct.stat": "user 900\nsystem 900\n",
        "sys/fs/cgroup/cpuacct/a/cpuacct.stat": "user 100\nsystem 10\n",
    }
    found = _tree(tmp_path, {**_said("1:cpu:/a\n2:cpuacct:/a\n", mounts), **files}).processor()
    assert found is not None
    assert (found.quota_cpus, found.user_s) == (2.0, 1.0)


# Where the directories are


def test_a_hybrid_has_each_controller_where_version_1_has_it(tmp_path: Path) -> None:
    mounts = _MEMORY_MOUNT + "40 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    files = {
        **_said("4:memory:/a\n0::/b\n", mounts),
        **_memory_1("a", "7000", usage=10),
        **_memory_2("unified/b", "1", usage=1),
        **_cpu_2("unified/b", "50000 100000"),
    }
    cgroup = _tree(tmp_path, files)
    memory, processor = cgroup.memory(), cgroup.processor()
    assert memory is not None
    assert memory.limit_bytes == 7000
    assert processor is not None
    assert processor.quota_cpus == 0.5


def test_a_container_sees_its_own_cgroup_at_the_top_of_the_mount(tmp_path: Path) -> None:
    mount = "35 31 0:31 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
    files = {**_said("4:memory:/docker/abc/inner\n", mount), **_memory_1("inner", "800"), **_memory_1("", "900")}
    found = _tree(tmp_path, files).memory()
    assert found is not None
    assert found.limit_bytes == 800


@pytest.mark.parametrize("path", ["/elsewhere/xyz", "/../../other", "/docker/abcdef"])
def test_a_cgroup_outside_of_what_is_mounted_counts_as_the_top(tmp_path: Path, path: str) -> None:
    mount = "35 31 0:31 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
    found = _tree(tmp_path, {**_said(f"4:memory:{path}\n", mount), **_memory_1("", "900")}).memory()
    assert found is not None
    assert found.limit_bytes == 900


def test_a_mount_point_may_have_a_space_in_its_name(tmp_path: Path) -> None:
    mount = "30 23 0:26 / /my\\040groups rw shared:1 - cgroup2 cgroup2 rw\n"
    files = {name.replace("sys/fs/cgroup", "my groups"): said for name, said in _memory_2("", "900").items()}
    found = _tree(tmp_path, {**_said("0::/\n", mount), **files}).memory()
    assert found is not None
    assert found.limit_bytes == 900


def test_a_process_that_is_moved_is_found_again(tmp_path: Path) -> None:
    files = {**_said("0::/a\n", _UNIFIED_MOUNT), **_memory_2("a", "100"), **_memory_2("b", "200")}
    cgroup = _tree(tmp_path, files)
    first = cgroup.memory()
    (tmp_path / "proc/self/cgroup").write_text("0::/b\n")
    second = cgroup.memory()
    assert first is not None
    assert second is not None
    assert (first.limit_bytes, second.limit_bytes) == (100, 200)


# What is not there


def test_a_system_without_cgroups_has_no_limits(tmp_path: Path) -> None:
    assert Cgroup(tmp_path).memory() is None
    assert Cgroup(tmp_path).processor() is None


def test_without_a_mount_there_are_no_limits(tmp_path: Path) -> None:
    cgroup = _tree(tmp_path, _said("4:memory:/a\n0::/a\n", "22 27 0:21 / /proc rw - proc proc rw\n"))
    assert cgroup.memory() is None
    assert cgroup.processor() is None


def test_a_limit_without_its_usage_is_an_error_and_no_zero(tmp_path: Path) -> None:
    files = {**_said("0::/\n", _UNIFIED_MOUNT), **_memory_2("", "900")}
    cgroup = _tree(tmp_path, files)
    (tmp_path / "sys/fs/cgroup/memory.current").unlink()
    with pytest.raises(FileNotFoundError):
        cgroup.memory()


@pytest.mark.parametrize("said", ["lots", "", "12 34"])
def test_a_limit_in_an_odd_form_is_an_error_and_no_limit_made_up(tmp_path: Path, said: str) -> None:
    cgroup = _tree(tmp_path, {**_said("0::/\n", _UNIFIED_MOUNT), **_memory_2("", said)})
    with pytest.raises(ValueError, match="invalid literal"):
        cgroup.memory()


def test_this_machines_own_files_are_understood() -> None:
    cgroup = Cgroup()
    memory, processor = cgroup.memory(), cgroup.processor()
    assert memory is None or 0 < memory.working_set_bytes <= memory.usage_bytes
    assert processor is None or processor.quota_cpus > 0
