"""The site as a WSGI application."""

import os

from django.core.wsgi import get_wsgi_application

from library.telemetry import telemetry

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "library.settings")
telemetry.initialize()
telemetry.instrument(django=True, sqlite3=True, logging=True)

application = get_wsgi_application()
