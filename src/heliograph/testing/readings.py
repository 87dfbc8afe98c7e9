"""What the native recorder reads, time and ids, replaced for a test.

The hot path calls the functions of ``time`` and of its random generator as globals of its modules. A test's functions are put
in their place there, so that a recorder without a test pays nothing for the possibility. Called by `capture.py`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from heliograph.recording.traces import ids
from heliograph.testing.clock import SettableClock
from heliograph.testing.ids import SequentialIds

# Whatever stamps what it records with a time, in modules that exist and in those to come.
_READERS: Final = ("heliograph.recording.", "heliograph.integrations.")
_REAL: Final[Mapping[str, Any]] = {"time_ns": time.time_ns, "monotonic_ns": time.monotonic_ns, "bits": ids.bits}
_NAMES: Final = {"time_ns": "time_ns", "monotonic_ns": "monotonic_ns", "bits": "bits", "_random_bits": "bits"}


def put(clock: SettableClock, sequence: SequentialIds) -> Callable[[], None]:
    """Let what records read ``clock`` and draw from ``sequence``, in the modules that are loaded; returns what ends that."""
    given = {"time_ns": clock.time_ns, "monotonic_ns": clock.monotonic_ns, "bits": sequence.bits}
    replaced = []
    for name, module in list(sys.modules.items()):
        if not name.startswith(_READERS):
            continue
        for variable, reading in _NAMES.items():
            found = vars(module).get(variable)
            if found is _REAL[reading]:
                replaced.append((module, variable, found))
                setattr(module, variable, given[reading])

    def put_back() -> None:
        for module, variable, found in replaced:
            setattr(module, variable, found)

    return put_back
