"""The settings of the HTTP endpoint, `/metrics` and `/health`."""

from __future__ import annotations

import ipaddress
from typing import Literal, TypeAlias

from heliograph.settings.exporters import http_path
from heliograph.settings.kinds import choice, filled_text, flag, whole
from heliograph.settings.section import Section, Siblings, setting

WhenTaken: TypeAlias = Literal["none", "next"]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _check_open_bind(allowed: bool, above: Siblings) -> None:
    host = above.get("host")
    if host is not None and not (allowed or _is_loopback(host)):
        raise ValueError(f"true, since host {host!r} is open to other machines; or a loopback host such as '127.0.0.1'")


class ServerSettings(Section):
    """The HTTP endpoint, which serves `/metrics` and `/health`."""

    enabled: bool = setting(flag, default=True, doc="Whether there is one.")
    host: str = setting(
        filled_text,
        default="127.0.0.1",
        doc="The address that it listens on. One that other machines reach needs `allow_unauthenticated`.",
    )
    port: int = setting(whole(0, 65535), default=9464, doc="Its port; 0 means any that is free.")
    when_taken: WhenTaken = setting(
        choice(WhenTaken), default="none", doc="When the port is taken: no endpoint, or the next free port."
    )
    metrics_path: str = setting(http_path, default="/metrics", doc="Where metrics are scraped.")
    allow_unauthenticated: bool = setting(
        flag,
        default=False,
        check=_check_open_bind,
        doc="Whether other machines may read it. What it shows is then open to all of them.",
    )
