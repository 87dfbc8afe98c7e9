"""A Celery application whose broker is a folder. ``python -m tests.faults.rig.scripts.celery_app 20`` sends 20 tasks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from celery import Celery

folder = Path(os.environ["SUBJECT_BROKER"])
app = Celery("subject", broker="filesystem://", set_as_current=False)
app.conf.update(
    broker_transport_options={
        "data_folder_in": str(folder),
        "data_folder_out": str(folder),
        "control_folder": str(folder / "control"),
    },
    broker_connection_retry_on_startup=False,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
)

if "SUBJECT_WORK" in os.environ:  # the worker, before it forks
    from tests.faults.rig.scripts import recording
    from tests.faults.rig.work import Work

    recording.log_to_stderr()
    telemetry = recording.start(Work.from_json(os.environ["SUBJECT_WORK"]))
    recorder = recording.Recorder(telemetry)


@app.task(name="record")
def record(number: str) -> None:
    for part in range(5):
        recorder.span(f"{number}.{part}")
    recording.say(recorded=number)


if __name__ == "__main__":
    for task in range(int(sys.argv[1])):
        app.send_task("record", args=[f"task-{task}"])
