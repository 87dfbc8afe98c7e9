"""The spool against a model: in whatever order things happen, a record is given back until it is settled, and never then."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from heliograph.clock import ManualClock
from heliograph.pipeline.spool import Kept, Spool, Taken
from tests.support.spools import body_batch, end_process, make_spool

_MAX_BYTES = 6000
_HEADER_BYTES = 37


class SpoolMachine(RuleBasedStateMachine):
    """Processes come and go, alone or with a sibling. The model knows of each body in whose hands it is."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.number = 0
        self.waiting: dict[bytes, int] = {}  # of this process, in the order of writing: body and count
        self.taken: list[Taken] = []
        self.orphans: set[bytes] = set()  # left by processes that ended
        self.spool = self._spool()

    def _spool(self) -> Spool:
        return make_spool(self.folder, max_bytes=_MAX_BYTES, clock=ManualClock())

    @rule(size=st.integers(0, 900), count=st.integers(1, 9))
    def append(self, size: int, count: int) -> None:
        self.number += 1
        body = b"<%d%s>" % (self.number, b"." * size)
        kept = self.spool.append(body_batch(body, count=count, last_entry=self.number))
        has_room = self._size() + len(body) + _HEADER_BYTES <= _MAX_BYTES
        assert kept is Kept.YES or not has_room or self.orphans, "there was room"
        if kept is Kept.YES:
            self.waiting[body] = count

    @rule(max_count=st.integers(1, 30), max_bytes=st.integers(1, 3000))
    def take(self, max_count: int, max_bytes: int) -> None:
        taken = self.spool.take(max_count, max_bytes)
        bodies = _bodies(taken.body)
        assert bodies == list(self.waiting)[: len(bodies)]
        assert taken.count == sum(self.waiting.pop(body) for body in bodies)
        assert len(bodies) >= 1 or not self.waiting
        assert len(bodies) <= 1 or (taken.count <= max_count and len(taken.body) <= max_bytes)
        assert (taken.expired, taken.unreadable) == (0, 0)
        if bodies:
            self.taken.append(taken)

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        self.spool.settle(self.taken.pop(data.draw(st.integers(0, len(self.taken) - 1))))

    @rule(is_killed=st.booleans())
    def end_and_start_anew(self, is_killed: bool) -> None:
        self.orphans |= set(self.waiting) | {body for taken in self.taken for body in _bodies(taken.body)}
        self.waiting, self.taken = {}, []
        end_process(self.spool) if is_killed else self.spool.close()
        self.spool = self._spool()

    @precondition(lambda self: self.orphans and not self.waiting and not self.taken)
    @rule()
    def adopt(self) -> None:
        found = self.spool.adopt()
        assert found, "something was left"
        taken = self.spool.take(1000, 1 << 20)
        assert taken.count == found
        bodies = _bodies(taken.body)
        assert len(set(bodies)) == len(bodies)
        assert set(bodies) <= self.orphans, "settled before, or never written"
        self.orphans -= set(bodies)
        self.spool.settle(taken)

    def _size(self) -> int:
        return sum(path.stat().st_size for path in self.folder.iterdir())

    @invariant()
    def stays_within_its_bounds(self) -> None:
        assert self._size() <= _MAX_BYTES

    def teardown(self) -> None:
        while self.spool.take(1000, 1 << 20).records:
            pass
        end_process(self.spool)
        shutil.rmtree(self.folder)


def _bodies(body: bytes) -> list[bytes]:
    return [part + b">" for part in body.split(b">")[:-1]]


TestSpoolMachine = SpoolMachine.TestCase
TestSpoolMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
