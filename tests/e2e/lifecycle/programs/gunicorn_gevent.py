"""A configuration file of gunicorn that lets gevent patch before anything else is loaded, as gevent asks for."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()
