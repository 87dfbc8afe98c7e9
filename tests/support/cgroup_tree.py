"""A directory that looks like the root of a system, as far as cgroups go."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_UNIFIED_MOUNT = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"


def write(root: Path, files: Mapping[str, str]) -> Path:
    """Write ``files``, path below ``root`` -> content; returns ``root``."""
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    return root


def write_unified(root: Path, files: Mapping[str, str]) -> Path:
    """A process whose cgroup of version 2 is the only one, with ``files`` in it; returns ``root``."""
    place = {f"sys/fs/cgroup/{name}": content for name, content in files.items()}
    return write(root, {"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": _UNIFIED_MOUNT, **place})
