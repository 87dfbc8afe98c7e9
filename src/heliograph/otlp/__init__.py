"""OTLP: signals to and from the wire format."""
