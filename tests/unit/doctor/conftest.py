"""Fixtures of the doctor's tests: an examination of one exporter, and certificates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from heliograph.doctor.circumstances import Circumstances
from heliograph.doctor.destinations import examine_destinations
from heliograph.doctor.finding import Finding
from heliograph.settings import TelemetrySettings
from tests.support.certificates import Certificates, make_certificates

SECTIONS = {"traces": "tracing", "metrics": "metrics", "logs": "logs"}
OFF = {"enabled": False}


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def around(tmp_path: Path) -> Callable[..., Circumstances]:
    """What a check looks at, of these settings."""

    def make(environ: dict[str, str] | None = None, *, mounts: str = "", **options: Any) -> Circumstances:
        settings = TelemetrySettings(**{"service_name": "shop", **options})
        return Circumstances(settings=settings, environ=environ or {}, folder=tmp_path, mounts=mounts)

    return make


@pytest.fixture
def destinations(around: Callable[..., Circumstances]) -> Callable[..., list[Finding]]:
    """The findings about one exporter, which some ``signals`` have."""

    def examine(
        wanted: dict[str, Any], *, signals: Sequence[str] = ("traces",), environ: dict[str, str] | None = None
    ) -> list[Finding]:
        exporter = {"timeout": "1s", **wanted} if wanted.get("type", "otlp") in ("otlp", "jaeger") else wanted
        exporter = {"type": "otlp", **exporter}
        options: dict[str, Any] = {SECTIONS[signal]: {"exporters": [exporter]} for signal in signals}
        return list(examine_destinations(around(environ, **dict.fromkeys(SECTIONS.values(), OFF) | options)))

    return examine
