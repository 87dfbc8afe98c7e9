"""The native recorder of spans: a tracer of the OpenTelemetry API at a fraction of the official one's cost."""
