"""What other packages offer OpenTelemetry under a name: the entry points of a group. Nothing is looked for until it is asked
for by name, since that reads the metadata of all installed packages. Called by `resources.py` and `propagators.py`."""

from __future__ import annotations

import logging
from typing import Any

from heliograph.text import described

logger = logging.getLogger("heliograph")


def installed(group: str) -> list[str]:
    """The names that there are."""
    from importlib.metadata import entry_points  # noqa: PLC0415  # most applications name none, and it takes milliseconds

    return sorted(entry_points(group=group).names)


def plugin(group: str, name: str) -> Any:
    """What is installed under ``name``; None when nothing is, or when it cannot be loaded, which is said."""
    from importlib.metadata import entry_points  # noqa: PLC0415  # most applications name none, and it takes milliseconds

    for found in entry_points(group=group, name=name):
        try:
            return found.load()
        except Exception as error:  # somebody else's module may raise anything when it is imported
            logger.warning("%s cannot be loaded for %s %r: %s", found.value, group, name, described(error))
    return None
