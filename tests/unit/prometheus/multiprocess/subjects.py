"""Processes that are members: one that is told what to do line by line, and one that counts as fast as it can."""

from __future__ import annotations

import json
import mmap
import struct
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from tests.support.interpreter import own_environment

_WORKER = """
    import json, os, sys
    from heliograph.prometheus.multiprocess.member import Member
    from heliograph.prometheus.table import Collected
    from heliograph.prometheus.table import Family, Numbers

    families = {
        "jobs": Family(name="jobs", kind="counter"),
        "in_flight": Family(name="in_flight", kind="gauge", across="sum"),
        "watched": Family(name="watched", kind="gauge", across="sum", is_observed=True),
        "memory": Family(name="memory", kind="gauge", across="per_process"),
        "chosen": Family(name="chosen", kind="gauge", across="latest"),
        "cpu": Family(name="cpu", kind="counter", across="latest"),
    }
    values = {}

    def collect():
        tables = [Numbers(family=families[name], labels=[""], values=[value]) for name, value in values.items()]
        return Collected(tables, {"service_name": "shop", "process_pid": str(os.getpid())})

    member = Member(sys.argv[1], collect, lambda name, what: None)
    for line in sys.stdin:
        command, *arguments = json.loads(line)
        if command == "set":
            values.update(arguments[0])
            answer = None
        elif command == "scrape":
            tables, resource = member.scrape()
            answer = {table.family.name: dict(zip(table.labels, table.values)) for table in tables}, resource
        elif command == "fork":
            child = os.fork()
            if child == 0:
                member.after_fork_in_child()
                values.update(arguments[0])
                member.publish()
                os._exit(0)
            answer = os.waitpid(child, 0)
        else:
            answer = getattr(member, command)()
        print(json.dumps(answer), flush=True)
"""


_COUNTING = """
    import mmap, os, struct, sys, threading
    from heliograph.prometheus.multiprocess.member import Member
    from heliograph.prometheus.table import Collected
    from heliograph.prometheus.table import Family, Numbers

    family = Family(name="jobs", kind="counter")
    with open(sys.argv[2], "r+b") as file:
        truth = mmap.mmap(file.fileno(), 8)
    done = 0

    def collect():
        labels = [f'{{number="{number}"}}' for number in range(50)]
        return Collected([Numbers(family=family, labels=labels, values=[float(done)] + [0.1 * done] * 49)], {})

    member = Member(sys.argv[1], collect, print)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    while True:
        struct.pack_into("<q", truth, 0, done + 1)
        done += 1
        member.publish() if done % 7 else member.scrape()
"""


def started(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start ``code``; it ends with this process at the latest, when nobody can write to it any more."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *arguments],
        env=own_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Worker:
    """A process with a member in ``path``."""

    def __init__(self, path: Path) -> None:
        self._process = started(_WORKER, str(path))
        self.pid = self._process.pid

    def _ask(self, *command: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, self._process.communicate()
        return json.loads(answer)

    def publish(self, **values: float) -> None:
        """Set ``values`` and publish them."""
        self._ask("set", values)
        self._ask("publish")

    def set(self, **values: float) -> None:
        self._ask("set", values)

    def scrape(self) -> dict[str, dict[str, float]]:
        """The values by family and labels."""
        found, self.resource = self._ask("scrape")
        return dict(found)

    def fork(self, **values: float) -> None:
        """Fork a child that publishes ``values`` and dies."""
        self._ask("fork", values)

    def close(self) -> None:
        """Publish for the last time, and end."""
        self._ask("close")
        self._process.communicate()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


class Counting:
    """A process that counts and publishes as fast as it can; ``true`` is at least what it has published."""

    def __init__(self, path: Path, truth: Path) -> None:
        truth.write_bytes(bytes(8))
        with truth.open("r+b") as file:
            self._truth = mmap.mmap(file.fileno(), 8)
        self.process = started(_COUNTING, str(path), str(truth))

    @property
    def true(self) -> int:
        return int(struct.unpack_from("<q", self._truth)[0])

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()
