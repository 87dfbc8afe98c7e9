"""The same programs about metrics give the same OTLP on both recorders, but for the listed corrections."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.differential.corrections import BROKEN_SCRAPE
from tests.differential.metric_interpreter import collections
from tests.differential.metric_programs import METRIC_PROGRAMS
from tests.differential.metric_steps import MetricProgram
from tests.differential.metric_view import comparable
from tests.differential.recorders import METERS
from tests.differential.test_spans import FIXED

pytestmark = pytest.mark.usefixtures("silence")


@given(METRIC_PROGRAMS)
@settings(**FIXED)
def test_a_program_gives_the_same_collections_on_both_recorders(program: MetricProgram) -> None:
    native = comparable(program, collections(METERS["native"], program))
    try:
        official = comparable(program, collections(METERS["official"], program))
    except Exception as error:  # the class that the SDK raises
        if str(error) != BROKEN_SCRAPE:
            raise
    else:
        assert native == official
