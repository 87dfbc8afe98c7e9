"""The check of the port on which metrics and health are served: whether it can be had, and who has it.

Called by `examination.py`.
"""

from __future__ import annotations

import errno
import http.client
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

from heliograph.doctor.circumstances import Circumstances
from heliograph.doctor.finding import Finding, Severity
from heliograph.doctor.workers import shared_directory
from heliograph.endpoint.listening import listen_on
from heliograph.exporters.http_deadline import Deadline, connect
from heliograph.settings.server import ServerSettings
from heliograph.text import printable

CHECK: Final = "port"
_TIMEOUT_S: Final = 2.0
_SCRAPE_BYTES: Final = 1024 * 1024
_LABEL: Final = r'^target_info\{[^}]*service_name="([^"]*)"'


def examine_port(around: Circumstances) -> Iterator[Finding]:
    """Listen on it for a moment."""
    server = around.settings.effective_server
    if not server.enabled:
        is_missed = around.settings.prometheus is not None
        why = "Prometheus has nothing to scrape then, unless the application mounts asgi_app() or wsgi_app()."
        what, fix = "no endpoint for /metrics and /health (server.enabled is off)", "switch server.enabled on"
        yield Finding(
            severity=Severity.INFO, check=CHECK, what=what, why=why if is_missed else "", fix=fix if is_missed else ""
        )
        return
    at = f"{server.host}:{server.port}"
    try:
        with closing(listen_on(server.host, server.port)):
            shown = at if server.port else f"{server.host}, on any free port"
            yield Finding(severity=Severity.OK, check=CHECK, what=f"the endpoint for /metrics and /health can be at {shown}")
    except OSError as error:
        yield _taken(around, server, at) if error.errno == errno.EADDRINUSE else _impossible(around, at, error)


def _impossible(around: Circumstances, at: str, error: OSError) -> Finding:
    port, host = around.named(_port_place(around)), around.named(("server", "host"))
    why, fix = {
        errno.EACCES: ("Ports below 1024 are for root only.", f"set {port} to one above 1023"),
        errno.EPERM: ("Ports below 1024 are for root only.", f"set {port} to one above 1023"),
        errno.EADDRNOTAVAIL: ("This machine has no such address.", f"set {host} to an address of this machine, or 0.0.0.0"),
    }.get(error.errno or 0, (f"The system says: {error.strerror or error}.", f"correct {host} or {port}"))
    what = f"no endpoint for /metrics and /health: cannot listen on {at}"
    return Finding(severity=Severity.ERROR, check=CHECK, what=what, why=why, fix=fix)


def _port_place(around: Circumstances) -> tuple[str | int, ...]:
    exporters = around.settings.metrics.exporters
    for position, exporter in enumerate(exporters):
        if getattr(exporter, "port", None) is not None:
            return ("metrics", "exporters", position, "port")
    return ("server", "port")


def _taken(around: Circumstances, server: ServerSettings, at: str) -> Finding:
    name, text = _scraped(server)
    service, program = _service(text), _listening(server.port)
    by = f"by {program}" if program else "by another process"
    if service is not None and service == around.settings.service_name:
        what, why = (
            f"the endpoint at {at} is served already, {by}",
            f"It answers as the service {service!r}: this one, running.",
        )
        return Finding(severity=Severity.INFO, check=CHECK, what=what, why=why)
    if shared_directory(around) is not None and service is not None:
        fix = "start the processes of one service with one directory, and another service on another port"
    else:
        fix = f"set {around.named(_port_place(around))} to a free port, or to 0 for any, or server.when_taken to 'next'"
    looks = f" It looks like the service {service!r} with heliograph." if service is not None else _looks(name, text)
    is_next = server.when_taken == "next"
    then = "the next free port is taken instead, which Prometheus has to know." if is_next else "there will be no endpoint."
    return Finding(
        severity=Severity.WARNING if is_next else Severity.ERROR,
        check=CHECK,
        what=f"port {server.port} is taken, {by}",
        why=f"Something listens on {at} already.{looks} The application starts all the same, but {then}",
        fix=fix,
    )


def _scraped(server: ServerSettings) -> tuple[str, str]:
    """The name that the server there gives itself, and what it answers; empty when it answers no HTTP."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host)  # noqa: S104  # looked at, not listened on
    connection: Any = http.client.HTTPConnection(host, server.port)
    try:
        connection.sock = connect(host, server.port, Deadline(_TIMEOUT_S))
        connection.request("GET", server.metrics_path)
        answer = connection.getresponse()
        return answer.headers.get("Server", "an HTTP server"), answer.read(_SCRAPE_BYTES).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return "", ""
    finally:
        connection.close()


def _service(text: str) -> str | None:
    """The service whose metrics heliograph serves there; None when it is something else."""
    found = re.search(_LABEL, text, re.MULTILINE)
    return found[1] if found is not None and "heliograph_" in text else None


def _looks(name: str, text: str) -> str:
    if "# TYPE" in text:
        return " It serves metrics of another program."
    return f" It answers as {printable(name)!r}." if name else ""


def _listening(port: int) -> str:
    """The program that listens on the port, where the system shows it; of other users it may not."""
    import psutil  # noqa: PLC0415  # only when the port is taken

    try:
        for connection in psutil.net_connections(kind="tcp"):
            is_there = connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (port,)
            if is_there and connection.pid is not None:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except (psutil.Error, OSError):
        pass
    return ""
