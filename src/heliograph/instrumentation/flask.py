"""Applications of Flask. Probes pass the instrumentation by.

Made by ``instrumenting.py`` from ``table.py``; calls the instrumentation package. To take all applications, their making and
their calling are watched: that finds those too that were made before, or whose class was imported before.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable
from importlib import import_module
from typing import Any

from heliograph.instrumentation.bodies import answered_silently
from heliograph.instrumentation.headers import asked_with
from heliograph.instrumentation.probes import Mounts, Probes
from heliograph.text import described

logger = logging.getLogger("heliograph.instrumentation")


class Screen:
    """Around an application: lets probes go to what was there before the instrumentation, in silence."""

    def __init__(self, instrumented: Any, plain: Any, application: Any, probes: Probes) -> None:
        self._instrumented = instrumented
        self._plain = plain
        self._probes = probes
        self._mounts = (Mounts(plain), Mounts(application))
        self.is_off = False  # the application may have put something around it, that stays

    def __call__(self, environ: Any, start_response: Any) -> Any:
        if self.is_off:
            return self._plain(environ, start_response)
        # PEP 3333: the bytes of the path, decoded as Latin-1.
        path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace")
        if self._probes.has(path) or any(mounts.has(path) for mounts in self._mounts):
            return answered_silently(self._plain, environ, start_response)
        with asked_with(environ.get("HTTP_X_REQUEST_ID")):
            return self._instrumented(environ, start_response)


class FlaskApplications:
    """The applications of Flask."""

    def __init__(self, probes: Probes) -> None:
        self._kind = import_module("flask.app").Flask
        self.kinds = (self._kind,)
        self._instrumentor = import_module("opentelemetry.instrumentation.flask").FlaskInstrumentor
        self._probes = probes
        self._originals: tuple[Any, Any] | None = None
        self._replacements: tuple[Any, Any] | None = None
        self._lock = threading.Lock()  # guards the taking: several threads may come with the first requests
        self.taken: weakref.WeakKeyDictionary[Any, Callable[[], Screen | None]] = weakref.WeakKeyDictionary()

    def take_all(self) -> None:
        if self._originals is not None:
            return
        make, call = self._originals = self._kind.__init__, self._kind.__call__

        def make_taken(application: Any, *arguments: Any, **options: Any) -> None:
            make(application, *arguments, **options)
            self._take_quietly(application)

        def call_taken(application: Any, environ: Any, start_response: Any) -> Any:
            if application not in self.taken:
                self._take_quietly(application)
            return call(application, environ, start_response)

        self._kind.__init__, self._kind.__call__ = self._replacements = make_taken, call_taken

    def _take_quietly(self, application: Any) -> None:
        if self._originals is None or self._instrumentor().is_instrumented_by_opentelemetry:
            return
        try:
            self.take(application)
        except Exception as error:  # the package's; the application goes on without it
            self.taken[application] = lambda: None
            logger.warning("%r is not instrumented: %s", application, described(error))

    def take(self, target: Any) -> None:
        with self._lock:
            if target not in self.taken and not getattr(target, "_is_instrumented_by_opentelemetry", False):
                self._take(target)

    def _take(self, target: Any) -> None:
        plain = target.wsgi_app
        # Flask takes no hooks any more after the first request, since those may have missed it; which is no harm here.
        has_served, target._got_first_request = target._got_first_request, False
        try:
            self._instrumentor.instrument_app(target, request_hook=_name_without_path)
        finally:
            target._got_first_request = has_served
        screen = target.wsgi_app = Screen(target.wsgi_app, plain, target, self._probes)
        self.taken[target] = weakref.ref(screen)  # which holds the application
        # Hooks of the application's that answer in its place, or that fail, are in the span too.
        hooks = target.before_request_funcs[None]
        hooks.insert(0, hooks.pop())

    def let_go(self) -> None:
        # Somebody else may have put theirs over ours meanwhile, which stays; ours takes nothing any more.
        if self._originals is not None and (self._kind.__init__, self._kind.__call__) == self._replacements:
            self._kind.__init__, self._kind.__call__ = self._originals
        self._originals = None
        for application, known in list(self.taken.items()):
            if (screen := known()) is not None and hasattr(application, "_original_wsgi_app"):
                outermost = application.wsgi_app
                self._instrumentor.uninstrument_app(application)
                if outermost is not screen:
                    application.wsgi_app, screen.is_off = outermost, True
        self.taken.clear()


def _name_without_path(span: Any, environ: Any) -> None:
    """The package names a request without a route by its path: each would be another name."""
    if import_module("flask").request.url_rule is None and span.is_recording():
        method = import_module("opentelemetry.util.http").sanitize_method(str(environ.get("REQUEST_METHOD", "")).strip())
        span.update_name("HTTP" if method == "_OTHER" else method)
