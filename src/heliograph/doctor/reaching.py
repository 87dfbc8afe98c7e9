"""No way to the server: its name, its address, its port, a proxy in between. Called by `diagnosis.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from heliograph.doctor.cause import Cause
from heliograph.doctor.crossing import usually_at
from heliograph.doctor.finding import Severity
from heliograph.doctor.speech import Reach, Speech
from heliograph.doctor.target import Target, without_credentials
from heliograph.exporters.http_deadline import AttemptError
from heliograph.exporters.proxy import is_direct, proxy_for
from heliograph.text import printable

_CLOSED_EARLY: Final = "connection closed early"
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
# As gRPC's own library reads them, the first that is set.
_GRPC_PROXIES: Final = ("grpc_proxy", "https_proxy", "http_proxy")
_GRPC_NO_PROXIES: Final = ("no_grpc_proxy", "no_proxy")


def unreached(target: Target, speech: Speech) -> Cause | None:
    """The cause, if there is no connection to be had; None when there is one."""
    make = _UNREACHED.get(speech.reach)
    return make(target, speech) if make is not None else None


def _no_name(target: Target, speech: Speech) -> Cause:
    return Cause(
        what="the name does not resolve",
        why=f"DNS has no address for {target.host!r} ({speech.detail}).",
        fix="correct the host in the endpoint of {exporter}; in a container or a cluster, its name there (a service's name, "
        "and the namespace when it is another), and look that the name server is reached",
    )


def _slow_name(target: Target, _speech: Speech) -> Cause:
    return Cause(
        what="the name server does not answer",
        why=f"The look-up of {target.host!r} comes to no end.",
        fix="look at the name servers of this machine or container (/etc/resolv.conf), and whether they are reached from here",
    )


def _refused(target: Target, speech: Speech) -> Cause:
    inside = (
        f" Inside a container {target.host} is the container itself, not the machine that it runs on."
        if target.host in _LOOPBACK
        else ""
    )
    return Cause(
        what=f"nothing listens at {target.place}",
        why=f"The connection was refused ({speech.detail}).{inside}",
        fix="start the collector, let it listen on an address that is reached from here (not on its own loopback only), or "
        "set the endpoint of {exporter} to where one listens",
    )


def _unreachable(target: Target, speech: Speech) -> Cause:
    return Cause(
        what=f"there is no way to {target.place}",
        why=f"The network says so ({speech.detail}).",
        fix="correct the endpoint of {exporter}, or the routes and the network of this machine or container",
    )


def _no_answer(target: Target, speech: Speech) -> Cause:
    return Cause(
        what=f"no connection to {target.place} in time",
        why=f"Nothing answers at {speech.detail}: a firewall or a network policy that drops packets, or no machine at that "
        "address.",
        fix="open the way to that port, or correct the endpoint of {exporter}; if there has to be a proxy, set HTTP_PROXY or "
        "HTTPS_PROXY",
    )


_UNREACHED: Final = {
    Reach.NO_NAME: _no_name,
    Reach.SLOW_NAME: _slow_name,
    Reach.REFUSED: _refused,
    Reach.UNREACHABLE: _unreachable,
    Reach.NO_ANSWER: _no_answer,
}


def silent(target: Target, speech: Speech, reason: str, timeout_s: float) -> Cause:
    """Connected, and then no answer that anybody understands. ``reason`` is the transport's."""
    if speech.said:
        begun = printable(speech.said[:40].decode("latin-1").strip())
        why = f"What listens at {target.place} speaks neither HTTP nor gRPC: it says '{begun}'."
        what, fix = "the server speaks another protocol", "set the endpoint of {exporter} to an OTLP receiver"
    elif speech.is_closing:
        what = "the server closes the connection and says nothing"
        why = f"{target.place} accepts connections and closes them: a proxy or a published port of a container behind which "
        why += "nothing listens, or a server that does not let this machine in."
        fix = "start what is to listen behind that port, or set the endpoint of {exporter} to an OTLP receiver"
    elif speech.is_known and _CLOSED_EARLY in reason:
        what = "the server closes the connection instead of an answer"
        why = f"{target.place} took the request and closed the connection; it answers an empty request."
        fix = "look at the log of the receiver, and of the load balancer before it"
    elif speech.is_known:
        what = f"no answer within {timeout_s:g} s"
        why = f"{target.place} took the request and did not answer in time; it answers an empty request."
        fix = "look at the load and the log of the receiver; or raise timeout in {exporter}"
    else:
        what = f"connected, but no answer within {timeout_s:g} s"
        why = f"{target.place} accepts connections and says nothing: it hangs, or is no OTLP receiver."
        fix = "look at what listens there, restart it, or set the endpoint of {exporter} to an OTLP receiver"
    return Cause(what=what, why=f"{why} {usually_at(target.port)}".strip(), fix=fix)


