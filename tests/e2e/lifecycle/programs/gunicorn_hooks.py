"""A configuration file of gunicorn that has our hooks."""

from __future__ import annotations

from heliograph.integrations.gunicorn import *  # noqa: F403
