"""What an exporter is to the pipeline: it prepares a batch once, and each attempt to send it ends in one of four ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from heliograph.pipeline.batch import Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The destination has the batch, except ``rejected`` items that it said it refused (with its ``reason``), and
    ``unencodable`` ones that the exporter could not bring into its form."""

    rejected: int = 0
    unencodable: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The destination will never take this batch: sending it again is pointless."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """The batch did not arrive and may later. ``after_s`` is the wait that the destination asked for, in seconds.

    ``may_have_arrived`` says that the request was sent and its answer is unknown, so that the next attempt may make it
    arrive twice. ``is_refusal`` marks a failure that no waiting is likely to mend, such as a certificate that is not valid.
    """

    reason: str
    after_s: float | None = None
    may_have_arrived: bool = False
    is_refusal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TooLarge:
    """The destination takes smaller batches: this one is sent again in halves."""

    reason: str


Outcome: TypeAlias = Delivered | Rejected | Retry | TooLarge
Attempt: TypeAlias = Callable[[float], Outcome]
"""One try to send a prepared batch, within so many seconds; may be called again after a :class:`Retry`."""


class Exporter(Protocol):
    """Takes batches of one signal to one destination. Called by one delivery thread at a time.

    ``takes_items`` says what it wants in a batch: the items as they were recorded, for a destination in this process, or
    the OTLP request that is encoded once for all destinations.
    """

    @property
    def takes_items(self) -> bool: ...

    def prepare(self, batch: Batch) -> Attempt:
        """Do once what all attempts share, such as compression."""

    def close(self) -> None:
        """Release connections and files. Called once, after the last attempt."""
