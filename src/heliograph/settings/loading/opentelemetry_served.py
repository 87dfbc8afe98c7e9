"""Where metrics are served: OTEL_EXPORTER_PROMETHEUS_HOST and _PORT.

The host is laid over what all sources say together: it opens the endpoint to other machines unless it is a loopback one, which
the settings have to allow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from heliograph.settings.kinds import whole
from heliograph.settings.loading.layer import Place
from heliograph.settings.loading.opentelemetry_changes import Changes
from heliograph.settings.loading.opentelemetry_model import as_mapping
from heliograph.settings.loading.opentelemetry_variable import Meaning, Variable
from heliograph.settings.server import ServerSettings

_HOST: Final = "OTEL_EXPORTER_PROMETHEUS_HOST"
_PORT: Final = "OTEL_EXPORTER_PROMETHEUS_PORT"
_PORT_PLACE: Final[Place] = ("server", "port")
_HOST_PLACE: Final[Place] = ("server", "host")
_port: Final = whole(0, 65535)


def _read_port(text: str, _environ: Mapping[str, str]) -> Meaning:
    return Meaning(values={_PORT_PLACE: _port(text)})


ROWS: Final = (
    Variable(
        name=_HOST,
        group="Prometheus",
        doc=(
            "The address that `/metrics` and `/health` are served at. One that other machines reach needs "
            "`HELIOGRAPH_SERVER__ALLOW_UNAUTHENTICATED=true` beside it."
        ),
        places=(_HOST_PLACE,),
        reader="heliograph",
    ),
    Variable(
        name=_PORT,
        group="Prometheus",
        doc="The port that `/metrics` and `/health` are served at.",
        places=(_PORT_PLACE,),
        read=_read_port,
    ),
)


def serve(changes: Changes) -> None:
    """Lay the host over what the sources say."""
    host = changes.text(_HOST)
    if host is None or changes.is_outranked(_HOST_PLACE):
        return
    allowed = as_mapping(changes.given.get("server")).get("allow_unauthenticated", False)
    try:
        ServerSettings.read({"host": host, "allow_unauthenticated": allowed})
    except ValueError:
        changes.note(
            f"{_HOST} is ignored: host {host!r} is open to other machines; set HELIOGRAPH_SERVER__ALLOW_UNAUTHENTICATED=true "
            "beside it if they may read what is served"
        )
    else:
        changes.put(_HOST_PLACE, host, _HOST)
