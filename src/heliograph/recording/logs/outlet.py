"""What all loggers of one provider share: who sends, the limits, and where records go."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from opentelemetry.sdk._logs import LogRecordLimits
from opentelemetry.sdk.resources import Resource

from heliograph.locks import recording_lock
from heliograph.recording import resources
from heliograph.recording.logs.processors import Processors
from heliograph.recording.logs.record import NativeLogRecord
from heliograph.recording.mishaps import Mishaps


@dataclass(slots=True, weakref_slot=True, kw_only=True, eq=False)
class Outlet:
    """Read on every call without a lock, written by the provider only, under ``lock``.

    ``accept`` takes each record. ``is_direct`` is true while nobody else wants to see it: there are no ``processors``, and
    no ``count`` is kept. Limits of None are none.
    """

    resource: Resource
    limits: LogRecordLimits
    most_attributes: int | None
    longest_text: int | None
    mishaps: Mishaps
    accept: Callable[[NativeLogRecord], None]
    processors: Processors | None
    count: Callable[[], None] | None
    is_direct: bool
    lock: threading.RLock = field(default_factory=recording_lock)

    def after_fork_in_child(self) -> None:
        """The child is another instance, and a thread of the parent may have held the lock."""
        self.lock = recording_lock()
        self.mishaps.after_fork_in_child()
        self.resource = resources.forked(self.resource)
