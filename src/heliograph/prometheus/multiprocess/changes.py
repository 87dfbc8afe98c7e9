"""When the value of a series was seen to change, for the families of which the latest value counts.

Called by `member.py` at each publication. Not thread-safe.
"""

from __future__ import annotations

from collections.abc import Iterable

from heliograph.prometheus.multiprocess.across import is_read_alike
from heliograph.prometheus.table import Numbers, Table


class Changes:
    """Remembers the value of each such series."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, tuple[float, float]]] = {}

    def seen(self, tables: Iterable[Table], at_s: float) -> dict[str, list[float]]:
        """By family, when each series in ``tables`` got its value, in seconds since the epoch; ``at_s`` is now."""
        told, kept = {}, {}
        for table in tables:
            if not isinstance(table, Numbers) or table.family.kind == "counter" or not is_read_alike(table.family):
                continue
            before = self._known.get(table.family.name, {})
            now = {}
            for labels, value in zip(table.labels, table.values, strict=True):
                known = before.get(labels)
                now[labels] = known if known is not None and known[0] == value else (value, at_s)
            kept[table.family.name] = now
            told[table.family.name] = [now[labels][1] for labels in table.labels]
        self._known = kept
        return told
