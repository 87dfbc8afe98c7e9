"""What one process shows to the others: its tables at one moment, and who it is.

Written by `member.py`, read by `directory.py`; pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from heliograph.prometheus.merge import Note
from heliograph.prometheus.multiprocess.process import Process
from heliograph.prometheus.multiprocess.tablefile import TableFile, UnreadableError, decode, encode
from heliograph.prometheus.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """``parent`` is the process that started it, where that is a part of the service; ``is_ended`` says that it ended in order
    and will publish no more; ``resource`` are the labels of its ``target_info``. ``changed_s`` as in `TableFile`."""

    member: str
    process: Process
    parent: Process | None
    published_at_s: float
    is_ended: bool = False
    resource: Mapping[str, str] = field(default_factory=dict)
    tables: Sequence[Table] = ()
    changed_s: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def service(self) -> list[Process]:
        """Those of the service that it knows of: as long as one of them runs, the service does."""
        return [self.process] if self.parent is None else [self.process, self.parent]

    def encoded(self, note: Note) -> bytes:
        """As the bytes of a file."""
        said = {
            "member": self.member,
            "process": self.process,
            "parent": self.parent,
            "published_at_s": self.published_at_s,
            "is_ended": self.is_ended,
            "resource": dict(self.resource),
        }
        return encode(TableFile(said=said, tables=self.tables, changed_s=self.changed_s), note)


def snapshot_of(data: bytes) -> Snapshot:
    """The snapshot in a file. Raises `UnreadableError`."""
    file = decode(data)
    said = dict(file.said)
    try:
        process, parent = Process(*said.pop("process")), said.pop("parent")
        return Snapshot(
            **said,
            process=process,
            parent=Process(*parent) if parent is not None else None,
            tables=file.tables,
            changed_s=file.changed_s,
        )
    except (KeyError, TypeError) as error:
        raise UnreadableError(f"is no snapshot: {error!r}") from error
