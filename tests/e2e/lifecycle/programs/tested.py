"""Tests of an application whose telemetry is asked for with HELIOGRAPH_ENABLED: each of them does one unit."""

from __future__ import annotations

import pytest

from tests.e2e.lifecycle.programs import units

units.start()


@pytest.mark.parametrize("number", range(24))
def test_it_works(number: int) -> None:
    units.do(str(number))
