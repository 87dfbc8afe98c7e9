"""Templates of paths: which one a path fits, so that a metric has the template and not each path.

Made by our middleware from what the application gives as ``routes``: templates, or a function that names the route.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

Namer = Callable[[Any], str | None]
Routes = Namer | Sequence[str] | None

# `{name}`, `{name:path}`, `<name>`, `<path:name>`, `<int:name>`: the spellings of Starlette and of Flask.
_DEEPEST: Final = 8  # applications in applications
_MOST_LAYERS: Final = 64  # of middleware around one
_PARAMETER: Final = re.compile(r"\{(?P<braced>[^{}]+)\}|<(?P<angled>[^<>]+)>")


class Templates:
    """Templates in the order in which they are tried."""

    def __init__(self, templates: Sequence[str]) -> None:
        if wrong := [template for template in templates if not str(template).startswith("/")]:
            raise ValueError(f"routes were given {wrong[0]!r}, expected templates of paths such as '/orders/{{id}}'")
        self._templates = tuple(templates)
        either = "|".join(f"({_pattern(template)})" for template in templates)
        self._fit = re.compile(either).fullmatch if either else None

    def route(self, path: str) -> str | None:
        """The first template that ``path`` fits."""
        found = self._fit(path) if self._fit is not None else None
        return self._templates[found.lastindex - 1] if found is not None and found.lastindex else None


def _pattern(template: str) -> str:
    parts, at = [], 0
    for found in _PARAMETER.finditer(template):
        inside = found["braced"] or found["angled"]
        parts += [re.escape(template[at : found.start()]), ".*" if "path" in inside.split(":") else "[^/]+"]
        at = found.end()
    return "".join(parts) + re.escape(template[at:])


def namer(routes: Routes) -> tuple[Namer | None, Templates | None]:
    """What ``routes`` are: a function, or templates; at most one of the two."""
    if routes is None:
        return None, None
    if callable(routes):
        return routes, None
    if isinstance(routes, str):
        raise TypeError(f"routes were given {routes!r}, expected a list of templates or a function")
    return None, Templates(routes)


class MountPrefixes:
    """The templates of places in ``application``, which may be wrapped, where others are mounted: what a scope says of them is
    the path."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._seen = -1
        self._templates = Templates(())

    def template(self, prefix: str) -> str:
        """The template that ``prefix`` was made of; empty where that is not known: it may be another one each time."""
        routed = _routed(self._application)
        count = len(getattr(routed, "routes", ()))
        if count != self._seen:
            self._seen = count
            self._templates = Templates(tuple(_mounts(routed, "", _DEEPEST)))
        return self._templates.route(prefix) or ""


def _routed(application: Any) -> Any:
    """What has the routes in ``application``, which may be middleware around it."""
    for _layer in range(_MOST_LAYERS):
        if hasattr(application, "routes") or (inner := getattr(application, "app", None)) is None:
            break
        application = inner
    return application


def _mounts(application: Any, prefix: str, levels: int) -> Iterator[str]:
    for route in (getattr(application, "routes", None) or ()) if levels else ():
        inner, path = getattr(route, "app", None), getattr(route, "path", "")
        if inner is not None and hasattr(_routed(inner), "routes"):
            if prefix + path:
                yield prefix + path
            yield from _mounts(_routed(inner), prefix + path, levels - 1)
