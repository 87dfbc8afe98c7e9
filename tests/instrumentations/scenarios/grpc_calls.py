"""gRPC, plain and asynchronous: a real server and clients of it, with one call that fails."""

from __future__ import annotations

import asyncio
from concurrent import futures
from typing import Any

import grpc
import grpc.aio
from opentelemetry import trace
from opentelemetry.instrumentation.grpc import (
    GrpcAioInstrumentorClient,
    GrpcAioInstrumentorServer,
    GrpcInstrumentorClient,
    GrpcInstrumentorServer,
)

from tests.instrumentations.scenarios.instrumenting import instrumented

_SERVICE = "shop.Orders"


def run(_argument: str) -> Any:
    with instrumented(GrpcInstrumentorServer(), GrpcInstrumentorClient()):
        answers = _plainly()
    with instrumented(GrpcAioInstrumentorServer(), GrpcAioInstrumentorClient()):
        answers += asyncio.run(_asynchronously())
    return {"answers": answers}


def _plainly() -> list[str]:
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, _METHODS),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel, trace.get_tracer("app").start_as_current_span("work"):
        answers = [channel.unary_unary(f"/{_SERVICE}/Get")(b"7").decode()]
        answers += [part.decode() for part in channel.unary_stream(f"/{_SERVICE}/List")(b"")]
        try:
            channel.unary_unary(f"/{_SERVICE}/Fail")(b"")
        except grpc.RpcError as error:
            answers.append(error.code().name)
    server.stop(5).wait()
    return answers


async def _asynchronously() -> list[str]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, _ASYNCHRONOUS_METHODS),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    with trace.get_tracer("app").start_as_current_span("async work"):
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            answers = [(await channel.unary_unary(f"/{_SERVICE}/Get")(b"8")).decode()]
            try:
                await channel.unary_unary(f"/{_SERVICE}/Fail")(b"")
            except grpc.aio.AioRpcError as error:
                answers.append(error.code().name)
    await server.stop(5)
    return answers


def _get(request: bytes, _context: Any) -> bytes:
    with trace.get_tracer("app").start_as_current_span("look up"):
        return b"order " + request


def _list(_request: bytes, _context: Any) -> Any:
    yield from (b"7", b"8")


def _fail(_request: bytes, context: Any) -> bytes:
    context.abort(grpc.StatusCode.NOT_FOUND, "no such order")
    return b""


async def _get_asynchronously(request: bytes, context: Any) -> bytes:
    return _get(request, context)


async def _fail_asynchronously(_request: bytes, context: Any) -> bytes:
    await context.abort(grpc.StatusCode.NOT_FOUND, "no such order")
    return b""


_METHODS = {
    "Get": grpc.unary_unary_rpc_method_handler(_get),
    "List": grpc.unary_stream_rpc_method_handler(_list),
    "Fail": grpc.unary_unary_rpc_method_handler(_fail),
}
_ASYNCHRONOUS_METHODS = {
    "Get": grpc.unary_unary_rpc_method_handler(_get_asynchronously),
    "Fail": grpc.unary_unary_rpc_method_handler(_fail_asynchronously),
}
