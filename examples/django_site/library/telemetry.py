"""Telemetry of the site: made here, begun by wsgi.py, so that ``manage.py migrate`` and the like stay without."""

from django.db import connection

from heliograph import CallableHealthCheck, TelemetryManager, TelemetrySettings


def database_answers() -> bool:
    with connection.cursor() as cursor:
        return cursor.execute("SELECT 1").fetchone() == (1,)


telemetry = TelemetryManager(TelemetrySettings.load())  # as [tool.heliograph] in pyproject.toml says
telemetry.health.add_check(CallableHealthCheck("database", database_answers), groups=["ready"])
