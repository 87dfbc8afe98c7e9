"""What the application registered with ``prometheus_client``: asked for family by family, so that none costs another.

Called by `exposition.py`. Where ``prometheus_client`` itself keeps its values in files for several processes, they are read
from there.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import prometheus_client
from prometheus_client import CollectorRegistry, multiprocess, values
from prometheus_client.metrics_core import Metric

from heliograph.prometheus.merge import Note

# What a family of each type may expose beside its own name.
_SUFFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "counter": ("_total", "_created"),
    "histogram": ("_bucket", "_count", "_sum", "_created"),
    "summary": ("_count", "_sum", "_created"),
    "info": ("_info",),
}
# It registers these itself. Where ours have the same names, nobody needs to hear of it.
_ITS_OWN: Final = (prometheus_client.PROCESS_COLLECTOR, prometheus_client.PLATFORM_COLLECTOR, prometheus_client.GC_COLLECTOR)


class Registry:
    """The families of one ``CollectorRegistry``. Thread-safe as far as that is."""

    def __init__(self, registry: CollectorRegistry, note: Note) -> None:
        self._registry = registry
        self._note = note

    def families(self, taken: Collection[str], *, is_of_one: bool = False) -> Iterator[Metric]:
        """The families whose names are free; no name is given twice.

        ``is_of_one`` says that the rest of the scrape is of several processes. What ``prometheus_client`` says of this one
        process is left out then; the application's own metrics are shown, and it is said how to have those of all.
        """
        taken = set(taken)
        found = self._found()
        if is_of_one and not self._is_in_files:
            found = [family for family in found if family.name not in _its_own_names()]
            if found:
                self._note(
                    found[0].name,
                    "is of prometheus_client and shows one process only; set PROMETHEUS_MULTIPROC_DIR before it is imported",
                )
        for family in found:
            names = _names(family)
            if not names & taken:
                taken |= names
                yield family
                continue
            if family.name not in _its_own_names():
                self._note(family.name, "is in prometheus_client.REGISTRY too, or twice; the first one is exposed")

    def _found(self) -> list[Metric]:
        registry = self._files() if self._is_in_files else self._registry
        try:
            found = list(registry.collect())
        except Exception:  # a collector of the application's may raise anything; the others are asked one by one
            found = [family for collector in self._collectors() for family in self._asked(collector)]
        return [family for family in found if isinstance(family, Metric)]

    @property
    def _is_in_files(self) -> bool:
        """Whether it keeps its values for several processes, which was chosen before it was imported."""
        return (
            self._registry is prometheus_client.REGISTRY
            and values.ValueClass is not values.MutexValue
            and Path(os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")).is_dir()
        )

    def _files(self) -> Any:
        path = os.environ["PROMETHEUS_MULTIPROC_DIR"]
        return multiprocess.MultiProcessCollector(CollectorRegistry(), path)  # type: ignore[no-untyped-call]

    def _collectors(self) -> list[Any]:
        return list(getattr(self._registry, "_collector_to_names", ()))

    def _asked(self, collector: Any) -> list[Metric]:
        try:
            return list(collector.collect())
        except Exception as error:  # as above
            kind = type(collector).__name__
            self._note(kind, f"in prometheus_client.REGISTRY failed, so its metrics are missing: {error!r}")
            return []


def encoded(found: list[Metric], encode: Callable[[Any], bytes], note: Note) -> bytes:
    """``found`` in one of ``prometheus_client``'s formats; without those that it cannot write."""
    try:
        return encode(_Fixed(found))
    except Exception:  # a family of the application's may be odd in any way; the others are still shown
        return encode(_Fixed([family for family in found if _is_encodable(family, encode, note)]))


def filtered(found: Iterable[Metric], names: Collection[str]) -> Iterator[Metric]:
    """A family whose name is asked for as a whole, else of its samples those that are."""
    for family in found:
        if family.name in names:
            yield family
        elif samples := [sample for sample in family.samples if sample.name in names]:
            kept = Metric(family.name, family.documentation, family.type, "")
            kept.unit = family.unit
            kept.samples = samples
            yield kept


class _Fixed:
    """What ``prometheus_client`` encodes: something with a ``collect()``."""

    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> list[Metric]:
        return self._found


def _is_encodable(family: Metric, encode: Callable[[Any], bytes], note: Note) -> bool:
    try:
        encode(_Fixed([family]))
    except Exception as error:  # as above
        note(family.name, f"cannot be exposed: {error!r}")
        return False
    return True


@functools.cache
def _its_own_names() -> set[str]:
    return {family.name for collector in _ITS_OWN for family in collector.collect()}


def _names(family: Metric) -> set[str]:
    exposed = {family.name, *(family.name + suffix for suffix in _SUFFIXES.get(family.type, ()))}
    return exposed | {sample.name for sample in family.samples}
