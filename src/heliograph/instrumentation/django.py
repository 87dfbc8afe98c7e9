"""Sites of Django. Probes pass the instrumentation by.

Made by ``instrumenting.py`` from ``table.py``; calls the instrumentation package. That one changes the settings of the site,
which are there at the latest when the site builds its chain of middleware: it is called then.
"""

from __future__ import annotations

import logging
import sys
from contextlib import nullcontext
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from heliograph.instrumentation.headers import asked_with
from heliograph.instrumentation.probes import Probes
from heliograph.recording.suppression import suppressed_spans
from heliograph.text import described

logger = logging.getLogger("heliograph.instrumentation")

_METHODS = ("load_middleware", "get_response", "get_response_async")


class _Excluded:
    """What the package asks whether a URL is left out: probes, what its own variables say, and everything once it is off,
    since its middleware stays in a chain that is built."""

    def __init__(self, others: Any, probes: Probes) -> None:
        self.others = others
        self.is_off = False
        self._probes = probes

    def url_disabled(self, url: str) -> bool:
        return self.is_off or self._probes.has(urlsplit(url).path) or self.others.url_disabled(url)


class DjangoSites:
    """The site of this process."""

    def __init__(self, probes: Probes) -> None:
        self._handler = import_module("django.core.handlers.base").BaseHandler
        self._probes = probes
        self._originals: dict[str, Any] = {}
        self._replacements: dict[str, Any] = {}
        self._instrumentor: Any = None
        self.taken: tuple[Any, ...] = ()
        self.kinds: tuple[type, ...] = ()

    def take_all(self) -> None:
        if self._originals:
            return
        self._originals = {name: getattr(self._handler, name) for name in _METHODS}
        load, answer, answer_async = self._originals.values()

        def load_middleware(handler: Any, *arguments: Any, **options: Any) -> Any:
            self._take_quietly()
            return load(handler, *arguments, **options)

        def get_response(handler: Any, request: Any) -> Any:
            with self._around(request):
                return answer(handler, request)

        async def get_response_async(handler: Any, request: Any) -> Any:
            with self._around(request):
                return await answer_async(handler, request)

        self._replacements = dict(zip(_METHODS, (load_middleware, get_response, get_response_async), strict=True))
        for name, replacement in self._replacements.items():
            setattr(self._handler, name, replacement)
        middleware = sys.modules.get("opentelemetry.instrumentation.django.middleware.otel_middleware")
        if middleware is not None and isinstance(middleware._DjangoMiddleware._excluded_urls, _Excluded):
            self._take_quietly()  # the chain of an earlier time

    def _around(self, request: Any) -> Any:
        if not self._originals:
            return nullcontext()
        # With the prefix of the site or without it, as the orchestrator has it.
        if self._probes.has(request.path_info) or self._probes.has(request.path):
            return suppressed_spans()
        return asked_with(request.META.get("HTTP_X_REQUEST_ID"))

    def _take_quietly(self) -> None:
        if self._instrumentor is not None or not self._originals:
            return
        package = import_module("opentelemetry.instrumentation.django")
        self._instrumentor = package.DjangoInstrumentor()
        try:
            if not self._instrumentor.is_instrumented_by_opentelemetry:
                self._instrumentor.instrument()
            middleware = package._DjangoMiddleware
            others = middleware._excluded_urls
            middleware._excluded_urls = _Excluded(others.others if isinstance(others, _Excluded) else others, self._probes)
        except Exception as error:  # the package's; the site goes on without it
            logger.warning("Django is not instrumented: %s", described(error))

    def take(self, target: Any) -> None:
        raise TypeError(f"given {target!r}, expected True or False: a process has one site")

    def let_go(self) -> None:
        # Somebody else may have put theirs over one of ours meanwhile, which stays; ours does nothing any more.
        for name, original in self._originals.items():
            if getattr(self._handler, name) is self._replacements[name]:
                setattr(self._handler, name, original)
        self._originals = {}
        if self._instrumentor is not None and self._instrumentor.is_instrumented_by_opentelemetry:
            middleware = import_module("opentelemetry.instrumentation.django")._DjangoMiddleware
            self._instrumentor.uninstrument()
            if isinstance(middleware._excluded_urls, _Excluded):
                middleware._excluded_urls.is_off = True
        self._instrumentor = None