def proxy_of(target: Target, environ: Mapping[str, str]) -> str | None:
    """The proxy that stands between, as the environment names it, without credentials; None when there is none."""
    if target.protocol == "grpc":
        return _grpc_proxy(target, environ)
    try:
        found = proxy_for(target.scheme, target.host, target.port, environ)
    except AttemptError:
        return None  # it is no proxy that can be used, which the attempt says
    return f"http://{found.place}" if found is not None else None


def _grpc_proxy(target: Target, environ: Mapping[str, str]) -> str | None:
    url = next((environ[name] for name in _GRPC_PROXIES if environ.get(name)), None)
    direct = next((environ[name] for name in _GRPC_NO_PROXIES if environ.get(name)), "")
    if url is None or is_direct(direct, target.host, target.port):
        return None
    return without_credentials(url) if urlsplit(url).hostname else None


def proxied(target: Target, proxy: str, reason: str) -> Cause:
    """What went wrong with, at or behind a proxy. ``reason`` is the transport's."""
    variable = "no_grpc_proxy or no_proxy" if target.protocol == "grpc" else "NO_PROXY"
    around = f"add {target.host} to {variable} if it is reached without a proxy"
    for token, what, why, fix in _PROXY_ROWS:
        if token in reason:
            return Cause(what=what, why=f"{why} (proxy {proxy}).", fix=f"{fix}; or {around}")
    return Cause(
        what=f"{reason}, by way of a proxy",
        why=f"The environment puts the proxy {proxy} between this program and {target.place}.",
        fix=f"{around}; or look at the proxy's log",
    )


_PROXY_ROWS: Final = (
    (
        "holds no URL",
        "the proxy of the environment cannot be used",
        "The variable holds something else than the URL of a proxy that is spoken to in plain HTTP",
        "set it to a URL such as http://proxy:3128",
    ),
    ("proxy: DNS", "the proxy's name does not resolve", "DNS has no address for it", "correct HTTP_PROXY or HTTPS_PROXY"),
    (
        "proxy: connection refused",
        "nothing listens where the proxy should be",
        "The connection to it was refused",
        "start the proxy, or correct HTTP_PROXY or HTTPS_PROXY",
    ),
    (
        "proxy: no connection",
        "no connection to the proxy in time",
        "Nothing answers there",
        "correct HTTP_PROXY or HTTPS_PROXY",
    ),
    (
        "HTTP 407",
        "the proxy wants credentials",
        "It answered 407",
        "put them into the variable: http://user:password@proxy:3128",
    ),
    ("proxy: HTTP 403", "the proxy forbids the way to the server", "It answered 403", "have the proxy allow it"),
    ("proxy: HTTP 5", "the proxy does not get to the server", "It says so itself", "look at the proxy and its network"),
    ("proxy: no HTTP answer", "what should be the proxy speaks no HTTP", "It answered otherwise", "correct the variable"),
)


def through(proxy: str) -> Cause:
    """Worth knowing: what arrived came by way of a proxy."""
    return Cause(
        severity=Severity.OK,
        what=f"accepted, by way of the proxy {proxy}",
        why="The environment says so (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, or grpc_proxy).",
        fix="",
    )
