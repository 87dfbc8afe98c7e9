"""The HTTP service: order a video, look at one, search the catalogue. A middleware measures every request."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from opentelemetry import context, propagate
from opentelemetry.trace import SpanKind, StatusCode
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from heliograph.demo.cache import Cache
from heliograph.demo.instruments import DemoInstruments
from heliograph.demo.worker import Task, WorkerPool
from heliograph.manager import TelemetryManager

ERROR_RATE = 0.03
SLOW_RATE = 0.02
SLOW_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The handlers. ``dice`` decides which requests fail (:data:`ERROR_RATE`) and which dawdle (:data:`SLOW_RATE`)."""

    telemetry: TelemetryManager
    instruments: DemoInstruments
    cache: Cache
    workers: WorkerPool
    dice: random.Random
    titles: dict[str, str] = field(default_factory=dict)

    def app(self) -> Starlette:
        routes = [
            Route("/videos", self.order, methods=["POST"]),
            Route("/videos/{video_id}", self.show),
            Route("/catalogue", self.search),
        ]
        return Starlette(routes=routes, middleware=[Middleware(BaseHTTPMiddleware, dispatch=self.measured)])

    async def order(self, request: Request) -> Response:
        title = (await request.json())["title"]
        video_id = uuid.UUID(int=self.dice.getrandbits(128), version=4).hex
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        if not self.workers.submit(Task(video_id=video_id, title=title, carrier=carrier)):
            return JSONResponse({"error": "the studio is busy, come back later"}, 503, {"Retry-After": "1"})
        self.titles[video_id] = title
        return JSONResponse({"id": video_id}, 202)

    async def show(self, request: Request) -> Response:
        video_id = request.path_params["video_id"]
        shown = self.cache.get(video_id)
        if shown is not None:
            return Response(shown, media_type="application/json")
        if video_id in self.titles:
            return JSONResponse({"title": self.titles[video_id], "state": "not there, or made long ago"}, 200)
        return JSONResponse({"error": f"no video {video_id}"}, 404)

    async def search(self, request: Request) -> Response:
        wanted = request.query_params.get("q", "")
        with self.telemetry.span("search titles", query=wanted) as span:
            found = [title for title in self.titles.values() if wanted in title]
            span.set_attribute("results", len(found))
        return JSONResponse({"found": len(found)})

    async def measured(self, request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        """One span and one measurement a request, with the route as its low-cardinality name."""
        route = _route(request)
        token = context.attach(propagate.extract(request.headers))
        started, status = time.perf_counter(), 500
        labels = {"http.request.method": request.method, "http.route": route}
        try:
            with self.telemetry.span(f"{request.method} {route}", labels, kind=SpanKind.SERVER) as span:
                response = await self._perhaps_troubled(request, proceed)
                status = response.status_code
                span.set_attribute("http.response.status_code", status)
                if status >= 500:
                    span.set_status(StatusCode.ERROR)
                return response
        except RuntimeError as error:
            return JSONResponse({"error": str(error)}, status)
        finally:
            context.detach(token)
            labels = {**labels, "http.response.status_code": str(status)}
            self.instruments.request_duration.record(time.perf_counter() - started, labels)
            self.instruments.requests.add(1, labels)
            if status >= 500:
                self.instruments.request_errors.add(1, labels)

    async def _perhaps_troubled(self, request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        trouble = self.dice.random()
        if trouble < ERROR_RATE:
            raise RuntimeError("the demo breaks a stated share of its requests")
        if trouble < ERROR_RATE + SLOW_RATE:
            await asyncio.sleep(SLOW_S)
        return await proceed(request)


def _route(request: Request) -> str:
    path = request.url.path
    return "/videos/{video_id}" if path.startswith("/videos/") else path
