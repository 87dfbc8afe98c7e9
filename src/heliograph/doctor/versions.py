"""Whether a version is one of those that a requirement takes: as much of PEP 440 as OpenTelemetry's packages use.

Called by `packages.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

_Version = tuple[tuple[int, ...], tuple[int, int]]

_FORM: Final = r"v?(\d+(?:\.\d+)*)(?:[-_.]?(a|alpha|b|beta|c|rc|pre)[-_.]?(\d*))?(.*)"
_STAGES: Final = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2}
_FINAL: Final = 3
_LONGEST: Final = 6


def fits(version: str, specifiers: str) -> bool:
    """Whether ``version`` meets all of the comma-separated ``specifiers``; what cannot be read is met."""
    have = _parsed(version)
    for specifier in filter(None, map(str.strip, specifiers.split(","))):
        found = re.fullmatch(r"(===|==|~=|!=|<=|>=|<|>)\s*(.+)", specifier)
        compare = _OPERATORS.get(found[1]) if found is not None else None
        if have is None or found is None or compare is None:
            continue
        if found[2].endswith(".*"):
            is_below = _is_below(have, found[2].removesuffix(".*"))
            if is_below is (found[1] == "!="):
                return False
            continue
        wanted = _parsed(found[2])
        if wanted is not None and not compare(have, wanted):
            return False
        if found[1] == "~=" and not _is_below(have, found[2].rpartition(".")[0]):
            return False
    return True


_OPERATORS: Final[Mapping[str, Callable[[_Version, _Version], bool]]] = {
    "==": lambda have, wanted: have == wanted,
    "!=": lambda have, wanted: have != wanted,
    "<=": lambda have, wanted: have <= wanted,
    ">=": lambda have, wanted: have >= wanted,
    "~=": lambda have, wanted: have >= wanted,
    "<": lambda have, wanted: have < wanted,
    ">": lambda have, wanted: have > wanted,
}


def _parsed(version: str) -> _Version | None:
    found = re.fullmatch(_FORM, version.strip().lower())
    if found is None:
        return None
    release = tuple(map(int, found[1].split(".")))
    padded = release + (0,) * (_LONGEST - len(release))
    stage = (_STAGES[found[2]], int(found[3] or 0)) if found[2] else (_FINAL, 0)
    return padded, stage


def _is_below(have: _Version, prefix: str) -> bool:
    """Whether the release begins with ``prefix``, as ``1.45.2`` does with ``1.45``."""
    parts = tuple(map(int, re.findall(r"\d+", prefix)))
    return have[0][: len(parts)] == parts
