"""Names that heliograph emits and that are used in more than one place, with their sources.

Metrics of the system, of the process and of Python are named in the catalogue, ``catalog/rows``, row by row.
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
ITEMS_SPOOLED: Final = "heliograph.items.spooled"
ITEMS_RECOVERED: Final = "heliograph.items.recovered"
ITEMS_RETRIED: Final = "heliograph.items.retried"
ITEMS_DUPLICATED: Final = "heliograph.items.duplicated_at_most"
TRACES_DECIDED: Final = "heliograph.traces.decided"
TRACES_DECIDED_EARLY: Final = "heliograph.traces.decided_early"
UNDECLARED_ATTRIBUTES: Final = "heliograph.metrics.undeclared_attributes"
DECISION: Final = "decision"
METRIC: Final = "metric"
SPOOL_FAILURES: Final = "heliograph.spool.failures"
SIGNAL: Final = "signal"
DESTINATION: Final = "destination"
REASON: Final = "reason"

# The same by the names of OpenTelemetry's semantic conventions, "OpenTelemetry SDK metrics" (development); {} is the item.
SDK_PROCESSED: Final = "otel.sdk.processor.{}.processed"
SDK_QUEUE_SIZE: Final = "otel.sdk.processor.{}.queue.size"
SDK_QUEUE_CAPACITY: Final = "otel.sdk.processor.{}.queue.capacity"
SDK_EXPORTED: Final = "otel.sdk.exporter.{}.exported"
SDK_INFLIGHT: Final = "otel.sdk.exporter.{}.inflight"
SDK_OPERATION_DURATION: Final = "otel.sdk.exporter.operation.duration"
COMPONENT_NAME: Final = "otel.component.name"
COMPONENT_TYPE: Final = "otel.component.type"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"

# Instrumentation scopes.
SCOPE: Final = "heliograph"
SYSTEM_SCOPE: Final = "heliograph.system"
HEALTH_SCOPE: Final = "heliograph.health"
PIPELINE_SCOPE: Final = "heliograph.pipeline"
