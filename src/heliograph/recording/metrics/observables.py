"""The observable instruments, whose callbacks the application gives and each collection calls.

Made by `meter.py`; asked to observe by `provider.py`, one collection at a time. A callback may raise anything, hang in
another's name, return nonsense or record measurements itself: it costs only its own values.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, ClassVar

from opentelemetry import metrics as api
from opentelemetry.metrics import CallbackOptions
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.metrics._internal import instrument as sdk_instruments
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from heliograph.recording.metrics.amounts import AmountError, checked
from heliograph.recording.metrics.declared import Declaration
from heliograph.recording.metrics.identity import cleaned
from heliograph.recording.metrics.series import Guard, record
from heliograph.recording.metrics.storage import Storage
from heliograph.recording.mishaps import Mishaps

Callback = Callable[[CallbackOptions], Iterable[Any]]


class Observing:
    """What the three have in common: callbacks, and what a collection does with their observations."""

    kind: ClassVar[str]
    sdk_type: ClassVar[type]  # under which a reader of the SDK keeps its preferences

    def __init__(
        self,
        name: str,
        scope: InstrumentationScope,
        guard: Guard,
        mishaps: Mishaps,
        unit: str = "",
        description: str = "",
        callbacks: Any = None,
        declaration: Declaration | None = None,
    ) -> None:
        self.name = name
        self.unit = unit
        self.description = description
        self.instrumentation_scope = scope
        self._mishaps = mishaps
        self._declaration = declaration
        self._callbacks = [self._callback(given) for given in callbacks or ()]
        self._storages: tuple[Storage, ...] = ()
        self.is_enabled = True

    def arrange(self, storages: Sequence[Storage]) -> None:
        """These are the storages of all readers; each has its own."""
        self._storages = tuple(storages)

    def remove(self, attributes: Any = None, /) -> None:
        """Show the series with these attributes no more until it is observed again. Never raises."""
        try:
            kept, _lost = cleaned(attributes)
            for storage in self._storages:
                storage.remove(kept, _nothing)
        except Exception as error:  # attributes of the application's own class may raise anything
            self._mishaps.note(self.kind, error)

    def restart(self) -> None:
        """Forget what was observed."""
        for storage in self._storages:
            storage.restart(_nothing)

    def observe(self, storages: Sequence[Storage], options: CallbackOptions, *, is_late: bool) -> None:
        """Ask the callbacks and put what they say into ``storages``, one reader's; not when it is too late. Never raises."""
        for storage in storages:
            storage.begin_observing()
        if not self.is_enabled:
            return
        if is_late and self._callbacks:
            self._mishaps.note("observable callback", f"of {self.name} was not called: the collection's time is over")
            return
        for callback in self._callbacks:
            try:
                for observation in callback(options):
                    self._put(observation, storages)
            except BaseException as error:  # the application's own code; it must not end the collection
                self._mishaps.note("observable callback", error)

    def _put(self, observation: Any, storages: Sequence[Storage]) -> None:
        try:
            amount = checked(observation.value, is_negative_allowed=True)
        except (AmountError, AttributeError) as error:
            self._mishaps.note("observable callback", f"{self.name} ignores an observation: {error}")
            return
        attributes, lost = cleaned(observation.attributes)
        if lost:
            self._mishaps.note("metric attributes", f"{lost} of {len(attributes) + lost} could not be taken")
        if self._declaration is not None:
            self._declaration.look(attributes, storages)
            self._declaration.say()
        parts = tuple((storage.sampling, storage.cell(attributes, _nothing)) for storage in storages)
        record(parts, amount, attributes, observation.context)

    def _callback(self, given: Any) -> Callback:
        if not isinstance(given, Generator):
            return given  # type: ignore[no-any-return]
        # A generator is sent the options and yields observations; it is started up to its first yield here.
        try:
            next(given)
        except StopIteration:
            return _no_observations
        except BaseException as error:  # as in `observe`
            self._mishaps.note("observable callback", error)
            return _no_observations

        def resume(options: CallbackOptions) -> Iterable[Any]:
            try:
                return given.send(options)  # type: ignore[no-any-return]
            except StopIteration:
                return ()

        return resume


class ObservableCounter(Observing, api.ObservableCounter):
    """A total that only grows."""

    kind = "observable_counter"
    sdk_type = sdk_instruments._ObservableCounter


class ObservableUpDownCounter(Observing, api.ObservableUpDownCounter):
    """A total that grows and shrinks."""

    kind = "observable_up_down_counter"
    sdk_type = sdk_instruments._ObservableUpDownCounter


class ObservableGauge(Observing, api.ObservableGauge):
    """A value that is looked up when it is asked for."""

    kind = "observable_gauge"
    sdk_type = sdk_instruments._ObservableGauge


def _no_observations(_options: CallbackOptions) -> Iterable[Any]:
    return ()


def _nothing() -> None:
    """Nobody keeps cells of an observable instrument."""


for _sdk_type, _own in (
    (sdk.ObservableCounter, ObservableCounter),
    (sdk.ObservableUpDownCounter, ObservableUpDownCounter),
    (sdk.ObservableGauge, ObservableGauge),
):
    _sdk_type.register(_own)  # isinstance() of either holds for ours
