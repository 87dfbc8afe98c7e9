"""What the tests of programs need."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def silence() -> Iterator[None]:
    """The official recorder logs each call on an ended span, and a traceback for each generator that is finished elsewhere."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
