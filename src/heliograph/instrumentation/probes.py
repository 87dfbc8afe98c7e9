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
    """Where below ``application`` our own ones are mounted. Looked up again when one that holds others holds more or fewer."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._seen: list[tuple[Any, int]] | None = None  # what holds others, and how many
        self._below: Callable[[str], Any] = lambda _path: None

    def has(self, path: str) -> bool:
        """Whether ``path`` leads to one of ours."""
        if self._seen is None or any(len(holder.routes) != count for holder, count in self._seen):
            seen: list[tuple[Any, int]] = []
            # One at the root answers what nothing else does: there its paths are those of every probe.
            either = "|".join(_pattern(prefix) for prefix in _mounted(self._application, "", 0, seen) if prefix)
            self._below = re.compile(f"({either})(/|$)").match if either else lambda _path: None
            self._seen = seen
        return self._below(path) is not None


def _pattern(prefix: str) -> str:
    """What begins as ``prefix`` does, in which ``{name}`` stands for a part of a path."""
    return "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^{}]*\})", prefix))


def _mounted(application: Any, prefix: str, depth: int, seen: list[tuple[Any, int]]) -> Iterator[str]:
    """The prefixes below ``application``, which may be wrapped, of what is ours. Starlette's routes and werkzeug's
    ``DispatcherMiddleware`` say what they hold. What has routes is added to ``seen``."""
    if depth > _DEEPEST:
        return
    if is_endpoint(application):
        yield prefix
        return
    routes = getattr(application, "routes", None)
    if isinstance(routes, list):
        seen.append((application, len(routes)))
    for route in routes or ():
        inner, path = _held(route)
        if inner is not None:
            yield from _mounted(inner, prefix + path.rstrip("/"), depth + 1, seen)
    mounts = getattr(application, "mounts", None)
    for path, inner in mounts.items() if isinstance(mounts, dict) else ():
        yield from _mounted(inner, prefix + str(path).rstrip("/"), depth + 1, seen)
    wrapped = getattr(application, "app", None)
    if wrapped is not None and not hasattr(application, "routes"):
        yield from _mounted(wrapped, prefix, depth + 1, seen)


def _held(route: Any) -> tuple[Any, str]:
    """What ``route`` holds and at which path: an application, or a router that FastAPI has included."""
    inner, path = getattr(route, "app", None), getattr(route, "path", None)
    if inner is None:
        return getattr(route, "original_router", None), getattr(getattr(route, "include_context", None), "prefix", "")
    # Those of a host have no path.
    return (inner, path or "") if isinstance(path, str) or hasattr(route, "host") else (None, "")
