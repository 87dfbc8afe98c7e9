"""What rows of one source have in common: metrics of the host, which each process reads alike, and those of a process."""

from __future__ import annotations

from heliograph.catalog.metric import Attribute, Kind, LegacyName, Metric


def host_row(
    name: str, kind: Kind, unit: str, description: str, *attributes: Attribute, legacy: tuple[LegacyName, ...] = ()
) -> Metric:
    """A metric of the machine or of the container: the latest reading counts, whichever process made it."""
    return Metric(
        name=name,
        kind=kind,
        unit=unit,
        description=description,
        group="system",
        attributes=attributes,
        legacy=legacy,
        across="latest",
    )


def process_row(group: str, name: str, kind: Kind, unit: str, description: str, *attributes: Attribute) -> Metric:
    """A metric of one process: what it counts adds up, the rest is its own."""
    return Metric(
        name=name,
        kind=kind,
        unit=unit,
        description=description,
        group=group,
        attributes=attributes,
        across="sum" if kind == "counter" else "per_process",
    )
