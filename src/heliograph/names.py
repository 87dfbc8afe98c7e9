"""Names that heliograph emits and that are used in more than one place, with their sources.

System and process metrics are named in ``system/table.py``, row by row.
"""

from __future__ import annotations

from typing import Final

# Resource attributes: OpenTelemetry semantic conventions, "Service" and "Deployment".
SERVICE_NAME: Final = "service.name"
SERVICE_VERSION: Final = "service.version"
SERVICE_INSTANCE_ID: Final = "service.instance.id"
DEPLOYMENT_ENVIRONMENT: Final = "deployment.environment.name"

# Health: ours; the conventions have none.
HEALTH_STATUS: Final = "health.status"
HEALTH_CHECK_STATUS: Final = "health.check.status"
HEALTH_CHECK_NAME: Final = "health.check.name"

# Telemetry about telemetry: ours. An item is a span, a log record or a metric data point.
ITEMS_ACCEPTED: Final = "heliograph.items.accepted"
ITEMS_DELIVERED: Final = "heliograph.items.delivered"
ITEMS_DROPPED: Final = "heliograph.items.dropped"
ITEMS_PENDING: Final = "heliograph.items.pending"
SIGNAL: Final = "signal"
DESTINATION: Final = "destination"
REASON: Final = "reason"

# Instrumentation scopes.
SCOPE: Final = "heliograph"
SYSTEM_SCOPE: Final = "heliograph.system"
HEALTH_SCOPE: Final = "heliograph.health"
PIPELINE_SCOPE: Final = "heliograph.pipeline"
