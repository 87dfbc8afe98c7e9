"""Keeps the directory small: ended processes go into the archive, and what an earlier run of the service left is removed.

Called by `member.py` when it joins, and after a scrape that found ended processes. Every function here expects the directory's
lock to be held.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from heliograph.prometheus.merge import Note
from heliograph.prometheus.multiprocess.archive import Archive, folded
from heliograph.prometheus.multiprocess.directory import Directory
from heliograph.prometheus.multiprocess.process import Process, is_running

# A reader has read a member's file and not yet the archive: so long it may take him.
_REMEMBERED_S: Final = 600.0


def clean(directory: Directory) -> None:
    """Remove what is there when the service that wrote it runs no more: none of its processes, and none that started them.
    While workers are recycled one by one there may be a moment without any, but what starts them lives on."""
    archive = directory.archive() or Archive()
    known = {*archive.service, *(process for snapshot in directory.snapshots() for process in snapshot.service)}
    if not any(map(is_running, known)) and not directory.is_any_locked():
        directory.remove_all()


def compact(directory: Directory, now_s: float, note: Note) -> None:
    """Add all who have ended to the archive."""
    over = {snapshot.member for snapshot in directory.snapshots() if not directory.is_alive(snapshot)}
    # Read once more: one may have ended in between, with a last publication.
    snapshots = directory.snapshots()
    archive = directory.archive()
    if archive is None:  # of a later version, which shall find it as it is
        return
    ended = [snapshot for snapshot in snapshots if snapshot.member in over and snapshot.member not in archive.members]
    living = [snapshot for snapshot in snapshots if snapshot.member not in over]
    if ended:
        archive = folded(archive, ended, living, now_s, note)
        members = _remembered(archive.members, directory.members(), now_s)
        archive = replace(archive, members=members, service=_running(archive.service))
        directory.write_archive(archive.encoded(note))
    for member in over & archive.members.keys():
        directory.remove(member)
    directory.remove_abandoned(now_s)


def _remembered(members: Mapping[str, float], there: Iterable[str], now_s: float) -> dict[str, float]:
    kept = set(there)
    return {member: at_s for member, at_s in members.items() if member in kept or at_s > now_s - _REMEMBERED_S}


def _running(service: Iterable[Process]) -> frozenset[Process]:
    return frozenset(process for process in service if is_running(process) is not False)
