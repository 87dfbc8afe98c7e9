"""The native recorder of metrics: instruments of the OpenTelemetry API at a fraction of the official ones' cost."""
