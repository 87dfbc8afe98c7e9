"""What the answer of a server means: a row for each status of HTTP and each code of gRPC. Called by `diagnosis.py`.

Source: OTLP specification, "OTLP/HTTP Response" and "OTLP/gRPC Response"; gRPC, "HTTP to gRPC Status Code Mapping".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from heliograph.doctor.cause import Cause
from heliograph.doctor.crossing import usually_at
from heliograph.doctor.finding import Severity
from heliograph.doctor.target import Target, without_credentials
from heliograph.exporters.otlp import Answered
from heliograph.otlp.messages import SIGNALS
from heliograph.text import printable

_LONGEST_SHOWN: Final = 160


def answered(target: Target, answer: Answered) -> Cause | None:
    """The cause that the status or the code tells; None for one that says nothing by itself."""
    make = _ROWS.get(_status(answer))
    if make is None and answer.status.isdigit():
        make = _ROWS.get(f"{answer.status[0]}xx")
    return make(target, answer) if make is not None else None


def quoted(target: Target, answer: Answered) -> str:
    """What the server said in words, as a sentence, without the secrets that were sent to it; empty when it said none."""
    text = target.without_secrets(_message(target.signal, answer))
    text = printable(" ".join(text.split()))
    return f"The server says: {text[:_LONGEST_SHOWN]!r}." if text else ""


def _status(answer: Answered) -> str:
    """That of an HTTP server whose answer gRPC had to translate counts as its own."""
    return translated(answer) or answer.status


def translated(answer: Answered) -> str | None:
    """The status of HTTP that gRPC's library made its code of; None when the code is the server's own."""
    found = re.search(rb"http2 (?:header with status: |:status header[^0-9]*)(\d{3})", answer.body)
    return found[1].decode() if found else None


def _message(signal: str, answer: Answered) -> str:
    kind = str(answer.headers.get("content-type", ""))
    if "html" in kind:
        title = re.search(rb"<title>(.*?)</title>", answer.body, re.IGNORECASE | re.DOTALL)
        return title[1].decode(errors="replace") if title else ""
    if "protobuf" in kind and answer.status.isdigit():
        from google.protobuf.message import DecodeError  # noqa: PLC0415  # most answers are no protobuf
        from google.rpc.status_pb2 import Status  # noqa: PLC0415

        try:
            return str(Status.FromString(answer.body).message)
        except DecodeError:
            return ""
    if b"\0" in answer.body or b"\xff" in answer.body:
        return ""  # no text
    return answer.body.decode(errors="replace")


def _said(target: Target, answer: Answered, sentence: str) -> str:
    return f"{sentence} {quoted(target, answer)}".strip()


def _shown(answer: Answered) -> str:
    status = _status(answer)
    return f"HTTP {status}" if status.isdigit() else f"gRPC {status}"


def _credentials(target: Target, answer: Answered) -> Cause:
    if not target.headers:
        what, why = "the server wants credentials", f"It answered {_shown(answer)}, and no headers are set."
        fix = "set headers in {exporter} to what the server wants, such as an authorization or an API key "
        return Cause(what=what, why=_said(target, answer, why), fix=f"{fix}(OTEL_EXPORTER_OTLP_HEADERS)")
    names = ", ".join(sorted(target.headers))
    hints = [f"It answered {_shown(answer)} to a request with the headers {names}."]
    hints += [f"The value of {name} is empty." for name, value in sorted(target.headers.items()) if not value.strip()]
    given = {name.lower(): value for name, value in target.headers.items()}.get("authorization", "").strip()
    if given and " " not in given:
        hints.append("The value of authorization has no scheme before it, such as 'Bearer ' or 'Basic '.")
    return Cause(
        what="the server does not accept the credentials",
        why=_said(target, answer, " ".join(hints)),
        fix="correct the headers of {exporter}: the name of the header, its scheme, a key that is still valid",
    )


def _forbidden(target: Target, answer: Answered) -> Cause:
    if not target.headers:
        return _credentials(target, answer)
    return Cause(
        what="the server forbids it",
        why=_said(target, answer, f"It answered {_shown(answer)}: it knows who sends, and does not let him write this."),
        fix="give the key that {exporter} sends the right to write {signals}, or send the key of another tenant",
    )


def takes_others(target: Target, answer: Answered, others: str) -> Cause:
    """The server has nothing for this signal, and took ``others`` a moment ago."""
    return Cause(
        what="the server takes no {signals}",
        why=_said(
            target, answer, f"It answered {_shown(answer)}, while it takes {others}; Jaeger, for one, takes traces only."
        ),
        fix="remove {exporter}, or set its endpoint to a server that takes {signals}",
    )


def _not_found(target: Target, answer: Answered) -> Cause:
    own_path = SIGNALS[target.signal].http_path
    if not target.is_path_appended and not target.path.endswith(own_path):
        variable = f"OTEL_EXPORTER_OTLP_{target.signal.upper()}_ENDPOINT"
        why = f"It answered {_shown(answer)}. append_path is off, as it is for {variable}: the endpoint is used as it is."
        return Cause(
            what="wrong path: the server knows no {paths}",
            why=_said(target, answer, why),
            fix=f"set the endpoint of {{exporter}} to '{target.endpoint.rstrip('/')}{own_path}'",
        )
    hint = usually_at(target.port)
    others = [name for name in SIGNALS if name != target.signal and SIGNALS[name].http_path in target.path]
    if others:
        hint = f"The endpoint ends with the path of {others[0]}, and {own_path} was put behind it."
    return Cause(
        what="wrong path: the server knows no {paths}",
        why=_said(target, answer, f"It answered {_shown(answer)}. {hint}".strip()),
        fix="set the endpoint of {exporter} to the server's base URL for OTLP, without /v1/...: that is put behind it",
    )


def _wrong_method(target: Target, answer: Answered) -> Cause:
    return Cause(
        what="wrong path: {paths} takes no POST",
        why=_said(
            target, answer, f"It answered {_shown(answer)}: what is there is no OTLP receiver. {usually_at(target.port)}"
        ),
        fix="set the endpoint of {exporter} to the server's base URL for OTLP",
    )


def _redirect(target: Target, answer: Answered) -> Cause:
    location = target.without_secrets(without_credentials(str(answer.headers.get("location", ""))))
    base = location.removesuffix(SIGNALS[target.signal].http_path) or "where it says"
    return Cause(
        what=f"the server sends elsewhere: {location or 'it does not say where'}",
        why=f"It answered {_shown(answer)}, and a redirect of telemetry is not followed (OTLP specification).",
        fix=f"set the endpoint of {{exporter}} to {base}",
    )


def _no_service(target: Target, answer: Answered) -> Cause:
    return Cause(
        what="the server takes no {signals} over gRPC",
        why=_said(target, answer, f"It answered {_shown(answer)}: it speaks gRPC and has no such OTLP service."),
        fix="send {signals} to a server that takes them, and remove {exporter}; or switch that receiver on",
    )


def _row(what: str, why: str, fix: str, severity: Severity = Severity.ERROR) -> Callable[[Target, Answered], Cause]:
    def make(target: Target, answer: Answered) -> Cause:
        said = _said(target, answer, f"It answered {_shown(answer)}: {why}")
        return Cause(what=what, why=said, fix=fix, severity=severity)

    return make


_TOO_MUCH: Final = _row(
    "the server takes no more at the moment",
    "a quota is used up, or it is overloaded.",
    "send less (tracing.sample_rate, fewer metrics), or raise the quota there",
    Severity.WARNING,
)
_UNAVAILABLE: Final = _row(
    "the server is not available",
    "it starts, is overloaded, or does not get to what is behind it.",
    "look at the health and the log of the receiver, and of the load balancer before it",
)
_BROKEN: Final = _row(
    "the server failed",
    "the fault is on its side.",
    "look at the log of the receiver",
)
_MALFORMED: Final = _row(
    "the server does not take the request",
    "it finds something wrong with it, often a header that it misses.",
    "look at what it says; a tenant's header may be missing in the headers of {exporter}",
)
_ROWS: Final[Mapping[str, Callable[[Target, Answered], Cause]]] = {
    "3xx": _redirect,
    "400": _MALFORMED,
    "401": _credentials,
    "UNAUTHENTICATED": _credentials,
    "403": _forbidden,
    "PERMISSION_DENIED": _forbidden,
    "404": _not_found,
    "NOT_FOUND": _row(
        "the server does not know whom it is for",
        "something that the request names, a tenant or a project, is not there.",
        "correct the headers of {exporter} that name it",
    ),
    "405": _wrong_method,
    "UNIMPLEMENTED": _no_service,
    "413": _row("the server takes no request of that size", "one item was sent.", "raise the largest size there"),
    "415": _row(
        "the server takes no protobuf",
        "OTLP is sent as protobuf, and it wants JSON or something else.",
        "set the endpoint of {exporter} to an OTLP receiver that takes protobuf, or let it take protobuf",
    ),
    "429": _TOO_MUCH,
    "RESOURCE_EXHAUSTED": _TOO_MUCH,
    "502": _UNAVAILABLE,
    "503": _UNAVAILABLE,
    "504": _UNAVAILABLE,
    "UNAVAILABLE": _UNAVAILABLE,
    "ABORTED": _UNAVAILABLE,
    "5xx": _BROKEN,
    "INTERNAL": _BROKEN,
    "UNKNOWN": _BROKEN,
    "DATA_LOSS": _BROKEN,
    "4xx": _MALFORMED,
    "INVALID_ARGUMENT": _MALFORMED,
    "FAILED_PRECONDITION": _MALFORMED,
    "OUT_OF_RANGE": _MALFORMED,
}
