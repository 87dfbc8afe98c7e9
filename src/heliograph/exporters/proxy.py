"""The proxy that the environment names for an HTTP endpoint: which one, whether at all, and the tunnel through it.

Variables: ``HTTP_PROXY`` for http:// endpoints, ``HTTPS_PROXY`` for https:// ones, ``ALL_PROXY`` for both where the other is
not set, ``NO_PROXY`` for hosts that are reached directly. Lower-case names come first; an upper-case ``HTTP_PROXY`` is
ignored when ``REQUEST_METHOD`` is set, since in CGI a request's header would set it (https://httpoxy.org). Only proxies that
are spoken to in plain HTTP are supported; with any other nothing is sent, as going round a proxy is not ours to decide.
gRPC's own library reads the same variables (``grpc_proxy``, ``https_proxy``, ``http_proxy``, ``no_grpc_proxy``,
``no_proxy``) by itself; this module has no part in that.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from heliograph.exporters.http_deadline import (
    ANSWERING,
    CONNECTING,
    Answer,
    AttemptError,
    Deadline,
    DeadlineSocket,
    failing_as,
)
from heliograph.exporters.http_deadline import connect as connect_to

_DEFAULT_PORT: Final = 80
_PASSING: Final = frozenset({408, 429})  # the only ones of 4xx that time mends


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy that speaks plain HTTP. ``headers`` hold its credentials, which nothing shows."""

    host: str
    port: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def place(self) -> str:
        return host_and_port(self.host, self.port)

    def connect(self, deadline: Deadline) -> DeadlineSocket:
        """Connect to the proxy itself."""
        with failing_as(CONNECTING, before="proxy: ", place=self.place):
            return connect_to(self.host, self.port, deadline)

    def open_tunnel(self, sock: DeadlineSocket, host: str, port: int) -> None:
        """Have the proxy connect ``sock`` to ``host`` (RFC 9110, section 9.3.6); raises :class:`AttemptError`."""
        target = host_and_port(host, port)
        headers = {"Host": target, **self.headers}
        lines = [f"CONNECT {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        like_a_socket: Any = sock
        with failing_as(ANSWERING, before="proxy: ", place=self.place):
            sock.sendall("\r\n".join(lines).encode("ascii"))
            # As after HEAD, no body follows that belongs to the answer. Unclosed, it would keep the socket open.
            with closing(Answer(like_a_socket, method="HEAD")) as answer:
                answer.begin()
        if not 200 <= answer.status < 300:
            raise self.refusing(answer.status)

    def refusing(self, status: int) -> AttemptError:
        """What an answer of the proxy's own means."""
        is_refusal = 400 <= status < 500 and status not in _PASSING
        return AttemptError(f"proxy: HTTP {status}", place=self.place, is_refusal=is_refusal)


def host_and_port(host: str, port: int) -> str:
    """The two as URLs and requests have them, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def proxy_for(scheme: str, host: str, port: int, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy that ``environ`` names for an endpoint, None for none; raises :class:`AttemptError` if it is unusable."""
    name = f"{scheme}_proxy" if _variable(environ, f"{scheme}_proxy") else "all_proxy"
    url = _variable(environ, name)
    if not url or is_direct(_variable(environ, "no_proxy"), host, port):
        return None
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        proxy_host, proxy_port = parts.hostname, parts.port
    except ValueError:
        parts, proxy_host, proxy_port = urlsplit(""), None, None
    if parts.scheme != "http" or not proxy_host:
        raise AttemptError(f"proxy: {name.upper()} holds no URL such as http://proxy:3128", is_refusal=True)
    headers = {"Proxy-Authorization": _basic(parts.username, parts.password or "")} if parts.username is not None else {}
    return Proxy(host=proxy_host, port=proxy_port or _DEFAULT_PORT, headers=headers)


def is_direct(no_proxy: str, host: str, port: int) -> bool:
    """Whether an entry of ``no_proxy`` holds for the endpoint.

    Entries are separated by commas: ``*`` for every host, a name for itself and all below it (a dot or ``*.`` before it
    changes nothing), an address, a network such as ``10.0.0.0/8``; a name or an IPv4 address may have a port.
    """
    wanted = host.lower().rstrip(".")
    return any(_holds(entry.strip().lower(), wanted, port) for entry in no_proxy.split(",") if entry.strip())


def _holds(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass  # one of them is a name, or has a port
    name, colon, only_port = entry.rpartition(":")
    if colon and only_port.isdigit():
        if int(only_port) != port:
            return False
        entry = name
    entry = entry.strip("[]").removeprefix("*").lstrip(".")
    return bool(entry) and (host == entry or host.endswith(f".{entry}"))


def _variable(environ: Mapping[str, str], name: str) -> str:
    if name in environ:
        return environ[name].strip()  # set to nothing it switches the upper-case one off
    if name == "http_proxy" and "REQUEST_METHOD" in environ:
        return ""
    return environ.get(name.upper(), "").strip()


def _basic(user: str, password: str) -> str:
    pair = f"{unquote(user)}:{unquote(password)}".encode()
    return f"Basic {base64.b64encode(pair).decode('ascii')}"
