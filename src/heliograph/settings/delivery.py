"""The settings of what happens after a recording call returned."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, TypeAlias

from heliograph.settings.duration import parse_duration
from heliograph.settings.kinds import choice, filled_text, optional, whole
from heliograph.settings.section import Section, Siblings, setting

WhenFull: TypeAlias = Literal["drop_newest", "drop_oldest"]
Spool: TypeAlias = Literal["off", "on_failure", "always"]


def _default_spool(above: Siblings) -> Literal["off", "on_failure"]:
    return "on_failure" if above["spool_directory"] is not None else "off"


class DeliverySettings(Section):
    """What happens after a recording call returned; [delivery.md](delivery.md) says what each choice promises."""

    queue_size: int = setting(whole(1), default=2048, doc="How many items may wait in memory for one destination.")
    queue_max_bytes: int = setting(whole(1), default=64 * 1024 * 1024, doc="How many bytes of them, once they are encoded.")
    when_full: WhenFull = setting(
        choice(WhenFull), default="drop_newest", doc="Which item goes when there is no room; it is counted as dropped."
    )
    spool_directory: str | None = setting(
        optional(filled_text), default=None, doc="Where the spool is kept. By default `.heliograph/spool`, when it is on."
    )
    spool: Spool = setting(
        choice(Spool),
        default_factory=_default_spool,
        doc="Whether OTLP requests are kept on disk: when a destination fails, always, or never. "
        "By default `on_failure` when there is a `spool_directory`.",
    )
    spool_max_bytes: int = setting(
        whole(1), default=512 * 1024 * 1024, doc="How many bytes the spool of one destination may have."
    )
    spool_max_age: timedelta = setting(parse_duration, default=timedelta(days=7), doc="How long a request is kept on disk.")
    shutdown_timeout: timedelta = setting(
        parse_duration, default=timedelta(seconds=5), doc="How long a shutdown may take, all of it together."
    )
