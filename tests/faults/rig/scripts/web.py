"""A web application under gunicorn (``wsgi``) or uvicorn (``asgi``): each request for ``/<number>`` records that number."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from tests.faults.rig.scripts import recording
from tests.faults.rig.scripts.recording import Recorder
from tests.faults.rig.work import Work

work = Work.from_json(os.environ["SUBJECT_WORK"])
recording.log_to_stderr()
telemetry = recording.start(work)
recorder = Recorder(telemetry)


def handle(path: str) -> bytes:
    if path != "/ready":
        recorder.span(path.removeprefix("/"))
    return str(os.getpid()).encode()


def wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    body = handle(environ["PATH_INFO"])
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = handle(scope["path"])
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
