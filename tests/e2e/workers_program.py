"""A service of several processes, run by `test_workers_metrics.py`: under uvicorn (``asgi``) and under celery (``tasks``).

Each worker starts telemetry itself, when it begins, or inherits it from celery's parent, which then starts it at the import.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from celery import Celery
from celery.signals import worker_process_init
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from heliograph import TelemetryManager, TelemetrySettings

telemetry = TelemetryManager(
    TelemetrySettings(
        service_name="shop",
        tracing={"enabled": False},
        logs={"enabled": False},
        metrics={"exporters": ["prometheus"], "multiprocess_dir": os.environ["SHOP_METRICS"]},
        health={"enabled": False},
        server={"port": int(os.environ["SHOP_PORT"])},
    )
)
orders = telemetry.counter("shop.orders")
durations = telemetry.histogram("http.server.request.duration", unit="s")


def _start(**_about: object) -> None:
    telemetry.initialize()


if os.environ.get("SHOP_STARTS") == "in the parent":
    _start()
else:
    worker_process_init.connect(_start)


async def _order(request: Request) -> Response:
    """Measured before it is answered, so that no answer is ahead of its count."""
    started_s = time.perf_counter()
    orders.add(1, {"worker": os.getpid()})
    labels = {"http.request.method": request.method, "http.response.status_code": 204}
    durations.record(time.perf_counter() - started_s, labels)
    # No body: uvicorn with workers would send it 40 ms later, since their sockets wait for the headers to be acknowledged.
    return Response(status_code=204, headers={"answered-by": str(os.getpid())})


@asynccontextmanager
async def _life(_application: Starlette) -> AsyncIterator[None]:
    async with telemetry:
        yield


asgi = Starlette(routes=[Route("/", _order), Mount("/", telemetry.asgi_app())], lifespan=_life)

_broker = Path(os.environ["SHOP_BROKER"])
_broker.mkdir(exist_ok=True)
tasks = Celery("shop", broker="filesystem://", set_as_current=False)
tasks.conf.update(
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


@tasks.task(name="order")
def order() -> None:
    time.sleep(0.02)  # so that there is something for the other child as well
    orders.add(1, {"worker": os.getpid()})


if __name__ == "__main__":
    for _number in range(int(os.environ["SHOP_TASKS"])):
        tasks.send_task("order")
