"""What an exporter is to the pipeline: it prepares a batch once, and each attempt to send it ends in one of four ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

T_contra = TypeVar("T_contra", contravariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The destination has the batch, except ``rejected`` items that it said it refused (with its ``reason``)."""

    rejected: int = 0
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """A batch, encoded once. ``send(timeout_s)`` is one attempt and may be called again after a :class:`Retry`;
    ``unencodable`` counts the items that are not in it because they could not be encoded."""

    send: Callable[[float], Outcome]
    unencodable: int = 0


class Exporter(Protocol[T_contra]):
    """Takes items of one signal to one destination. Called by one delivery thread at a time."""

    def prepare(self, items: Sequence[T_contra]) -> Shipment:
        """Encode ``items`` (at least one). One that cannot be encoded is left out and counted, never raised."""

    def close(self) -> None:
        """Release connections and files. Called once, after the last attempt."""
