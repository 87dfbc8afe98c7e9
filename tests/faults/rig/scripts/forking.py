"""Processes that a recording process makes, in each of Python's ways, while its own threads go on recording.

A child records and ends as its way has it: nobody flushes or shuts down for it. Each process says which numbers it used.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import sys
import threading
from typing import Any

from heliograph import TelemetryManager
from tests.faults.rig.scripts import recording
from tests.faults.rig.scripts.recording import Recorder
from tests.faults.rig.work import Work

CHILDREN = 4


def record_as_child(work_json: str, index: int) -> None:
    """What a child does. One that was spawned has nothing of its parent's, and starts for itself."""
    work = Work.from_json(work_json)
    if "spawn" in work.kind:
        recording.log_to_stderr()
        telemetry = recording.start(work)
    else:
        telemetry = TelemetryManager.current()
    recorder = Recorder(telemetry, f"child{index}")
    recorder.run(work.signals, work.items, work.rate)
    recording.say(prefix=recorder.prefix, recorded=recorder.recorded, raised=recorder.raised)


def fork_children(work_json: str) -> None:
    children = []
    for index in range(CHILDREN):
        child = os.fork()
        if child == 0:
            record_as_child(work_json, index)
            sys.exit(0)
        children.append(child)
    recording.say(children=[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])


def start_processes(work_json: str, context: Any) -> None:
    children = [context.Process(target=record_as_child, args=(work_json, index)) for index in range(CHILDREN)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    recording.say(children=[child.exitcode for child in children])


def use_pool(work_json: str, context: Any) -> None:
    pool = context.Pool(3, maxtasksperchild=1)
    pool.starmap(record_as_child, [(work_json, index) for index in range(CHILDREN)], chunksize=1)
    pool.close()
    pool.join()


def terminate_pool(work_json: str, context: Any) -> None:
    with context.Pool(3) as pool:  # the end of the block is SIGTERM to each worker
        pool.starmap(record_as_child, [(work_json, index) for index in range(CHILDREN)], chunksize=1)


def use_executor(work_json: str, context: Any) -> None:
    with concurrent.futures.ProcessPoolExecutor(3, mp_context=context) as executor:
        for done in [executor.submit(record_as_child, work_json, index) for index in range(CHILDREN)]:
            done.result()


WAYS = {
    "process": start_processes,
    "pool": use_pool,
    "terminated": terminate_pool,
    "executor": use_executor,
}


def main() -> None:
    work_json = sys.argv[1]
    work = Work.from_json(work_json)
    recording.log_to_stderr()
    telemetry = recording.start(work)
    recorder, is_over = Recorder(telemetry, "parent"), threading.Event()
    arguments = (work.signals, 10**6, 300.0)
    recording_threads = [
        threading.Thread(target=recorder.run, args=(*arguments, str(number), is_over.is_set)) for number in range(3)
    ]
    for thread in recording_threads:
        thread.start()
    way, _, method = work.kind.partition("-")
    if way == "os_fork":
        fork_children(work_json)
    else:
        WAYS[way](work_json, multiprocessing.get_context(method))
    is_over.set()
    for thread in recording_threads:
        thread.join()
    recording.end_with_shutdown(recorder, telemetry)


if __name__ == "__main__":
    main()
