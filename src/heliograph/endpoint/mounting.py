"""Remembers which applications are the endpoint's, so that what instruments the application around them can leave them out.

Written by ``asgi.py`` and ``wsgi.py``, read by the instrumentation.
"""

from __future__ import annotations

import weakref
from typing import Any, TypeVar

A = TypeVar("A")

_endpoints: weakref.WeakSet[Any] = weakref.WeakSet()


def remembered(application: A) -> A:
    """``application``, which is one of ours from now on."""
    _endpoints.add(application)
    return application


def is_endpoint(application: Any) -> bool:
    """Whether ``application`` is one of ours."""
    try:
        return application in _endpoints
    except TypeError:  # nothing that can be looked up
        return False
