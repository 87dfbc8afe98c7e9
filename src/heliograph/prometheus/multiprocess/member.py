"""One process among those of a service that are scraped as one.

Called by the exposition: by a scheduler, which publishes, and by scrapes. It keeps its values to itself; what the others know
of it is its last publication, a file in the directory that all of them share. `across.py` makes one of all of them.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from heliograph.clock import Clock, SystemClock
from heliograph.prometheus.merge import Note
from heliograph.prometheus.multiprocess.across import common_resource, of_service
from heliograph.prometheus.multiprocess.archive import Archive
from heliograph.prometheus.multiprocess.changes import Changes
from heliograph.prometheus.multiprocess.compaction import clean, compact
from heliograph.prometheus.multiprocess.directory import Directory, made
from heliograph.prometheus.multiprocess.observed import with_last_values
from heliograph.prometheus.multiprocess.process import Process, parent_process, this_process
from heliograph.prometheus.multiprocess.snapshot import Snapshot
from heliograph.prometheus.table import Collected, Table

logger = logging.getLogger("heliograph.prometheus")

_JOINING_S: Final = 1.0  # how long another process may hold the directory's lock before it is not waited for any more
_PUBLISHING_S: Final = 1.0  # how long another thread may take before this one gives up: the disk hangs
_SCRAPING_S: Final = 5.0


class _Others(NamedTuple):
    """What was read last: what the others have published, and what is kept of those before them."""

    living: Sequence[Snapshot] = ()
    ended: Sequence[Snapshot] = ()
    archive: Archive = Archive()


class Member:
    """Publishes what ``collect`` gives, and merges it with what the others published. Thread-safe, as ``collect`` has to be;
    that is called while a lock is held, so call no method while holding something that ``collect`` waits for.

    A failing disk is said once, and counted in ``failures``; a scrape then shows what is known without it.
    """

    def __init__(self, path: str | Path, collect: Callable[[], Collected], note: Note, clock: Clock | None = None) -> None:
        self.failures = 0
        self._collect = collect
        self._note = note
        self._clock = clock or SystemClock()
        self._directory = Directory(Path(path), self._say_once)
        self._said: set[str] = set()
        self._is_closed = False
        self._begin()

    def _begin(self) -> None:
        # Reentrant: a signal handler may close while its thread publishes.
        self._lock = threading.RLock()
        self._member = ""
        self._published: Snapshot | None = None
        self._failing: set[str] = set()
        self._collected: list[Table] = []
        self._changes = Changes()
        self._others = _Others()
        self._who: tuple[Process, Process | None] | None = None

    def after_fork_in_child(self) -> None:
        """The child is a member of its own from its first publication on, and leaves what is its parent's to it."""
        self._begin()
        self._directory.after_fork_in_child()

    def publish(self) -> None:
        """Show the others what has changed since the last time. Never raises."""
        if self._is_closed:
            return
        with self._turn(_PUBLISHING_S) as is_mine:
            if is_mine:  # else a scrape is at it, which publishes too
                self._try_publish()

    def scrape(self) -> Collected:
        """The tables of all processes, those of this one as they are now, and what the resources of the living have in common.
        Raises what ``collect`` raises."""
        with self._turn(_SCRAPING_S) as is_mine:
            if not is_mine:
                self._failed("scraping", "another scrape does not come to an end")
                own = None if self._is_closed else self._snapshot(is_ended=False)
                return self._merged(own, self._others)
            # First, so that nothing goes back that was shown once, should this process be killed.
            own = None if self._is_closed else self._publication(is_ended=False)
            try:
                self._others = self._read(own)
                self._failing.discard("reading")
            except OSError as error:  # then the others' are shown as they were
                self._failed("reading", error)
            found = self._merged(own, self._others)
            if self._others.ended:
                self._compact()
            return found

    def close(self) -> None:
        """The last publication. Never raises."""
        with self._turn(_PUBLISHING_S) as is_mine:
            if self._is_closed:
                return
            self._is_closed = True
            if is_mine:
                self._try_publish()
                self._directory.leave(self._member)
            else:
                self._failed("closing", "a publication does not come to an end, so the last one is missing")

    @contextmanager
    def _turn(self, timeout_s: float) -> Iterator[bool]:
        lock = self._lock  # after a fork it is another one
        is_mine = lock.acquire(timeout=timeout_s)
        try:
            yield is_mine
        finally:
            if is_mine:
                lock.release()

    def _try_publish(self) -> None:
        try:
            self._publication(is_ended=self._is_closed)
        except Exception as error:  # collecting runs callbacks and collectors of the application's
            self._failed("collecting", error)

    def _publication(self, *, is_ended: bool) -> Snapshot:
        """What this process has now, which the others can read from now on unless the disk fails."""
        snapshot = self._snapshot(is_ended=is_ended)
        try:
            if not self._member:
                snapshot = self._joined(snapshot)
            elif not self._is_published(snapshot):
                made(self._directory.path)
                self._directory.join(self._member)
                self._write(snapshot)
            self._published = snapshot
            self._failing.discard("publishing")
        except Exception as error:  # the disk's, or that of a recorded value that cannot be written: a scrape goes on
            self._failed("publishing", error)
        if self._is_closed and not is_ended:  # by a signal handler, in the middle of this
            return self._publication(is_ended=True)
        return snapshot

    def _snapshot(self, *, is_ended: bool) -> Snapshot:
        collected = self._collect()
        tables = self._collected = with_last_values(collected.tables, self._collected)
        now_s = self._clock.time_ns() / 1e9
        if self._who is None:
            self._who = (this_process(), parent_process())
        process, parent = self._who
        return Snapshot(
            member=self._member,
            process=process,
            parent=parent,
            published_at_s=now_s,
            is_ended=is_ended,
            resource=collected.resource,
            tables=tables,
            changed_s=self._changes.seen(tables, now_s),
        )

    def _is_published(self, snapshot: Snapshot) -> bool:
        """Whether the file says the same already."""
        known = self._published
        return (
            known is not None
            and known.tables == snapshot.tables
            and (known.resource, known.is_ended) == (snapshot.resource, snapshot.is_ended)
            and self._directory.is_written(snapshot.member)
        )

    def _joined(self, snapshot: Snapshot) -> Snapshot:
        """Begin to be a member, with a first publication, after what an earlier run left has been removed."""
        made(self._directory.path)
        # The older ones sort first.
        member = f"{self._clock.time_ns():020}-{snapshot.process.pid}-{secrets.token_hex(4)}"
        snapshot = replace(snapshot, member=member)
        with self._directory.lock(_JOINING_S) as is_mine:
            if is_mine:
                clean(self._directory)
            try:
                self._directory.join(member)
                self._write(snapshot)
            except BaseException:
                self._directory.leave(member)
                with suppress(OSError):
                    self._directory.remove(member)
                raise
            self._member = member
        self._compact()
        return snapshot

    def _write(self, snapshot: Snapshot) -> None:
        self._directory.write(snapshot, snapshot.encoded(self._note))

    def _read(self, own: Snapshot | None) -> _Others:
        snapshots, archive = self._directory.everyone(without=own.member if own is not None else "")
        living: list[Snapshot] = []
        ended: list[Snapshot] = []
        for snapshot in snapshots:
            (living if self._directory.is_alive(snapshot) else ended).append(snapshot)
        return _Others(living, ended, archive)

    def _merged(self, own: Snapshot | None, others: _Others) -> Collected:
        living = others.living
        if own is not None and own.member not in others.archive.members:
            # By age, so that it is the same in each process which of two kinds of one name is shown.
            living = sorted((own, *living), key=lambda snapshot: snapshot.member)
        tables = of_service(living, others.ended, others.archive.tables, self._note)
        return Collected(tables, common_resource(living or others.ended))

    def _compact(self) -> None:
        try:
            with self._directory.lock(0.0) as is_mine:
                if is_mine:  # else somebody else is at it
                    compact(self._directory, self._clock.time_ns() / 1e9, self._note)
        except OSError as error:
            self._failed("compacting", error)

    def _failed(self, what: str, why: object) -> None:
        self.failures += 1
        if what not in self._failing:
            self._failing.add(what)
            logger.warning("multi-process metrics in %s: %s failed: %r", self._directory.path, what, why)

    def _say_once(self, what: str) -> None:
        if what not in self._said:
            self._said.add(what)
            logger.warning("multi-process metrics: %s", what)
