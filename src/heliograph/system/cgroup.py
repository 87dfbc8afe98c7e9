"""The limits and the usage of the cgroup that this process runs in, of version 1 and 2, from the files of the kernel.

A container is a cgroup with limits: what the machine has says little there. Limits may stand at any level above, and the
tightest one counts; usage is that of the level whose limit it is, since whoever shares the limit shares its end. Called by the
probe; reads below the root directory that it is given, and nothing else. What the files hold: the kernel's documentation,
"Control Group v2" and "cgroup-v1".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# Version 1 says "no limit" with the greatest number of whole pages.
_LEAST_NO_LIMIT: Final = 2**60
_TICKS_PER_S: Final = 100.0  # the kernel's USER_HZ
_UNIFIED: Final = ""  # what /proc/self/cgroup says for the controllers of version 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFigures:
    """Memory of a cgroup that has a limit. ``inactive_bytes`` is page cache that was not used of late."""

    limit_bytes: int
    usage_bytes: int
    cache_bytes: int
    inactive_bytes: int

    @property
    def working_set_bytes(self) -> int:
        """What could not be freed at once."""
        return max(0, self.usage_bytes - self.inactive_bytes)

    @property
    def available_bytes(self) -> int:
        return max(0, self.limit_bytes - self.working_set_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorFigures:
    """CPU of a cgroup that has a quota; times since it was made."""

    quota_cpus: float
    user_s: float
    system_s: float
    throttled_periods: int
    throttled_s: float


@dataclass(frozen=True, slots=True)
class _Mount:
    """Where the directories of a hierarchy are: ``top``, a path in the hierarchy, is seen at ``place``."""

    top: str
    place: Path


class Cgroup:
    """Reads the cgroup of the process below ``root``, the root directory of the system. The figures are None where there is
    no limit; what cannot be read or understood raises ``OSError``, ``ValueError`` or ``KeyError``."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._said: str | None = None
        self._levels: dict[str, list[Path]] = {}

    def memory(self) -> MemoryFigures | None:
        levels = self._of("memory")
        if levels is not None:
            return _memory_of_version_1(levels)
        return _memory_of_version_2(self._of(_UNIFIED) or [])

    def processor(self) -> ProcessorFigures | None:
        levels = self._of("cpu")
        if levels is not None:
            return _processor_of_version_1(levels, self._of("cpuacct") or levels)
        return _processor_of_version_2(self._of(_UNIFIED) or [])

    def _of(self, controller: str) -> list[Path] | None:
        """The directories of the process for ``controller``, the innermost first; None where version 1 does not have it."""
        said = _text(self._root / "proc/self/cgroup") or ""
        if said != self._said:  # at first, and when the process was moved
            mounts = _mounts(_text(self._root / "proc/self/mountinfo") or "", self._root)
            self._levels = {name: list(_levels(mounts[name], path)) for name, path in _paths(said) if name in mounts}
            self._said = said
        return self._levels.get(controller)


def _paths(said: str) -> Iterator[tuple[str, str]]:
    """(controller, path) of each line ``number:controllers:path``."""
    for line in said.splitlines():
        _number, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            yield controller, path


def _mounts(said: str, root: Path) -> dict[str, _Mount]:
    """By controller; proc_pid_mountinfo(5) has the fields. Of several mounts of one hierarchy the first counts."""
    found: dict[str, _Mount] = {}
    for line in said.splitlines():
        fields, _dash, source = line.partition(" - ")
        kind, _name, options = (*source.split(" "), "", "")[:3]
        if kind not in ("cgroup", "cgroup2"):
            continue
        top, place = fields.split(" ")[3:5]
        for controller in [_UNIFIED] if kind == "cgroup2" else options.split(","):
            found.setdefault(controller, _Mount(top, root / _unescaped(place).lstrip("/")))
    return found


def _unescaped(path: str) -> str:
    for sign in " \t\n\\":
        path = path.replace(f"\\{ord(sign):03o}", sign)
    return path


