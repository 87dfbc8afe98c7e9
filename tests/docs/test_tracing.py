"""What the snippets of docs/tracing.md make: one trace where the page says so, and the children that it names."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "tracing.md").read_text()
SECTIONS = {part.split("\n", 1)[0]: part for part in re.split(r"^## |^\*\*(?=Threads)", PAGE, flags=re.MULTILINE)}


def _spans(section: str, folder: Path) -> list[tuple[str, str]]:
    """Name and trace id of each span that the first snippet of a section prints."""
    program = folder / "shop.py"
    program.write_text(re.findall(r"^```python\n(.*?)^```", SECTIONS[section], re.MULTILINE | re.DOTALL)[0])
    ended = subprocess.run([sys.executable, str(program)], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return re.findall(r"^\S+ span +(.+?) [\d.]+ms \w+ trace=(\w+)", ended.stdout, re.MULTILINE)


_THREADS = next(name for name in SECTIONS if name.startswith("Threads"))


@pytest.mark.parametrize(
    ("section", "traces"),
    [
        ("A block of code", [{"check stock", "take order"}]),
        ("A function", [{"look up", "__main__.prices", "price list"}, {"look up", "ask again"}]),
        ("Step by step", [{"wrap", "pack", "order"}, {"send parcels"}]),
        ("Across processes", [{"send", "receive"}]),
        (_THREADS, [{"pack", "order"}]),
        ("OpenTelemetry's own API", [{"count", "stock"}, {"pack", "order"}]),
    ],
)
def test_spans_are_in_the_traces_that_the_page_says(section: str, traces: list[set[str]], tmp_path: Path) -> None:
    found: dict[str, set[str]] = {}
    for name, trace in _spans(section, tmp_path):
        found.setdefault(trace, set()).add(name)
    assert list(found.values()) == traces
