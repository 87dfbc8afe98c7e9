"""The native ``TracerProvider``: takes the official one's keyword arguments, and can stand in its place.

Alone it is the official one at a fraction of the cost; in a manager ``accept`` is the way into the delivery pipeline.
"""

from __future__ import annotations

import atexit
import logging
import os
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry import trace as api
from opentelemetry.sdk.environment_variables import OTEL_SDK_DISABLED
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor
from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Sampler, _get_from_env_or_default
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NoOpTracer

from heliograph.locks import recording_lock
from heliograph.recording import resources
from heliograph.recording.forks import watch_forks
from heliograph.recording.mishaps import Mishaps
from heliograph.recording.recorder import nowhere
from heliograph.recording.traces.processors import Processors
from heliograph.recording.traces.source import Limits, Source
from heliograph.recording.traces.span import Span
from heliograph.recording.traces.tracer import Tracer

logger = logging.getLogger("heliograph.recording")

_SHUTDOWN_S: Final = 30.0
_RESTART_S: Final = 1.0


class TracerProvider(api.TracerProvider):
    """Makes tracers. Thread-safe.

    The arguments are those of ``opentelemetry.sdk.trace.TracerProvider``, with the same defaults from the environment
    (``OTEL_TRACES_SAMPLER``, ``OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT``, ...). ``accept`` takes each ended span that is sampled, or
    each ended one with ``is_all_taken``; it must not raise. After a fork the child is another instance of the service and
    reports only what it recorded itself.
    """

    def __init__(
        self,
        sampler: Sampler | None = None,
        resource: Resource | None = None,
        shutdown_on_exit: bool = True,  # noqa: FBT001, FBT002  # the official signature, here and below
        active_span_processor: SpanProcessor | None = None,
        id_generator: IdGenerator | None = None,
        span_limits: Limits | None = None,
        *,
        meter_provider: object = None,
        _tracer_configurator: Callable[[InstrumentationScope], Any] | None = None,
        accept: Callable[[Span], None] | None = None,
        is_all_taken: bool = False,
        mishaps: Mishaps | None = None,
    ) -> None:
        self.sampler = sampler or _get_from_env_or_default()
        self.id_generator = id_generator or RandomIdGenerator()
        self._resource = resources.adopted(resource)
        self._limits: Limits = span_limits or SpanLimits()
        self._is_disabled = os.environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true"
        self._accept = accept or nowhere
        self._is_all_taken = is_all_taken
        self._mishaps = mishaps or Mishaps()
        self._configure = _tracer_configurator
        self._lock = recording_lock()  # guards the tracers; reentrant for finalisers that record
        self._tracers: dict[InstrumentationScope, Tracer] = {}
        self._sources: weakref.WeakSet[Source] = weakref.WeakSet()  # also earlier ones, of spans that are open still
        given = (active_span_processor,) if active_span_processor is not None else ()
        self._given = active_span_processor
        self._active_span_processor = Processors(given, self._mishaps)
        self._at_exit = atexit.register(self.shutdown) if shutdown_on_exit else None
        watch_forks(self)

    @property
    def resource(self) -> Resource:
        """Who sends."""
        return self._resource

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> api.Tracer:
        """The tracer of an instrumentation scope: the same object for the same arguments."""
        if self._is_disabled:
            return NoOpTracer()
        if not instrumenting_module_name:
            logger.warning("get_tracer() was given no name; spans of this tracer do not say where they come from")
        scope = InstrumentationScope(
            instrumenting_module_name or "", instrumenting_library_version or "", schema_url, attributes
        )
        with self._lock:
            tracer = self._tracers.get(scope)
            if tracer is None:
                generator = None if type(self.id_generator) is RandomIdGenerator else self.id_generator
                tracer = self._tracers[scope] = Tracer(self._source(scope), self.sampler, generator)
                tracer.switch(is_on=self._is_on(scope))
            return tracer

    def _source(self, scope: InstrumentationScope) -> Source:
        active = self._active_span_processor
        source = Source(
            self._resource,
            scope,
            self._limits,
            self._mishaps,
            self._accept,
            is_all_taken=self._is_all_taken,
            processors=active if active._span_processors else None,
        )
        self._sources.add(source)
        return source

    def _is_on(self, scope: InstrumentationScope) -> bool:
        if self._configure is None:
            return True
        try:
            return bool(self._configure(scope).is_enabled)
        except Exception as error:  # the application's own code; tracers are on by default
            self._mishaps.note("tracer configurator", error)
            return True

    def _set_tracer_configurator(self, *, tracer_configurator: Callable[[InstrumentationScope], Any]) -> None:
        with self._lock:
            self._configure = tracer_configurator
            for scope, tracer in self._tracers.items():
                tracer.switch(is_on=self._is_on(scope))

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Let ``span_processor`` see every span that starts from now on; processors are called in the order of adding."""
        with self._lock:
            if self._given is not None:
                self._given.add_span_processor(span_processor)  # type: ignore[attr-defined]  # one of the SDK's multi-processors
                return
            before = self._active_span_processor._span_processors
            self._active_span_processor = Processors((*before, span_processor), self._mishaps)
            self._renew_sources()

    def _renew_sources(self) -> None:
        for scope, tracer in self._tracers.items():
            tracer.renew(self._source(scope))

    def restart(self, accept: Callable[[Span], None]) -> None:
        """Begin anew, for a test: spans that are open are nobody's from now on, those to come go to ``accept``, and processors
        that were attached are shut down."""
        with self._lock:
            self._accept = accept
            attached, self._active_span_processor = self._active_span_processor, Processors((), self._mishaps)
            for source in list(self._sources):
                source.close()
            self._renew_sources()
        attached.shutdown(_RESTART_S)

    def record_as(self, other: TracerProvider) -> Callable[[], None]:
        """Let the tracers that there are record what those of ``other`` would; returns what ends that. For a test."""
        with self._lock:
            lent = [(tracer, tracer.sampler) for tracer in self._tracers.values()]
            for scope, tracer in self._tracers.items():
                tracer.renew(other._source(scope))
                tracer.follow(other.sampler)

        def record_itself() -> None:
            with self._lock:
                for tracer, sampler in lent:
                    tracer.follow(sampler)
                self._renew_sources()

        return record_itself

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Let the processors deliver; true when each said, within ``timeout_millis`` ms for all together, that it did."""
        return self._active_span_processor.force_flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Shut the processors down, in 30 seconds at most. Spans that end later are not seen by them."""
        if self._at_exit is not None:
            atexit.unregister(self._at_exit)
            self._at_exit = None
        if not self._active_span_processor.shutdown(_SHUTDOWN_S):
            logger.warning("a span processor did not shut down within %s s, or failed", _SHUTDOWN_S)

    def after_fork_in_child(self) -> None:
        """Begin anew, as another instance of the service."""
        self._lock = recording_lock()
        self._mishaps.after_fork_in_child()
        self._resource = resources.forked(self._resource)
        for source in list(self._sources):
            source.close()
        self._renew_sources()


SdkTracerProvider.register(TracerProvider)  # for who asks isinstance(provider, opentelemetry.sdk.trace.TracerProvider)
