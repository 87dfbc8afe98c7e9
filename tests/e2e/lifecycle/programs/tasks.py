"""A celery application whose broker is a folder: the task ``unit`` is one unit. As a program it sends the tasks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from celery import Celery

from tests.e2e.lifecycle.programs import units

_broker = Path(os.environ["UNITS_BROKER"])
(_broker / "control").mkdir(parents=True, exist_ok=True)
app = Celery("units", broker="filesystem://", set_as_current=False)
app.conf.update(
    broker_transport_options={
        "data_folder_in": str(_broker),
        "data_folder_out": str(_broker),
        "control_folder": str(_broker / "control"),
        "polling_interval": 0.05,
    },
    broker_connection_retry_on_startup=False,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
)


@app.task(name="unit")
def unit(number: str) -> None:
    units.do(number, 0.02)


if __name__ == "__main__":
    for task in range(int(sys.argv[1])):
        app.send_task("unit", args=[str(task)])
elif "UNITS_HOOKED" in os.environ:
    from heliograph.integrations import celery

    celery.setup(app)
else:
    units.start()
