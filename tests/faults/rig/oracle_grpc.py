"""The oracle's other face: OTLP over gRPC, with the same record and the same plan."""

from __future__ import annotations

import time
from concurrent import futures
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from tests.faults.rig.oracle import NOTHING, Plan, Record, kept_of, partial_success
from tests.faults.rig.step import Step

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_SIGNALS = {"trace": "traces"}
_servers: list[Any] = []  # a server that nobody holds is stopped


class _Service(grpc.GenericRpcHandler):
    def __init__(self, record: Record, plan: Plan) -> None:
        self._record = record
        self._plan = plan

    def service(self, details: Any) -> Any:
        name = details.method.split(".")[3]  # /opentelemetry.proto.collector.trace.v1.TraceService/Export
        signal = _SIGNALS.get(name, name)
        return grpc.unary_unary_rpc_method_handler(lambda body, context: self._export(signal, body, context))

    def _export(self, signal: str, body: bytes, context: Any) -> bytes:
        step = self._plan.next()
        if step.how == "hang":
            self._record.write(signal, len(body), "hang")
            time.sleep(3600)
        time.sleep(step.delay_s)
        kept = NOTHING if step.grpc_code else kept_of(signal, body, step.rejected)
        self._record.write(signal, len(body), str(step.grpc_code), kept)
        if step.grpc_code:
            _refuse(context, step)
        return partial_success(step.rejected)


def _refuse(context: Any, step: Step) -> None:
    if step.retry_info_s is not None:
        details = AnyMessage()
        details.Pack(RetryInfo(retry_delay=Duration(seconds=step.retry_info_s)))
        status = Status(code=step.grpc_code, message="told to", details=[details])
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(_CODES[step.grpc_code], "told to")


def serve_grpc(port: int, record: Record, plan: Plan) -> int:
    """Listen on ``port`` of this machine, 0 for any; returns it."""
    handlers = (_Service(record, plan),)
    server = grpc.server(futures.ThreadPoolExecutor(8), handlers=handlers, options=[("grpc.so_reuseport", 0)])
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    _servers.append(server)
    return int(bound)
