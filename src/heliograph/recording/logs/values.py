"""The body of a log record, as something that does not change any more. Called by the logger; never raises."""

from __future__ import annotations

from typing import Any

from heliograph.recording.attributes import SCALARS, frozen
from heliograph.text import shown


def frozen_body(body: Any) -> Any:
    """``body`` as it is now: a scalar, a tuple or a dict of such, else its text."""
    if type(body) in SCALARS:
        return body
    try:
        return frozen(body)
    except Exception:  # a collection of the application's own may raise anything; the record is worth having all the same
        return shown(body)