def _levels(mount: _Mount, path: str) -> Iterator[Path]:
    """The directory of ``path`` and those above, up to the top that is mounted. One that lies elsewhere is not to be seen from
    in here: the top is all there is then."""
    top = mount.top.rstrip("/")
    below = path[len(top) :].strip("/") if f"{path}/".startswith(f"{top}/") else ""
    parts = [part for part in below.split("/") if part]
    if ".." in parts:
        parts = []
    for depth in range(len(parts), -1, -1):
        yield mount.place.joinpath(*parts[:depth])


def _memory_of_version_1(levels: list[Path]) -> MemoryFigures | None:
    limits = [_whole(level / "memory.limit_in_bytes") for level in levels]
    limit_bytes, position = _tightest(limits)
    if limit_bytes is None:
        return None
    statistics = _statistics(levels[position] / "memory.stat")
    return MemoryFigures(
        limit_bytes=int(limit_bytes),
        usage_bytes=_there(levels[position] / "memory.usage_in_bytes"),
        cache_bytes=statistics["total_cache"],
        inactive_bytes=statistics["total_inactive_file"],
    )


def _memory_of_version_2(levels: list[Path]) -> MemoryFigures | None:
    limit_bytes, position = _tightest([_whole(level / "memory.max") for level in levels])
    if limit_bytes is None:
        return None
    statistics = _statistics(levels[position] / "memory.stat")
    return MemoryFigures(
        limit_bytes=int(limit_bytes),
        usage_bytes=_there(levels[position] / "memory.current"),
        cache_bytes=statistics["file"],
        inactive_bytes=statistics["inactive_file"],
    )


def _processor_of_version_1(levels: list[Path], accounts: list[Path]) -> ProcessorFigures | None:
    quotas = [_quota(_whole(level / "cpu.cfs_quota_us"), _whole(level / "cpu.cfs_period_us")) for level in levels]
    quota_cpus, position = _tightest(quotas)
    if quota_cpus is None:
        return None
    throttling = _statistics(levels[position] / "cpu.stat")
    # The two controllers may be mounted apart; a level of one is then the same number of steps below the top of the other.
    account = accounts[max(0, len(accounts) - (len(levels) - position))]
    spent = _statistics(account / "cpuacct.stat")
    return ProcessorFigures(
        quota_cpus=quota_cpus,
        user_s=spent["user"] / _TICKS_PER_S,
        system_s=spent["system"] / _TICKS_PER_S,
        throttled_periods=throttling["nr_throttled"],
        throttled_s=throttling["throttled_time"] / 1e9,
    )


def _processor_of_version_2(levels: list[Path]) -> ProcessorFigures | None:
    quota_cpus, position = _tightest([_quota_of_version_2(level / "cpu.max") for level in levels])
    if quota_cpus is None:
        return None
    statistics = _statistics(levels[position] / "cpu.stat")
    return ProcessorFigures(
        quota_cpus=quota_cpus,
        user_s=statistics["user_usec"] / 1e6,
        system_s=statistics["system_usec"] / 1e6,
        throttled_periods=statistics["nr_throttled"],
        throttled_s=statistics["throttled_usec"] / 1e6,
    )


def _tightest(limits: list[int | None] | list[float | None]) -> tuple[float | None, int]:
    """The least limit and where it stands; of equal ones the innermost."""
    found, position = None, 0
    for place, limit in enumerate(limits):
        if limit is not None and limit < _LEAST_NO_LIMIT and (found is None or limit < found):
            found, position = limit, place
    return found, position


def _quota_of_version_2(path: Path) -> float | None:
    quota, _space, period = (_text(path) or "max").strip().partition(" ")
    return None if quota == "max" else _quota(int(quota), int(period))


def _quota(quota_us: int | None, period_us: int | None) -> float | None:
    """In CPUs. Version 1 says "no quota" with -1."""
    return quota_us / period_us if quota_us is not None and quota_us > 0 and period_us else None


def _statistics(path: Path) -> dict[str, int]:
    """A file of lines ``name number``."""
    return {name: int(number) for name, number in (line.split(" ", 1) for line in path.read_text().splitlines())}


def _whole(path: Path) -> int | None:
    """None where there is no such file, and for "max"."""
    said = (_text(path) or "max").strip()
    return None if said == "max" else int(said)


def _there(path: Path) -> int:
    return int(path.read_text())


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:  # no limit at this level, or no cgroups at all
        return None
