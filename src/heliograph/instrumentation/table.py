"""What can be instrumented: a row a library. Read by ``instrumenting.py``; docs/instrumentation.md shows the same rows.

A library that has no row here, but an ``opentelemetry-instrumentation-*`` package that is installed, is instrumented too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, Protocol


class Adoption(Protocol):
    """What instruments objects that the application hands over, or all of a kind. Modules of this folder give one each."""

    taken: Collection[Any]  # what was taken by itself and is there still
    kinds: tuple[type, ...]  # the classes of what may be given to `take`

    def take_all(self) -> None:
        """Instrument every object of the kind."""

    def take(self, target: Any) -> None:
        """Instrument one object; nothing happens the second time."""

    def let_go(self) -> None:
        """Take the instrumentation off again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A library by the name under which ``instrument()`` knows it.

    ``module`` is what a program imports of it: the instrumentation waits for that. ``package`` is the distribution that
    instruments it, None where heliograph does it itself; ``extra`` installs it. ``entry_points`` are the names of its
    instrumentors. ``target`` says what may be given beside True and False, ``adoption`` who takes it
    (``"module:function"``, which makes an :class:`Adoption`); without one the instrumentors do everything.
    """

    name: str
    module: str
    package: str | None
    extra: str | None
    entry_points: tuple[str, ...] = ()
    target: str | None = None
    adoption: str | None = None


def _row(
    name: str, *, extra: str | None = None, module: str | None = None, package: str | None = None, **more: Any
) -> Library:
    return Library(
        name=name,
        module=module or name,
        package=f"opentelemetry-instrumentation-{package or name}",
        extra=extra or name,
        **{"entry_points": (name,), **more},
    )


_HERE: Final = "heliograph.instrumentation"
_GRPC: Final = ("grpc_client", "grpc_server", "grpc_aio_client", "grpc_aio_server")

ROWS: Final = (
    _row("celery"),
    # Its settings are known when it builds its chain of middleware, and not before.
    _row("django", module="django.core.handlers.base", adoption=f"{_HERE}.django:DjangoSites"),
    _row("fastapi", target="application", adoption=f"{_HERE}.starlette:fastapi_applications"),
    _row("flask", target="application", adoption=f"{_HERE}.flask:FlaskApplications"),
    _row("grpc", entry_points=_GRPC),
    _row("httpx", target="client", adoption=f"{_HERE}.clients:httpx_clients"),
    _row("httpx2", extra="httpx", package="httpx"),
    _row("jinja2"),
    Library(name="logging", module="logging", package=None, extra=None, adoption=f"{_HERE}.logs:LogRecords"),
    _row("redis", target="client", adoption=f"{_HERE}.clients:redis_clients"),
    _row("requests"),
    _row("sqlalchemy", target="engine", adoption=f"{_HERE}.clients:sqlalchemy_engines"),
    _row("sqlite3"),
    _row(
        "starlette",
        module="starlette.applications",
        target="application",
        adoption=f"{_HERE}.starlette:starlette_applications",
    ),
    _row("urllib3"),
)
BY_NAME: Final[Mapping[str, Library]] = {row.name: row for row in ROWS}
BY_ENTRY_POINT: Final[Mapping[str, Library]] = {name: row for row in ROWS for name in row.entry_points}

# Packages that heliograph takes the place of: each with the reason, which is said when it is asked for.
REPLACED: Final[Mapping[str, str]] = {
    "system_metrics": "the section `system` of the settings measures the same, and more",
}


def closest(name: str, known: Collection[str]) -> str | None:
    """The name that was meant, when one is near."""
    return next(iter(get_close_matches(name, sorted(known), n=1, cutoff=0.75)), None)


def unknown(name: str, known: Collection[str], what: str) -> ValueError:
    """The error about a name that is none of the ``known``."""
    close = closest(name, known)
    hint = f"did you mean {close!r}?" if close else f"there are: {', '.join(sorted(known))}"
    return ValueError(f"{what} was given {name!r}, expected a library that can be instrumented; {hint}")
