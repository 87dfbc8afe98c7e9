"""Probes: requests of orchestrators and scrapers, which are no work of the application, and leave no trace.

Paths are looked at without query. Beside the paths that are given, everything below a place where one of heliograph's own
applications is mounted is a probe. Asked by the adoptions of web frameworks and by our middleware.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from heliograph.endpoint.mounting import is_endpoint

USUAL: Final = ("/health", "/health/*", "/healthz", "/livez", "/readyz")
_DEEPEST: Final = 8  # applications around applications


class Probes:
    """Which paths are probes. ``patterns`` are paths, ``*`` stands for anything."""

    def __init__(self, patterns: Sequence[str] = (*USUAL, "/metrics")) -> None:
        for pattern in patterns:
            if not isinstance(pattern, str) or not pattern.startswith("/"):
                raise ValueError(f"probes were given {pattern!r}, expected paths such as '/health' or '/internal/*'")
        either = "|".join(fnmatch.translate(pattern.rstrip("/") or "/") for pattern in patterns)
        self.fits: Callable[[str], Any] = re.compile(either).match if either else lambda _path: None

    def has(self, path: str) -> bool:
        """Whether a request for ``path`` is one."""
        return self.fits(path) is not None or (path.endswith("/") and self.fits(path.rstrip("/") or "/") is not None)


class Mounts:
    """Where below ``application`` our own ones are mounted. Looked up again when the number of its routes has changed."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._seen = -1
        self._below: Callable[[str], Any] = lambda _path: None

    def has(self, path: str) -> bool:
        """Whether ``path`` leads to one of ours."""
        count = len(getattr(self._application, "routes", ()))
        if count != self._seen:
            self._seen = count
            # One at the root answers what nothing else does: there its paths are those of every probe.
            either = "|".join(_pattern(prefix) for prefix in _mounted(self._application, "", 0) if prefix)
            self._below = re.compile(f"({either})(/|$)").match if either else lambda _path: None
        return self._below(path) is not None


def _pattern(prefix: str) -> str:
    """What begins as ``prefix`` does, in which ``{name}`` stands for a part of a path."""
    return "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^{}]*\})", prefix))


def _mounted(application: Any, prefix: str, depth: int) -> Iterator[str]:
    """The prefixes below ``application``, which may be wrapped, of what is ours. Starlette's routes and werkzeug's
    ``DispatcherMiddleware`` say what they hold."""
    if depth > _DEEPEST:
        return
    if is_endpoint(application):
        yield prefix
        return
    for route in getattr(application, "routes", None) or ():
        inner = getattr(route, "app", None)
        if inner is not None and isinstance(path := getattr(route, "path", None), str):
            yield from _mounted(inner, prefix + path.rstrip("/"), depth + 1)
    mounts = getattr(application, "mounts", None)
    for path, inner in mounts.items() if isinstance(mounts, dict) else ():
        yield from _mounted(inner, prefix + str(path).rstrip("/"), depth + 1)
    wrapped = getattr(application, "app", None)
    if wrapped is not None and not hasattr(application, "routes"):
        yield from _mounted(wrapped, prefix, depth + 1)
