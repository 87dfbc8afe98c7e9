"""A package as pip leaves it behind: a module, and the entry points that it announces."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path


def installed_package(folder: Path, name: str, code: str, entry_points: Mapping[str, Mapping[str, str]]) -> None:
    """Put the module ``name`` with ``code`` into ``folder``, which is to be on ``sys.path``, and ``entry_points`` as
    {group: {name: "module:attribute"}}."""
    (folder / f"{name}.py").write_text(textwrap.dedent(code))
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [line for group, points in entry_points.items() for line in (f"[{group}]", *map(" = ".join, points.items()))]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
